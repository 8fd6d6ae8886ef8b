import type { SiemRecord } from './record.js';
import { escapeFor } from './safe-text.js';

/** Facility 13 of RFC 5424: log audit. */
const LOG_AUDIT = 13;
/** RFC 5424 severity by that of OCSF: 1 informational, 2 notice, 3 warning, 4 error, 5 critical. */
const SEVERITIES = [5, 6, 5, 4, 3, 2];
/** The number that IANA keeps for examples (RFC 5612): Writ has none of its own. */
const ENTERPRISE = 32473;
const MSGID_MAX = 32;
const PARAM_SPECIALS = /["\\\]]/g;
const NOT_PRINTABLE = /[^!-~]/g;

/**
 * The record as one RFC 5424 message: facility log audit, the type as MSGID, and structured data that holds the idempotency key. There is no
 * line end in it, whatever the record holds.
 */
export function toSyslog(record: SiemRecord, host: string): string {
  const priority = LOG_AUDIT * 8 + (SEVERITIES[record.severity] ?? 5);
  const msgId = printable(record.type, MSGID_MAX);
  const time = new Date(record.timeMs).toISOString();
  const params = [
    ...(record.index === undefined ? [] : [syslogParam('seq', String(record.index))]),
    ...(record.id === undefined ? [] : [syslogParam('id', record.id)]),
    syslogParam('origin', record.logName),
  ];
  return `<${priority}>1 ${time} ${printable(host, 255)} writ - ${msgId} [writ@${ENTERPRISE} ${params.join(' ')}] ${record.text}`;
}

/** Octet counting of RFC 6587 and RFC 5425: a message cannot be cut in two by what it holds. */
export function frameSyslog(message: string): Buffer {
  const bytes = Buffer.from(message);
  return Buffer.concat([Buffer.from(`${bytes.length} `), bytes]);
}

/** One parameter of structured data: `"`, `\` and `]` get a backslash. */
export function syslogParam(name: string, value: string): string {
  return `${name}="${escapeFor(PARAM_SPECIALS, value)}"`;
}

/** A header field: printable ASCII without blanks, at least one character. */
function printable(text: string, max: number): string {
  const clean = text.replace(NOT_PRINTABLE, '_').slice(0, max);
  return clean === '' ? '-' : clean;
}
