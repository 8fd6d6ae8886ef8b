import { type Exported, operationOf, subjectOf, unmappedOf } from './exported.js';
import { classPart } from './ocsf-class.js';
import { downConvert } from './ocsf-1-8.js';
import type { OcsfClass, Row } from './row.js';

export type OcsfVersion = '1.9.0' | '1.8.0';
/** A record as JSON. */
export type RecordObject = Record<string, unknown>;

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
const SHA_256 = 3;
const JCS = 2;
/** Classes that know the agent, and the profile that says so. */
const OF_AGENTS: ReadonlySet<OcsfClass> = new Set(['api', 'datastore', 'http', 'entity', 'eventLog']);

/** The leaf as an OCSF event. 1.9.0 is the mapping; 1.8.0 is made of it by moving what that version does not know to `unmapped`. */
export function toOcsf(exported: Exported, version: OcsfVersion): RecordObject {
  const record = { ...constantPart(exported.row), ...classPart(exported), ...ownPart(exported) };
  return version === '1.9.0' ? record : downConvert(record);
}

// Rows are few and made once, and half of the members of a record are those of its row.
const constantTexts = new WeakMap<Row, string>();

/** The same event as JSON text, in half the time: what is constant for the row is written once. */
export function ocsfText(exported: Exported, version: OcsfVersion): string {
  if (version !== '1.9.0') return JSON.stringify(toOcsf(exported, version));
  let constant = constantTexts.get(exported.row);
  if (constant === undefined) {
    constant = JSON.stringify(constantPart(exported.row)).slice(0, -1);
    constantTexts.set(exported.row, constant);
  }
  const ofClass = JSON.stringify(classPart(exported)).slice(1, -1);
  return `${constant}${ofClass === '' ? '' : ','}${ofClass},${JSON.stringify(ownPart(exported)).slice(1)}`;
}

/** What every record of a row has. No member of a part is in another one: as text it would be there twice. */
function constantPart(row: Row): RecordObject {
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

/** What every leaf has of its own. JSON drops what is undefined; to spread it only when it is there costs ten times as much. */
function ownPart(exported: Exported): RecordObject {
  const { leaf, facts, raw, hashes } = exported;
  const { why, cost, risk, n } = facts;
  return {
    metadata: metadataOf(exported),
    time: leaf.timeMs,
    message: messageOf(exported),
    status_code: why?.code,
    status_detail: why?.text,
    count: n,
    duration: cost?.ms,
    risk_score: risk?.score === undefined ? undefined : Math.round(risk.score),
    authorizations: authorizationsOf(exported),
    ai_agent: agentOf(exported),
    raw_data_hash: hashes && {
      algorithm_id: SHA_256,
      algorithm: 'SHA-256',
      serialization_id: JCS,
      serialization: 'JCS',
      value: hashes.raw,
    },
    raw_data: raw,
    unmapped: { writ: unmappedOf(exported) },
  };
}

function metadataOf(exported: Exported): RecordObject {
  const { leaf, facts, type } = exported;
  return {
    version: '1.9.0',
    profiles: profilesOf(exported),
    product: { name: 'Writ', vendor_name: 'Writ' },
    log_name: leaf.logName,
    sequence: leaf.index,
    event_code: type,
    uid: facts.id,
    tenant_uid: facts.ten,
    correlation_uid: facts.corr?.sess,
  };
}

function profilesOf({ row, facts }: Exported): string[] {
  const isOfAgent = facts.who?.agent !== undefined && OF_AGENTS.has(row.ocsf);
  return [
    'security_control',
    ...(isOfAgent ? ['ai_operation'] : []),
    // The actor of a request over the network is known to the profile of hosts alone.
    ...(row.ocsf === 'http' ? ['host'] : []),
  ];
}

function messageOf(exported: Exported): string {
  const { row, facts } = exported;
  const code = facts.why?.code;
  const about = facts.act === undefined ? subjectOf(exported) : `${operationOf(exported)} by ${subjectOf(exported)}`;
  return `${row.title}: ${about}${code === undefined ? '' : ` (${code})`}`;
}

function statusOf(row: Row): RecordObject {
  // The status of a finding is its life in somebody's queue, not how an action ended.
  if (row.ocsf === 'finding') return { status_id: 1, status: 'New' };
  if (row.isSuccess === undefined) return {};
  return row.isSuccess ? { status_id: 1, status: 'Success' } : { status_id: 2, status: 'Failure' };
}

function authorizationsOf({ facts }: Exported): readonly RecordObject[] | undefined {
  const { pol, bundle } = facts.why ?? {};
  if (pol === undefined || pol.length === 0) return undefined;
  return pol.map(({ id, effect, file, line }) => ({
    decision: effect === 'permit' ? 'allow' : 'deny',
    policy: {
      type: 'Cedar',
      uid: id,
      name: id,
      desc: file !== undefined && line !== undefined ? `${file}:${line}` : undefined,
      version: bundle,
      data: { file, line, effect },
      is_applied: true,
    },
  }));
}

function agentOf({ row, facts }: Exported): RecordObject | undefined {
  const agent = facts.who?.agent;
  if (agent === undefined || !OF_AGENTS.has(row.ocsf)) return undefined;
  return { uid: agent, name: agent, type_id: 0, type: 'Unknown' };
}
