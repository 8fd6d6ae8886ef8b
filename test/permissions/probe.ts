import { isBusError, type Bus, type BusSubscription } from '#writ/nats';
import { setImmediate } from 'node:timers/promises';
import type { TestBus } from '../harness/bus.js';

/** Every kind of user that a deployment has. The boot users are gone by the time that anybody can try. */
export const USERS = [
  'a',
  'b',
  'pdp-1',
  'exec-tool-1',
  'exec-memory-1',
  'exec-egress-1',
  'ledger-1',
  'operator',
  'siem-1',
  'watch',
] as const;
export type User = (typeof USERS)[number];

export const STREAMS = ['LEDGER', 'PAYLOADS', 'PAYLOAD_KEYS', 'COMMANDS'] as const;
export const PRODUCERS = [
  'pdp-0',
  'exec-tool-1',
  'exec-memory-1',
  'exec-egress-1',
  'ledger',
  'operator',
  'siem-1',
] as const;
/** The test bus of these probes has one sink. */
export const SINKS = { siem: { sinks: [{ name: 'lake', kind: 'stdout' }] } } as const;
export const EXECUTORS = ['tool', 'memory', 'egress'] as const;

/** A connection whose refusals are seen. */
export interface Prober {
  readonly bus: Bus;
  /** What came back to the inbox that all probes name as their reply subject. */
  readonly answers: readonly string[];
  /** Whether the server takes the publish. The violation comes before the answer to the flush, in the order of the wire. */
  mayPublish(subject: string, body?: string, headers?: Readonly<Record<string, string>>): Promise<boolean>;
  maySubscribe(subject: string, queue?: string): Promise<boolean>;
}

export async function prober(bus: TestBus, user: string): Promise<Prober> {
  let violations = 0;
  const connection = await bus.connect(user, (error) => {
    if (isBusError(error, 'permission')) violations += 1;
  });
  const isQuiet = async (act: () => void) => {
    violations = 0;
    act();
    await connection.flush();
    // The client library tells of errors in turns of their own.
    await setImmediate();
    await setImmediate();
    return violations === 0;
  };
  const inbox = connection.newInbox();
  const answers: string[] = [];
  connection.subscribe(inbox, { onMessage: ({ data }) => answers.push(new TextDecoder().decode(data)) });
  return {
    bus: connection,
    answers,
    mayPublish: (subject, body, headers) =>
      isQuiet(() =>
        connection.publish(subject, body === undefined || body === '' ? `${user} ${subject}` : body, {
          reply: inbox,
          ...(headers !== undefined && { headers }),
        }),
      ),
    maySubscribe: async (subject, queue) => {
      let isRefused = false;
      let subscription: BusSubscription | undefined;
      const isTaken = await isQuiet(() => {
        subscription = connection.subscribe(subject, {
          ...(queue !== undefined && { queue }),
          onMessage: () => undefined,
          onError: () => {
            isRefused = true;
          },
        });
      });
      subscription?.unsubscribe();
      return isTaken && !isRefused;
    },
  };
}

/** Verbs of the JetStream API that name a stream, with a body that would have an effect. */
const STREAM_VERBS: Readonly<Record<string, (stream: string) => object | undefined>> = {
  'STREAM.CREATE': (name) => ({ name, subjects: ['taken.over'] }),
  'STREAM.UPDATE': (name) => ({ name, subjects: ['taken.over'], max_msgs: 1, discard: 'old' }),
  'STREAM.DELETE': () => undefined,
  'STREAM.PURGE': () => ({}),
  'STREAM.INFO': () => ({}),
  'STREAM.MSG.GET': () => ({ seq: 1 }),
  'STREAM.MSG.DELETE': () => ({ seq: 1 }),
  'STREAM.SNAPSHOT': () => ({ deliver_subject: '_INBOX.a.snapshot' }),
  'STREAM.RESTORE': (name) => ({ config: { name, subjects: ['taken.over'] }, state: {} }),
  'STREAM.PEER.REMOVE': () => ({ peer: 'writ' }),
  'STREAM.LEADER.STEPDOWN': () => ({}),
  'DIRECT.GET': () => ({ seq: 1 }),
  'CONSUMER.LIST': () => ({}),
  'CONSUMER.NAMES': () => ({}),
};

const CONSUMER_VERBS = ['INFO', 'DELETE', 'MSG.NEXT', 'PAUSE', 'RESET', 'UNPIN', 'LEADER.STEPDOWN'] as const;

