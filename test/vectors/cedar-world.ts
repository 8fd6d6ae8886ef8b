import type { Json } from '#writ/contracts';
import type { Entity, EntityUid } from '#writ/policy';

/** What random policies and requests are made of. */

export type Kind = 'bool' | 'long' | 'string' | 'set' | 'entity' | 'record' | ExtensionKind;
export type ExtensionKind = 'ip' | 'decimal' | 'datetime' | 'duration';
export const EXTENSIONS: readonly ExtensionKind[] = ['ip', 'decimal', 'datetime', 'duration'];
export const KINDS: readonly Kind[] = ['bool', 'long', 'string', 'set', 'entity', 'record', ...EXTENSIONS];

/** Text that a constructor takes, and text that it only nearly takes. */
export const TEXTS: Readonly<Record<ExtensionKind, readonly string[]>> = {
  ip: [
    '10.1.2.3',
    '10.0.0.0/8',
    '127.0.0.1',
    '224.0.0.9/4',
    '239.1.1.1/3',
    '10.1.2.0',
    '10.1.2.0/24',
    '127.1.0.0/7',
    '::1',
    'ff02::1/16',
    '::/0',
    '1:2:3:4:5:6:7:8/127',
    '1.2.3.256',
  ],
  decimal: [
    '0.0',
    '-0.0',
    '1.5',
    '1.50',
    '-12.3456',
    '922337203685477.5807',
    '-922337203685477.5808',
    '922337203685477.5808',
  ],
  datetime: [
    '1970-01-01',
    '2024-02-29',
    '1969-12-31T23:59:59.999Z',
    '2024-01-01T01:00:00+0100',
    '0000-01-01',
    '2023-02-29',
  ],
  duration: ['0ms', '1d', '24h', '-1d2h3m4s5ms', '9223372036854775807ms', '-9223372036854775808ms', '106751991168d'],
};
/** Those whose milliseconds stay in 2^53, beyond which Writ errors and Cedar does not. */
export const SHORT_DURATIONS: readonly string[] = ['0ms', '1d', '90m', '-1500ms', '-1d2h3m4s5ms', '104249991d'];
export const MUTATIONS = ['', '0', '1', '9', '.', ':', '-', '+', '/', 'T', 'Z', 'd', 'ms', ' ', '٣'];
export const WORDS: readonly string[] = ['', 'a', 'ab', 'a*b', 'Ab', 'é', '🎉', 'toString'];

export const uid = (type: string, id: string): EntityUid => ({ type, id });
const escape = (fn: string, arg: string): Json => ({ __extn: { fn, arg } });
export const ENTITIES: readonly Entity[] = [
  {
    uid: uid('User', 'a'),
    attrs: { lvl: 3, name: 'ab', ip: escape('ip', '10.1.2.3') },
    parents: [uid('Team', 't1')],
    tags: { a: 1, é: 'ab', ip: escape('ip', '::1') },
  },
  { uid: uid('User', 'b'), attrs: { lvl: 1, name: 'é', decimal: escape('decimal', '1.5') }, parents: [], tags: {} },
  {
    uid: uid('User', 'ü"\0'),
    attrs: { datetime: escape('datetime', '2024-02-29') },
    parents: [uid('Team', 't1'), uid('Org', 'undeclared')],
  },
  { uid: uid('Team', 't1'), attrs: {}, parents: [uid('Org', 'o')], tags: { a: ['a', 'b'] } },
  { uid: uid('Team', 't2'), attrs: {}, parents: [] },
  { uid: uid('Org', 'o'), attrs: {}, parents: [] },
  {
    uid: uid('Doc', 'd1'),
    attrs: { title: 'a*b', owner: { __entity: uid('User', 'a') }, duration: escape('duration', '24h') },
    parents: [uid('Team', 't2')],
  },
  {
    uid: uid('Doc', 'd2'),
    attrs: { title: '', lvl: 2, owner: { __entity: uid('User', 'b') } },
    parents: [],
    tags: { constructor: true },
  },
  // Names that a key built without quoting would take for one another.
  { uid: uid('Mcp', 'Tool::x'), attrs: {}, parents: [] },
  { uid: uid('Mcp::Tool', 'x'), attrs: {}, parents: [uid('Mcp', 'Tool::"x"\0')] },
  { uid: uid('Action', 'read'), attrs: {}, parents: [uid('Action', 'all')] },
  { uid: uid('Action', 'all'), attrs: {}, parents: [] },
];
export const NAMES: readonly EntityUid[] = [
  ...ENTITIES.map((entity) => entity.uid),
  uid('Doc', 'ghost'),
  uid('Mcp', 'Tool::"x"\0'),
  uid('User', 'ghost'),
];
