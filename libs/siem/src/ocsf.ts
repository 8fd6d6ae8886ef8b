import { type Exported, operationOf, subjectOf, unmappedOf } from './exported.js';
import { member, membersOf, quoted } from './json-text.js';
import type { PolicyPlace } from './facts.js';
import { classMembers } from './ocsf-class.js';
import { downConvert, type OcsfEvent } from './ocsf-1-8.js';
import type { OcsfClass, Row } from './row.js';

export type OcsfVersion = '1.9.0' | '1.8.0';

const CLASSES: Readonly<Record<OcsfClass, readonly [uid: number, name: string]>> = {
  base: [0, 'Base Event'],
  eventLog: [1008, 'Event Log Activity'],
  finding: [2004, 'Detection Finding'],
  entity: [3004, 'Entity Management'],
  http: [4002, 'HTTP Activity'],
  lifecycle: [6002, 'Application Lifecycle'],
  api: [6003, 'API Activity'],
  datastore: [6005, 'Datastore Activity'],
};
const SEVERITIES = ['Unknown', 'Informational', 'Low', 'Medium', 'High', 'Critical'];
const ACTIONS = ['Unknown', 'Allowed', 'Denied', 'Observed', 'Modified'];
const DISPOSITIONS: Readonly<Record<number, string>> = {
  1: 'Allowed',
  2: 'Blocked',
  6: 'Dropped',
  11: 'Corrected',
  15: 'Detected',
  17: 'Logged',
  25: 'Rejected',
  26: 'Unauthorized',
  27: 'Error',
};
/** SHA-256 over the form of RFC 8785, which is the leaf. */
const HASH = membersOf({ algorithm_id: 3, algorithm: 'SHA-256', serialization_id: 2, serialization: 'JCS' });
const PRODUCT = '"product":{"name":"Writ","vendor_name":"Writ"}';
/** Classes that know the agent, and the profile that says so. */
const OF_AGENTS: ReadonlySet<OcsfClass> = new Set(['api', 'datastore', 'http', 'entity', 'eventLog']);

/**
 * The leaf as the JSON text of an OCSF event. It is put together of texts, for it is most of the work of the feed and an object would be made to be
 * written once. 1.9.0 is the mapping; 1.8.0 is made of it by moving what that version does not know to `unmapped`.
 */
export function ocsfText(exported: Exported, version: OcsfVersion): string {
  const ofClass = classMembers(exported);
  const text = `{${constantMembers(exported.row)},${ofClass === '' ? '' : `${ofClass},`}${ownMembers(exported)}}`;
  return version === '1.9.0' ? text : JSON.stringify(downConvert(JSON.parse(text) as OcsfEvent));
}

// Rows are few and made once, and half of the members of a record are those of its row.
const constants = new WeakMap<Row, string>();

function constantMembers(row: Row): string {
  const known = constants.get(row);
  if (known !== undefined) return known;
  const text = membersOf(constantPart(row));
  constants.set(row, text);
  return text;
}

/** What every record of a row has. No member of a part is in another one: as text it would be there twice. */
function constantPart(row: Row): Record<string, unknown> {
  const [classUid, className] = CLASSES[row.ocsf];
  return {
    category_uid: Math.floor(classUid / 1000),
    class_uid: classUid,
    class_name: className,
    activity_id: row.activityId,
    activity_name: row.activity,
    type_uid: classUid * 100 + row.activityId,
    severity_id: row.severity,
    severity: SEVERITIES[row.severity],
    ...statusOf(row),
    ...(row.control !== undefined && {
      action_id: row.control[0],
      action: ACTIONS[row.control[0]],
      disposition_id: row.control[1],
      disposition: DISPOSITIONS[row.control[1]],
    }),
    // Every class has the attribute with the profile security_control, and no other has it.
    ...(row.isAlert === true && { is_alert: true }),
  };
}

/** What every leaf has of its own. */
function ownMembers(exported: Exported): string {
  const { leaf, facts, raw, hashes } = exported;
  const { why, cost, risk, n } = facts;
  return (
    `"metadata":${metadataOf(exported)},"time":${leaf.timeMs},"message":${quoted(messageOf(exported))}` +
    member('status_code', why?.code) +
    member('status_detail', why?.text) +
    member('count', n) +
    member('duration', cost?.ms) +
    member('risk_score', risk?.score === undefined ? undefined : Math.round(risk.score)) +
    authorizationsOf(exported) +
    agentOf(exported) +
    (hashes === undefined ? '' : `,"raw_data_hash":{${HASH},"value":"${hashes.raw}"}`) +
    member('raw_data', raw) +
    `,"unmapped":{"writ":${JSON.stringify(unmappedOf(exported))}}`
  );
}

function metadataOf(exported: Exported): string {
  const { leaf, facts, type } = exported;
  return (
    `{"version":"1.9.0","profiles":${profilesOf(exported)},${PRODUCT},"log_name":${quoted(leaf.logName)}` +
    member('sequence', leaf.index) +
    `,"event_code":"${type}"` +
    member('uid', facts.id) +
    member('tenant_uid', facts.ten) +
    member('correlation_uid', facts.corr?.sess) +
    '}'
  );
}

function profilesOf({ row, facts }: Exported): string {
  const isOfAgent = facts.who?.agent !== undefined && OF_AGENTS.has(row.ocsf);
  // The actor of a request over the network is known to the profile of hosts alone.
  return `["security_control"${isOfAgent ? ',"ai_operation"' : ''}${row.ocsf === 'http' ? ',"host"' : ''}]`;
}

function messageOf(exported: Exported): string {
  const { row, facts } = exported;
  const code = facts.why?.code;
  const about = facts.act === undefined ? subjectOf(exported) : `${operationOf(exported)} by ${subjectOf(exported)}`;
  return `${row.title}: ${about}${code === undefined ? '' : ` (${code})`}`;
}

function statusOf(row: Row): Record<string, unknown> {
  // The status of a finding is its life in somebody's queue, not how an action ended.
  if (row.ocsf === 'finding') return { status_id: 1, status: 'New' };
  if (row.isSuccess === undefined) return {};
  return row.isSuccess ? { status_id: 1, status: 'Success' } : { status_id: 2, status: 'Failure' };
}

function authorizationsOf({ facts }: Exported): string {
  const { pol, bundle } = facts.why ?? {};
  if (pol === undefined || pol.length === 0) return '';
  const version = member('version', bundle);
  return `,"authorizations":[${pol.map((policy) => authorizationOf(policy, version)).join(',')}]`;
}

function authorizationOf({ id, effect, file, line }: PolicyPlace, version: string): string {
  const place = file !== undefined && line !== undefined ? `${file}:${line}` : undefined;
  const data = `${member('file', file)}${member('line', line)}${member('effect', effect)}`.slice(1);
  return (
    `{"decision":"${effect === 'permit' ? 'allow' : 'deny'}","policy":{"type":"Cedar"` +
    `${member('uid', id)}${member('name', id)}${member('desc', place)}${version},"data":{${data}},"is_applied":true}}`
  );
}

function agentOf({ row, facts }: Exported): string {
  const agent = facts.who?.agent;
  if (agent === undefined || !OF_AGENTS.has(row.ocsf)) return '';
  const name = quoted(agent);
  return `,"ai_agent":{"uid":${name},"name":${name},"type_id":0,"type":"Unknown"}`;
}
