import { continueLedger, type ContinuedLedger, FROZEN, oldBundle } from '../../../../test/harness/continued-ledger.js';
import {
  buildHealthyLedger,
  completedBody,
  decidedBody,
  makeDeployment,
} from '../../../../test/harness/ledger-builder.js';
import { directoryOf, type LogFiles, verifyFiles } from '../../../../test/harness/log-builder.js';
import { Authority } from '#writ/signing';
import { Integrator } from '../integrator.js';
import { endOfMessage } from './message-end.js';
import { verifyChain } from './verify-chain.js';

const { rootVkey, bundle } = makeDeployment();
const NEXT = 'writ.test/default/2027';
const sleep = () => Promise.resolve();

const chainOf = (next: LogFiles, ...old: LogFiles[]) =>
  verifyChain(directoryOf(next), old.map(directoryOf), { rootVkey }, sleep);
const codesOf = ({ problems }: Awaited<ReturnType<typeof verifyFiles>>) => problems.map(({ code }) => code);

describe('a ledger that ended', () => {
  let ledgers: ContinuedLedger;
  beforeAll(async () => {
    ledgers = await continueLedger();
  });

  it('verifies, and says which ledger goes on', async () => {
    expect(await verifyFiles(ledgers.old)).toMatchObject({ exit: 0, problems: [], frozen: NEXT, previous: null });
  });

  it('takes nothing more: the log that goes on is another one', () => {
    const integrator = new Integrator(new Authority(oldBundle));
    for (const message of ledgers.oldMessages) integrator.integrate(message);
    expect(integrator.frozen).toBe(NEXT);
    const again = new Integrator(new Authority(oldBundle), integrator.state());
    const [first] = ledgers.oldMessages;
    if (first === undefined) throw new Error('there is no message');
    const late = { ...first, seq: ledgers.oldMessages.length + 1 };
    for (const each of [integrator, again])
      expect(() => each.integrate(late)).toThrow(expect.objectContaining({ code: 'LEDGER_INTEGRITY' }));
  });

  it.each([
    [
      'a block',
      (builder: ReturnType<typeof buildHealthyLedger>) => {
        builder.block('pdp-0', [builder.entry('pdp-0', decidedBody('tool.call', 'late', 'deny'))]);
      },
    ],
    [
      'a message that was refused',
      (builder: ReturnType<typeof buildHealthyLedger>) => {
        builder.append('ledger.block.pdp-0', Buffer.from('junk'));
      },
    ],
  ])('is INVALID with %s behind its end, with or without a look into the entries', async (_case, add) => {
    const builder = buildHealthyLedger(4);
    builder.block('operator', [builder.entry('operator', FROZEN)]);
    add(builder);
    // Whoever has all keys of the log can go on signing it; the product's own code does not.
    const unfrozen = await ledgers.buildOld(builder.messages.slice(0, -1));
    const went = await goneOn(builder.messages, ledgers);
    expect(codesOf(await verifyFiles(unfrozen))).toEqual([]);
    for (const isStrict of [true, false]) {
      const report = await verifyFiles(went, { isStrict });
      expect([report.exit, codesOf(report)]).toEqual([40, expect.arrayContaining(['after_frozen'])]);
    }
  });

  it('ends only by what the root key has signed for: another name, another key, another author or none end nothing', () => {
    const cases = [
      { ...FROZEN, next: 'writ.test/default/2028' },
      { ...FROZEN, key: 'A'.repeat(22) },
    ];
    for (const body of cases) {
      const builder = buildHealthyLedger(2);
      builder.block('operator', [builder.entry('operator', body)]);
      const integrator = new Integrator(new Authority(oldBundle));
      for (const message of builder.messages) integrator.integrate(message);
      expect(integrator.frozen).toBeUndefined();
    }
    const builder = buildHealthyLedger(2);
    builder.block('operator', [builder.entry('operator', FROZEN)]);
    const before = new Integrator(new Authority(bundle));
    for (const message of builder.messages) before.integrate(message);
    expect(before.frozen).toBeUndefined();
    builder.block('exec-tool-1', [builder.entry('exec-tool-1', FROZEN)]);
    const byExecutor = new Integrator(new Authority(oldBundle));
    for (const message of builder.messages.slice(0, -2)) byExecutor.integrate(message);
    const last = builder.messages.at(-1);
    if (last === undefined) throw new Error('there is no message');
    expect(byExecutor.integrate(last).verdict).toMatchObject({ refusal: 'not_authorised' });
    expect(byExecutor.frozen).toBeUndefined();
  });
});

/** The log with more behind its end, as somebody with its keys would make it: by a bundle that lets nothing end. */
async function goneOn(messages: ContinuedLedger['oldMessages'], { buildOld }: ContinuedLedger): Promise<LogFiles> {
  const { next } = oldBundle;
  const files = await buildWithout(messages);
  const honest = await buildOld(messages.slice(0, -1));
  const bytes = honest.get('bundle');
  if (bytes === undefined || next === undefined) throw new Error('there is no bundle');
  return new Map([...files, ['bundle', bytes]]);
}

async function buildWithout(messages: ContinuedLedger['oldMessages']): Promise<LogFiles> {
  const { buildLog } = await import('../../../../test/harness/log-builder.js');
  const { next: _next, ...without } = oldBundle;
  const of = { bundle: without, logKey: makeDeployment().logKey };
  return buildLog(messages, { witnesses: ['w1'], quorum: 1, of });
}

