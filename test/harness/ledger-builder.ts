import { canonicalJson, type EntryBody, type Json } from '#writ/contracts';
import {
  Authority,
  formatVkey,
  signManifest,
  SigningKey,
  signTrustBundle,
  trustedKey,
  type Role,
  type TrustBundle,
} from '#writ/signing';
import { FIRST_PREV, sealBlock, type LedgerMessage } from '#writ/tlog';

const LEDGER = 'writ.test/default/2026';
const BUNDLE_HASH = `sha256:${'5b'.repeat(32)}`;
const COMMITMENT = `sd:${'Zk3_'.repeat(10)}Zk3`;

const KEYS: readonly (readonly [name: string, role: Role, producers: readonly string[]])[] = [
  ['pdp-1', 'pdp', ['pdp-0', 'pdp-1']],
  ['pdp-2', 'pdp', ['pdp-0', 'pdp-1']],
  ['exec-tool-1', 'tool-executor', ['exec-tool-1']],
  ['exec-memory-1', 'memory-executor', ['exec-memory-1']],
  ['operator', 'operator', ['operator']],
  [LEDGER, 'log', []],
];

/** A trust bundle with a key for each role, from fixed seeds, so that every run makes the same bytes. */
export function makeDeployment() {
  const keyOf = (name: string, index: number) => new SigningKey(name, Buffer.alloc(32, index + 1));
  const root = keyOf('writ.test/root', 100);
  const keys = new Map(KEYS.map(([name], index) => [name, keyOf(name, index)]));
  const key = (name: string): SigningKey => keys.get(name) ?? keyOf(name, 200);
  const bundle: TrustBundle = {
    v: 1,
    ledger: LEDGER,
    keys: KEYS.map(([name, role, producers]) => trustedKey(key(name).verifyKey, name, role, producers)),
  };
  return {
    root,
    rootVkey: formatVkey({ name: root.name, key: root.verifyKey }),
    bundle,
    bundleNote: signTrustBundle(root, bundle),
    authority: new Authority(bundle),
    logKey: key(LEDGER),
    key,
    ledger: LEDGER,
  };
}

interface ProducerState {
  boot: string;
  n: number;
  s: number;
  prev: string;
}

/** Writes blocks of several producers into one stream in memory, with the chain state that each producer would keep. */
export class LedgerBuilder {
  readonly deployment = makeDeployment();
  readonly messages: LedgerMessage[] = [];
  readonly #producers = new Map<string, ProducerState>();
  #ids = 0;

  /** Of a ledger that goes on from another one: its name, and the last message of the one before. */
  constructor(
    readonly ledger = LEDGER,
    private readonly after = 0,
  ) {}

  get seq(): number {
    return this.after + this.messages.length;
  }

  /** A new boot of a producer, which goes on from its last block. */
  boot(producer: string): void {
    const { prev } = this.#state(producer);
    const boot = Buffer.from(`${producer}:${this.#ids++}`.padEnd(16).slice(0, 16)).toString('base64url');
    this.#producers.set(producer, { boot, n: 0, s: 0, prev });
  }

  /** The canonical text of the next entry of a producer. */
  entry(producer: string, body: EntryBody): string {
    const state = this.#state(producer);
    state.s++;
    const full = {
      ...body,
      v: 1,
      id: `01K0${String(this.#ids++).padStart(22, '0')}`,
      ts: '2026-11-22T05:30:00.123Z',
      ledger: this.ledger,
      ten: 'default',
      prod: { id: producer, boot: state.boot, s: state.s },
    };
    return canonicalJson(full as unknown as Json);
  }

  /** What a decision service writes before it decides: the policies of `decidedBody` are in force. */
  activation(
    producer: string,
    { old = null as string | null, ver = 1, keyName = 'pdp-1', author = 'files' } = {},
  ): string {
    const at = '2026-11-22T05:30:00.000Z';
    const manifest = { v: 1, ledger: this.ledger, version: ver, hash: BUNDLE_HASH, author, at } as const;
    const { key, sig } = signManifest(manifest, this.deployment.key(keyName));
    return this.entry(producer, {
      type: 'policy.changed',
      bundle: { old, new: BUNDLE_HASH },
      policies: 1,
      man: { ver, author, at, key, sig },
    });
  }

