import type { EntryBody } from '#writ/contracts';
import { SigningKey, type TrustBundle, trustedKey } from '#writ/signing';
import { buildHealthyLedger, decidedBody, LedgerBuilder, makeDeployment } from './ledger-builder.js';
import { buildLog, type LogFiles } from './log-builder.js';

const base = makeDeployment();
const OLD = base.ledger;
const NEXT = 'writ.test/default/2027';
const nextLogKey = new SigningKey(NEXT, Buffer.alloc(32, 210));
const EMPTY_ROOT = '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU';
const WITNESSED = { witnesses: ['w1'], quorum: 1, checkpointEvery: 5 };

/** The operator's entry that ends the ledger of the tests, as the root key lets it. */
export const FROZEN: EntryBody = { type: 'ledger.frozen', next: NEXT, key: nextLogKey.id, by: 'ops', reason: 'a year' };

const sealer = trustedKey(base.key('ledger-1').verifyKey, 'ledger-1', 'ledger', ['ledger']);

/** The bundle of the ledger that ends: the root key has said for which one. */
export const oldBundle: TrustBundle = {
  ...base.bundle,
  version: 2,
  keys: [...base.bundle.keys, sealer],
  next: { ledger: NEXT, key: nextLogKey.id },
};

/** A ledger and the one that goes on from it, as logs in memory with one witness, and the blocks and bundles that they are of. */
export interface ContinuedLedger {
  readonly old: LogFiles;
  readonly next: LogFiles;
  readonly oldMessages: LedgerBuilder['messages'];
  readonly nextBuilder: LedgerBuilder;
  readonly nextBundle: TrustBundle;
  /** The log of what `nextBuilder` has by now. */
  readonly buildNext: (bundle?: TrustBundle) => Promise<LogFiles>;
  /** The log of the ledger that ended, of other messages. */
  readonly buildOld: (messages: LedgerBuilder['messages']) => Promise<LogFiles>;
}

/** Ends a healthy ledger and begins the next one. `change`: what the first entry of the next one says otherwise of the one before. */
export async function continueLedger(
  change: { size?: number; root?: string; checkpoint?: string } = {},
): Promise<ContinuedLedger> {
  const builder = buildHealthyLedger(4);
  builder.block('operator', [builder.entry('operator', FROZEN)]);
  const buildOld = (messages: LedgerBuilder['messages']) =>
    buildLog(messages, { ...WITNESSED, of: { bundle: oldBundle, logKey: base.logKey } });
  const old = await buildOld(builder.messages);
  const checkpoint = String(old.get('checkpoint'));
  const [, size = '', root = ''] = checkpoint.split('\n');
  const end = { ledger: OLD, size: Number(size), root: Buffer.from(root, 'base64').toString('base64url'), checkpoint };
  const nextBundle: TrustBundle = {
    ...base.bundle,
    version: 3,
    ledger: NEXT,
    keys: [
      ...base.bundle.keys.filter(({ role }) => role !== 'log'),
      sealer,
      trustedKey(nextLogKey.verifyKey, NEXT, 'log', []),
    ],
    closed: [{ ...end, seq: builder.seq }],
  };
  const next = new LedgerBuilder(NEXT, builder.seq);
  const opened = { type: 'ledger.opened', size: 0, root: EMPTY_ROOT, prev: { ...end, ...change } } as const;
  next.block('ledger', [next.entry('ledger', opened)], 'ledger-1');
  const epoch = {
    hash: `sha256:${'5b'.repeat(32)}`,
    ver: 1,
    highest: 1,
    published: false,
    since: '2026-11-22T05:30:00.000Z',
  };
  next.block('operator', [next.entry('operator', { type: 'producer.carried', of: 'pdp-0', epoch })]);
  next.block('pdp-0', [next.entry('pdp-0', decidedBody('tool.call', 'call-next', 'deny'))]);
  const buildNext = (bundle = nextBundle) =>
    buildLog(next.messages, { ...WITNESSED, of: { bundle, logKey: nextLogKey } });
  return {
    old,
    next: await buildNext(),
    oldMessages: builder.messages,
    nextBuilder: next,
    nextBundle,
    buildNext,
    buildOld,
  };
}
