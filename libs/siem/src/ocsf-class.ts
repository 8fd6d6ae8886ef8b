import { type Exported, operationOf, subjectOf, unmappedOf } from './exported.js';
import { member, membersOf, quoted } from './json-text.js';
import { textAt } from './leaf.js';

const POLICY = 5;
const OTHER = 99;
const VECTOR = 7;
const HIGH = 3;

/** What a class asks for beyond what all classes have, as members of the text of the event: none, or some without a comma at either end. */
export function classMembers(exported: Exported): string {
  switch (exported.row.ocsf) {
    case 'api':
      return `${actorOf(exported)},${sourceOf(exported)},${apiOf(exported)}`;
    case 'datastore':
      return `${actorOf(exported)},${sourceOf(exported)},${databaseOf(exported)}`;
    case 'http':
      return `${actorOf(exported)},${sourceOf(exported)},${requestOf(exported)}`;
    case 'entity':
      return `${actorOf(exported)},${membersOf(entityOf(exported))}`;
    case 'finding':
      return membersOf(findingOf(exported));
    case 'eventLog':
      return `${actorOf(exported)}${member('log_name', exported.leaf.logName)}`;
    case 'lifecycle':
      return membersOf({ app: { name: subjectOf(exported), vendor_name: 'Writ' } });
    case 'base':
      return '';
  }
}

/** The agent that acts, through the process that wrote the entry. */
function actorOf(exported: Exported): string {
  const producer = exported.facts.prod?.id;
  const app = member('app_name', producer === undefined ? undefined : `writ ${producer}`);
  return `"actor":{"app_uid":${quoted(subjectOf(exported))}${app}}`;
}

function sourceOf(exported: Exported): string {
  return `"src_endpoint":{"name":${quoted(subjectOf(exported))}}`;
}

function apiOf(exported: Exported): string {
  const { facts, entry } = exported;
  const call = facts.corr?.call ?? textAt(entry, 'req', 'eval');
  const service = facts.act?.kind ?? textAt(entry, 'client') ?? textAt(entry, 'origin');
  const operation = textAt(entry, 'req', 'act') ?? operationOf(exported);
  return (
    `"api":{"operation":${quoted(operation)}` +
    (service === undefined ? '' : `,"service":{"name":${quoted(service)}}`) +
    (call === undefined ? '' : `,"request":{"uid":${quoted(call)}}`) +
    responseOf(exported) +
    '}'
  );
}

function responseOf({ facts: { eff, why } }: Exported): string {
  if (eff?.d === 'ok') return ',"response":{"message":"ok"}';
  return eff?.d === 'error' ? `,"response":{"error":${quoted(why?.code ?? 'error')}}` : '';
}

function databaseOf(exported: Exported): string {
  const { facts } = exported;
  const name = quoted(operationOf(exported));
  const call = facts.corr?.call;
  const asked = facts.act?.kind === 'memory.query' ? facts.io?.in : undefined;
  const database = `"type_id":1,"type":"Database","database":{"uid":${name},"name":${name},"type_id":${VECTOR},"type":"Vector"}`;
  if (asked === undefined) return database;
  // What was asked is a salted commitment: the text is in nobody's log.
  const by = call === undefined ? member('name', 'query') : member('uid', call);
  return `${database},"query_info":{"query_string":${quoted(asked)}${by}}`;
}

function requestOf(exported: Exported): string {
  const call = exported.facts.corr?.call;
  const request = call === undefined ? '{}' : `{"uid":${quoted(call)}}`;
  return `"dst_endpoint":{"svc_name":${quoted(operationOf(exported))}},"http_request":${request}`;
}

function findingOf(exported: Exported): Record<string, unknown> {
  const { row, facts, entry, leaf } = exported;
  const reason = facts.why?.code ?? textAt(entry, 'reason');
  return {
    confidence_id: HIGH,
    confidence: 'High',
    finding_info: {
      uid: facts.id ?? `${leaf.logName}#${leaf.index}`,
      title: row.title,
      ...(reason !== undefined && { types: [reason] }),
      created_time: leaf.timeMs,
    },
    evidences: [{ name: 'ledger entry', data: unmappedOf(exported) }],
  };
}

function entityOf(exported: Exported): Record<string, unknown> {
  const { entry, facts, type } = exported;
  const bundle = (which: string) => textAt(entry, 'bundle', which);
  switch (type) {
    case 'policy.changed':
      return {
        entity: { type_id: POLICY, type: 'Policy', uid: bundle('old') ?? 'none', name: 'policies' },
        updated_entity: {
          type_id: POLICY,
          type: 'Policy',
          uid: bundle('new') ?? 'none',
          name: 'policies',
          version: textAt(entry, 'man', 'ver') ?? '0',
        },
        comment: `version ${textAt(entry, 'man', 'ver') ?? '0'} by ${textAt(entry, 'man', 'author') ?? 'nobody'}`,
      };
    case 'policy.rejected':
      return {
        entity: { type_id: POLICY, type: 'Policy', uid: textAt(entry, 'kept') ?? 'none', name: 'policies' },
        comment: `refused at ${textAt(entry, 'at') ?? 'an unknown place'}; the earlier policies stay in force`,
      };
    case 'agent.identity.issued':
    case 'agent.identity.revoked':
      return { entity: other('AI Agent', facts.who?.agent ?? 'unknown', { key: textAt(entry, 'key') ?? null }) };
    case 'producer.enrolled':
    case 'producer.revoked':
      return {
        entity: other('Producer', textAt(entry, 'instance') ?? 'unknown', { key: textAt(entry, 'key') ?? null }),
      };
    case 'credential.set':
    case 'credential.rotated':
    case 'credential.removed':
      return { entity: other('Secret', textAt(entry, 'secret') ?? 'unknown', { version: entry['ver'] ?? null }) };
    case 'credential.rekeyed':
      return { entity: other('Secret store', 'store', { old: entry['old'], new: entry['new'] }) };
    case 'admin.sink.changed':
      return {
        entity: other('Log Sink', textAt(entry, 'sink') ?? 'unknown', { old: entry['old'], new: entry['new'] }),
      };
    default:
      return { entity: other('Data Subject', textAt(entry, 'subject') ?? facts.id ?? 'unknown', undefined) };
  }
}

function other(type: string, uid: string, data: Record<string, unknown> | undefined): Record<string, unknown> {
  return { type_id: OTHER, type, uid, ...(data !== undefined && { data }) };
}