  /** Appends a block with these entry texts; returns its stream sequence. */
  block(
    producer: string,
    entries: readonly string[],
    keyName = KEYS.find((row) => row[2].includes(producer))?.[0],
  ): number {
    const state = this.#state(producer);
    state.n++;
    const draft = { ledger: this.ledger, producer, boot: state.boot, n: state.n, prev: state.prev, entries };
    const sealed = sealBlock(draft, this.deployment.key(keyName ?? producer));
    state.prev = sealed.hash;
    return this.append(`ledger.block.${producer}`, sealed.bytes);
  }

  append(subject: string, data: Uint8Array): number {
    this.messages.push({ seq: this.seq + 1, subject, data });
    return this.seq;
  }

  #state(producer: string): ProducerState {
    const known = this.#producers.get(producer);
    if (known !== undefined) return known;
    const boot = Buffer.from(`${producer}:0`.padEnd(16)).toString('base64url');
    const fresh = { boot, n: 0, s: 0, prev: FIRST_PREV };
    this.#producers.set(producer, fresh);
    return fresh;
  }
}

type Kind = 'tool.call' | 'memory.query';

/** What a decision service writes for a call. */
export function decidedBody(kind: Kind, call: string, d: 'allow' | 'deny'): EntryBody {
  return {
    type: `${kind}.decided`,
    who: { agent: 'support' },
    act: { kind, res: 'slack.chat.postMessage', dig: BUNDLE_HASH },
    corr: { call, sess: 'sess-77', trace: '4bf92f3577b34da6a3ce929d0e0e4736' },
    eff: { d, phase: 'decided' },
    why: {
      code: d === 'allow' ? 'permitted' : 'policy_forbids',
      bundle: BUNDLE_HASH,
      pol: [
        {
          id: 'support-may-post',
          effect: d === 'allow' ? 'permit' : 'forbid',
          file: 'policies/support.cedar',
          line: 4,
          col: 1,
        },
      ],
    },
    obl: ['redact:output'],
    io: { in: COMMITMENT, in_len: 212 },
    ...(d === 'allow' && {
      cmd: COMMITMENT,
      run: { delivery: 'once', pool: 'default', take_by: 1_795_325_400_000, finish_by: 1_795_325_430_000 },
    }),
  };
}

/** What an executor writes for the outcome of a call. */
export function completedBody(kind: Kind, call: string, dec: { seq: number; i: number }): EntryBody {
  return {
    type: `${kind}.completed`,
    who: { agent: 'support' },
    act: { kind, res: 'slack.chat.postMessage', dig: BUNDLE_HASH },
    corr: { call, sess: 'sess-77', trace: '4bf92f3577b34da6a3ce929d0e0e4736' },
    eff: { d: 'ok', phase: 'executed' },
    why: { code: 'ok' },
    io: { out: COMMITMENT, out_len: 41 },
    cost: { ms: 12 },
    dec,
  };
}

/**
 * A healthy ledger of several producers: `rounds` times a block of decisions by each shard and a block of their outcomes by each
 * executor, with a new boot and another key of a shard on the way, and an operator's entry first.
 */
export function buildHealthyLedger(rounds: number, entriesPerBlock = 3): LedgerBuilder {
  const builder = new LedgerBuilder();
  const issued: EntryBody = { type: 'agent.identity.issued', who: { agent: 'support' }, key: 'UABC' };
  builder.block('operator', [builder.entry('operator', issued)]);
  for (const shard of ['pdp-0', 'pdp-1']) builder.block(shard, [builder.activation(shard)]);
  for (let round = 0; round < rounds; round++) {
    if (round === Math.floor(rounds / 2)) builder.boot('pdp-0');
    const owner = round < rounds / 2 ? 'pdp-1' : 'pdp-2';
    for (const [kind, shard, executor] of [
      ['tool.call', 'pdp-0', 'exec-tool-1'],
      ['memory.query', 'pdp-1', 'exec-memory-1'],
    ] as const) {
      const calls = Array.from({ length: entriesPerBlock }, (_, index) => `call-${shard}-${round}-${index}`);
      const decisions = calls.map((call, index) =>
        builder.entry(shard, decidedBody(kind, call, index === 2 ? 'deny' : 'allow')),
      );
      const seq = builder.block(shard, decisions, owner);
      const outcomes = calls.flatMap((call, i) =>
        i === 2 ? [] : [builder.entry(executor, completedBody(kind, call, { seq, i }))],
      );
      builder.block(executor, outcomes);
    }
  }
  return builder;
}