describe('a ledger that goes on from another one', () => {
  let ledgers: ContinuedLedger;
  beforeEach(async () => {
    ledgers = await continueLedger();
  });

  it('verifies by itself, says what its first entry claims, and that nobody has looked at it', async () => {
    const report = await verifyFiles(ledgers.next);
    const [old] = [await verifyFiles(ledgers.old)];
    const { size, root } = old;
    expect(report).toMatchObject({ exit: 0, problems: [], frozen: null, previous: { ledger: old.ledger, size, root } });
  });

  it('verifies with the one before it: exactly its last checkpoint', async () => {
    const { exit, report, previous } = await chainOf(ledgers.next, ledgers.old);
    expect([exit, report.problems, previous.map(({ ledger }) => ledger)]).toEqual([0, [], [makeDeployment().ledger]]);
  });

  it('begins anew, and behind it in the stream: numbers, links and leaves; calls of the one before may end in it', async () => {
    const { nextBuilder, buildNext, nextBundle } = ledgers;
    const { begins } = new Authority(nextBundle);
    const [first] = nextBuilder.messages;
    expect(first?.seq).toBe(begins);
    const outcome = completedBody('tool.call', 'call-pdp-0-0-0', { seq: 4, i: 0 });
    nextBuilder.block('exec-tool-1', [nextBuilder.entry('exec-tool-1', outcome)]);
    const files = await buildNext();
    expect(await verifyFiles(files)).toMatchObject({ exit: 0, problems: [] });
    expect(await endOfMessage(directoryOf(files), begins + 1, begins)).toBe(2);
  });

  it.each([
    ['of another size', { size: 3 }],
    ['of another root', { root: 'A'.repeat(43) }],
  ])('is INVALID when its first entry names a head %s than the root key has signed for', async (_case, change) => {
    const { next, old } = await continueLedger(change);
    expect(codesOf(await verifyFiles(next))).toEqual(['not_continued']);
    expect((await chainOf(next, old)).exit).toBe(40);
  });

  it('is INVALID when the checkpoint in its first entry is not signed by the log before, or is an earlier one', async () => {
    const earlier = [...ledgers.old].find(([path]) => path.startsWith('checkpoints/'))?.[1];
    for (const checkpoint of ['writ.test/default/2026\n1\nAAAA\n\n', String(earlier)]) {
      const { next, old } = await continueLedger({ checkpoint });
      const { exit, report } = await chainOf(next, old);
      expect([exit, codesOf(report)]).toEqual([40, ['not_continued']]);
    }
  });

  it('is INVALID without a first entry that names the one before, or with one that the bundle knows nothing of', async () => {
    const { closed: _closed, ...alone } = ledgers.nextBundle;
    expect(codesOf(await verifyFiles(await ledgers.buildNext(alone)))).toContain('not_continued');
    ledgers.nextBuilder.messages.shift();
    expect(codesOf(await verifyFiles(await ledgers.buildNext()))).toContain('not_continued');
  });

  it('is INVALID with a log that has not ended, ended with another head, or is of no ledger before it', async () => {
    const unended = await ledgers.buildOld(ledgers.oldMessages.slice(0, -1));
    const { exit, report } = await chainOf(ledgers.next, unended);
    expect([exit, codesOf(report)]).toEqual([40, ['not_continued']]);
    const builder = buildHealthyLedger(5);
    builder.block('operator', [builder.entry('operator', FROZEN)]);
    const other = await chainOf(ledgers.next, await ledgers.buildOld(builder.messages));
    expect([other.exit, codesOf(other.report)]).toEqual([40, ['not_continued']]);
    const itself = await chainOf(ledgers.next, ledgers.next);
    expect([itself.exit, codesOf(itself.report)]).toEqual([40, ['not_continued']]);
  });

  it('refuses a block of the one before that is played into it, and one of a ledger that never was', async () => {
    const { nextBuilder, nextBundle, oldMessages } = ledgers;
    const replayed = oldMessages[3];
    if (replayed === undefined) throw new Error('there is no message');
    nextBuilder.append(replayed.subject, replayed.data);
    const integrator = new Integrator(new Authority(nextBundle));
    const verdicts = nextBuilder.messages.map((message) => integrator.integrate(message));
    const last = verdicts.at(-1);
    expect(last?.verdict).toMatchObject({ refusal: 'ledger_closed' });
    expect(JSON.parse(last?.leaves[0]?.text ?? '')).toMatchObject({
      type: 'ledger.rejected',
      ledger: NEXT,
      reason: 'ledger_closed',
    });
    const { closed: _closed, ...alone } = nextBundle;
    const stranger = new Integrator(new Authority(alone));
    expect(stranger.integrate({ ...replayed, seq: 1 }).verdict).toMatchObject({ refusal: 'ledger' });
    expect(await verifyFiles(await ledgers.buildNext())).toMatchObject({ exit: 0, rejected: 1, previous: {} });
  });

  it('lets what was refused stand before its first entry: nobody who may publish makes it INVALID', async () => {
    const { nextBuilder, oldMessages, buildNext } = ledgers;
    const blocks = nextBuilder.messages.splice(0);
    const late = oldMessages[3];
    if (late === undefined) throw new Error('there is no message');
    nextBuilder.append(late.subject, late.data);
    for (const { subject, data } of blocks) nextBuilder.append(subject, data);
    expect(await verifyFiles(await buildNext())).toMatchObject({ exit: 0, rejected: 1, previous: {} });
  });
});
