import { type Exported, operationOf, subjectOf, unmappedOf } from './exported.js';
import { textAt } from './leaf.js';

const POLICY = 5;
const OTHER = 99;
const VECTOR = 7;
const HIGH = 3;

/** What a class asks for beyond what all classes have. */
export function classPart(exported: Exported): Record<string, unknown> {
  switch (exported.row.ocsf) {
    case 'api':
      return { ...actorOf(exported), ...sourceOf(exported), api: apiOf(exported) };
    case 'datastore':
      return { ...actorOf(exported), ...sourceOf(exported), ...databaseOf(exported) };
    case 'http':
      return { ...actorOf(exported), ...sourceOf(exported), ...requestOf(exported) };
    case 'entity':
      return { ...actorOf(exported), ...entityOf(exported) };
    case 'finding':
      return findingOf(exported);
    case 'eventLog':
      return { ...actorOf(exported), log_name: exported.leaf.logName };
    case 'lifecycle':
      return { app: { name: subjectOf(exported), vendor_name: 'Writ' } };
    case 'base':
      return {};
  }
}

/** The agent that acts, through the process that wrote the entry. */
function actorOf(exported: Exported): Record<string, unknown> {
  const producer = exported.facts.prod?.id;
  return {
    actor: { app_uid: subjectOf(exported), ...(producer !== undefined && { app_name: `writ ${producer}` }) },
  };
}

function sourceOf(exported: Exported): Record<string, unknown> {
  return { src_endpoint: { name: subjectOf(exported) } };
}

function apiOf(exported: Exported): Record<string, unknown> {
  const { facts, entry } = exported;
  const call = facts.corr?.call ?? textAt(entry, 'req', 'eval');
  const service = facts.act?.kind ?? textAt(entry, 'client') ?? textAt(entry, 'origin');
  const isOutcome = facts.eff?.d === 'ok' || facts.eff?.d === 'error';
  return {
    operation: textAt(entry, 'req', 'act') ?? operationOf(exported),
    ...(service !== undefined && { service: { name: service } }),
    ...(call !== undefined && { request: { uid: call } }),
    ...(isOutcome && { response: facts.eff?.d === 'ok' ? { message: 'ok' } : { error: facts.why?.code ?? 'error' } }),
  };
}

function databaseOf(exported: Exported): Record<string, unknown> {
  const { facts } = exported;
  const name = operationOf(exported);
  const call = facts.corr?.call;
  const asked = facts.act?.kind === 'memory.query' ? facts.io?.in : undefined;
  return {
    type_id: 1,
    type: 'Database',
    database: { uid: name, name, type_id: VECTOR, type: 'Vector' },
    // What was asked is a salted commitment: the text is in nobody's log.
    ...(asked !== undefined && {
      query_info: { query_string: asked, ...(call === undefined ? { name: 'query' } : { uid: call }) },
    }),
  };
}

function requestOf(exported: Exported): Record<string, unknown> {
  const call = exported.facts.corr?.call;
  return {
    dst_endpoint: { svc_name: operationOf(exported) },
    http_request: { ...(call !== undefined && { uid: call }) },
  };
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