/** Every verb on a stream under an API prefix: subject → body. */
export function streamVerbs(prefix: string, stream: string): ReadonlyMap<string, string> {
  const verbs = new Map<string, string>();
  for (const [verb, body] of Object.entries(STREAM_VERBS)) {
    const request = body(stream);
    verbs.set(`${prefix}.${verb}.${stream}`, request === undefined ? '' : JSON.stringify(request));
  }
  const push = { stream_name: stream, config: { deliver_subject: '_INBOX.a.push', ack_policy: 'none' } };
  verbs.set(`${prefix}.CONSUMER.CREATE.${stream}`, JSON.stringify(push));
  verbs.set(`${prefix}.CONSUMER.CREATE.${stream}.thief`, JSON.stringify(push));
  verbs.set(`${prefix}.CONSUMER.CREATE.${stream}.thief.cmd.>`, JSON.stringify(push));
  verbs.set(`${prefix}.CONSUMER.DURABLE.CREATE.${stream}.thief`, JSON.stringify(push));
  verbs.set(`${prefix}.DIRECT.GET.${stream}.ledger.block.pdp-0`, '');
  for (const consumer of consumersOf(stream)) {
    for (const verb of CONSUMER_VERBS) verbs.set(`${prefix}.CONSUMER.${verb}.${stream}.${consumer}`, '{}');
  }
  return verbs;
}

/** Every verb that names no stream, or one that does not exist yet. */
export function accountVerbs(prefix: string): ReadonlyMap<string, string> {
  const mirror = { name: 'MIRROR', mirror: { name: 'LEDGER' } };
  return new Map([
    [`${prefix}.INFO`, ''],
    [`${prefix}.STREAM.LIST`, '{}'],
    [`${prefix}.STREAM.NAMES`, '{}'],
    [`${prefix}.STREAM.CREATE.MIRROR`, JSON.stringify(mirror)],
    [`${prefix}.STREAM.RESTORE.MIRROR`, JSON.stringify({ config: { name: 'MIRROR' }, state: {} })],
    [`${prefix}.META.LEADER.STEPDOWN`, '{}'],
    [`${prefix}.SERVER.REMOVE`, '{}'],
    [`${prefix}.ACCOUNT.PURGE.LEDGER`, ''],
    [`${prefix}.ACCOUNT.STREAM.MOVE.LEDGER.LEDGER`, '{}'],
  ]);
}

export function consumersOf(stream: string): readonly string[] {
  if (stream === 'COMMANDS') return EXECUTORS.flatMap((kind) => [`${kind}-once-default`, `${kind}-retry-default`]);
  return stream === 'SEALED' ? ['siem-lake'] : [];
}

/** Everything that somebody may want to publish on: subject → body. */
export function publishSubjects(): ReadonlyMap<string, string> {
  const plain = [
    ...['req.a.tool.call', 'req.b.tool.call', 'req.default.a.tool.call', 'req.other.b.tool.call', 'req'],
    ...['decide.0.default.a.tool.call', 'decide.0.default.b.tool.call'],
    ...EXECUTORS.flatMap((kind) => [`cmd.${kind}.once.default`, `cmd.${kind}.retry.default`, `pool.${kind}.default`]),
    ...['cmd.tool.once.other', 'lease.pdp.0'],
    ...PRODUCERS.flatMap((producer) => [
      `ledger.block.${producer}`,
      `payload.${producer}`,
      `payloadkey.default.a.2026-11-22.${producer}`,
    ]),
    ...['ledger.block.pdp-1', 'ledger.block', 'ledger.block.pdp-0.x', 'ledger.sealed'],
    ...['_INBOX.a.x', '_INBOX.b.x', '_INBOX.x', ...USERS.slice(2).map((user) => `_INBOX_${user}.x`)],
    ...[
      '_R_.abc.def',
      '$JS.ACK.SEALED.siem-lake.1.1.1.1.0',
      '$JS.ACK.d.h.SEALED.siem-lake.1.1.1.1.0',
      '$JS.FC.LEDGER.x',
    ],
    ...EXECUTORS.map((kind) => `progress.${kind}.default`),
    ...['progress.tool.other', 'progress.tool.default.x'],
    ...EXECUTORS.map((kind) => `$JS.ACK.COMMANDS.${kind}-once-default.1.1.1.1.0`),
    ...['$JS.EVENT.ADVISORY.API', '$JS.EVENT.ADVISORY.STREAM.DELETED.LEDGER', '$KV.X.y', '$O.x.C.y', '$SRV.PING'],
    ...['$SYS.REQ.SERVER.PING', '$SYS.REQ.SERVER.PING.CONNZ', '$SYS.REQ.SERVER.PING.VARZ', '$SYS.REQ.SERVER.ID.CONNZ'],
    ...['$SYS.REQ.SERVER.ID.KICK', '$SYS.REQ.SERVER.ID.RELOAD', '$SYS.REQ.USER.INFO', '$SYS.REQ.USER.AUTH'],
    ...['$SYS.REQ.ACCOUNT.LEDGER.CLAIMS.UPDATE', '$SYS.REQ.CLAIMS.UPDATE', '$SYS.REQ.ACCOUNT.PING.CONNZ', '$SYS.x'],
    ...['$G.x', '$MQTT.x', '$GR.x', '_GR_.x.y.z', 'anything.else'],
  ];
  const subjects = new Map(plain.map((subject) => [subject, '']));
  for (const prefix of ['$JS.API', 'LEDGER.API', 'SIEM.API']) {
    for (const stream of [...STREAMS, 'SEALED'])
      streamVerbs(prefix, stream).forEach((body, subject) => subjects.set(subject, body));
    accountVerbs(prefix).forEach((body, subject) => subjects.set(subject, body));
  }
  return subjects;
}
