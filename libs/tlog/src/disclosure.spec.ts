import type { EntryBody, Json } from '#writ/contracts';
import { completedBody, decidedBody, LedgerBuilder, makeDeployment } from '../../../test/harness/ledger-builder.js';
import { buildLog, bundleWith, directoryOf } from '../../../test/harness/log-builder.js';
import { commit, commitMembers, memberSalt, newSalt } from './commitment.js';
import { commitmentsOf, type Disclosure, openingOf, verifyDisclosure } from './disclosure.js';
import { proveCall } from './log/prove-call.js';

const { rootVkey } = makeDeployment();
const CALL = 'call-7';
const ASKED = { amount: 1_200, customer: 'anna', note: 'urgent' };
const RESULT = { status: 'completed', output: { balance: 3 } };
const salts = { in: newSalt(), out: newSalt() };

/** A log with one call, and a disclosure of what is asked for. */
async function disclosed(fields: readonly string[], inCommitment = commitMembers(salts.in, '/in', ASKED)) {
  const builder = new LedgerBuilder();
  const allowed = { ...decidedBody('tool.call', CALL, 'allow'), io: { in: inCommitment, in_len: 9 } } as EntryBody;
  builder.block('pdp-0', [builder.entry('pdp-0', allowed)]);
  const done = {
    ...completedBody('tool.call', CALL, { seq: 1, i: 0 }),
    io: { out: commit(salts.out, '/out', RESULT), out_len: 9 },
  };
  builder.block('exec-tool-1', [builder.entry('exec-tool-1', done as EntryBody)]);
  builder.block('pdp-0', [builder.entry('pdp-0', decidedBody('tool.call', 'call-8', 'deny'))]);
  const directory = directoryOf(await buildLog(builder.messages));
  const stored = [
    { path: '/in', salt: salts.in, value: ASKED as Json },
    { path: '/out', salt: salts.out, value: RESULT as Json },
  ];
  const entries = (await proveCall(directory, CALL, rootVkey)).flatMap(({ text, proved: { entry } }) => {
    const opened = fields.flatMap((field) =>
      stored.flatMap((value) => {
        const commitment = commitmentsOf(entry).get(value.path);
        const opening = commitment === undefined ? undefined : openingOf(commitment, value, field);
        return opening === undefined ? [] : [{ ...opening, base: value.path }];
      }),
    );
    if (opened.length === 0) return [];
    const lists = Object.fromEntries(opened.flatMap(({ base, list }) => (list === undefined ? [] : [[base, list]])));
    return [{ proof: text, values: opened.flatMap(({ values }) => [...values]), lists }];
  });
  const other = (await proveCall(directory, 'call-8', rootVkey))[0]?.text ?? '';
  return { disclosure: { v: 1, call: CALL, bundle: bundleWith({}), entries } satisfies Disclosure, other };
}

const verify = (disclosure: Disclosure) => verifyDisclosure(JSON.stringify(disclosure), rootVkey);
const pathsOf = (disclosure: Disclosure) => verify(disclosure).flatMap(({ values }) => values.map(({ path }) => path));

describe('a disclosure', () => {
  it('shows chosen members and results to be the recorded ones, with the root key alone, and hides the rest', async () => {
    const { disclosure } = await disclosed(['/in/amount', '/out']);
    expect(verify(disclosure).map(({ proved, values }) => [proved.entry.type, values])).toEqual([
      ['tool.call.decided', [{ path: '/in/amount', value: 1_200 }]],
      ['tool.call.completed', [{ path: '/out', value: RESULT }]],
    ]);
    const text = JSON.stringify(disclosure);
    expect(['anna', 'urgent', salts.in].filter((hidden) => text.includes(hidden))).toEqual([]);
  });

  it('shows all of the arguments when all of them are chosen', async () => {
    expect(pathsOf((await disclosed(['/in'])).disclosure)).toEqual(['/in/amount', '/in/customer', '/in/note']);
  });

  it('opens what an earlier release committed to as a whole, and only that', async () => {
    const whole = commit(salts.in, '/in', ASKED);
    expect(pathsOf((await disclosed(['/in'], whole)).disclosure)).toEqual(['/in']);
    expect((await disclosed(['/in/amount'], whole)).disclosure.entries).toEqual([]);
  });

  it('gives no salt from which a hidden member could be tried out', async () => {
    const { disclosure } = await disclosed(['/in/amount']);
    const [given] = disclosure.entries[0]?.values ?? [];
    const list = disclosure.entries[0]?.lists['/in'] ?? {};
    const guesses = [given?.salt ?? '', memberSalt(given?.salt ?? '', '/in/customer')];
    expect(guesses.map((salt) => commit(salt, '/in/customer', 'anna'))).not.toContain(list['customer']);
  });

  type Change = (disclosure: Disclosure, other: string) => unknown;
  const value =
    (change: object): Change =>
    (disclosure) => ({
      ...disclosure,
      entries: disclosure.entries.map((entry) => ({
        ...entry,
        values: entry.values.map((each) => ({ ...each, ...change })),
      })),
    });
  const entry =
    (change: (entry: Disclosure['entries'][number]) => object): Change =>
    (disclosure) => ({
      ...disclosure,
      entries: disclosure.entries.map((each) => ({ ...each, ...change(each) })),
    });
  it.each<[string, Change]>([
    ['another value', value({ value: 12 })],
    ['another salt', value({ salt: newSalt() })],
    ['the path of another member', value({ path: '/in/note' })],
    ['a path that no entry commits to', value({ path: '/out' })],
    ['a path with no list', value({ path: '/lab/amount' })],
    [
      'a list with another commitment in it',
      (disclosure, other) => {
        const forged = commit('A'.repeat(22), '/in/amount', 5);
        const values = [{ path: '/in/amount', salt: 'A'.repeat(22), value: 5 }];
        return entry(({ lists }) => ({ values, lists: { '/in': { ...lists?.['/in'], amount: forged } } }))(
          disclosure,
          other,
        );
      },
    ],
    ['no list', entry(() => ({ lists: {} }))],
    ['a value twice', entry(({ values }) => ({ values: [...values, ...values] }))],
    ['no values', entry(() => ({ values: [] }))],
    ['the proof of another call', (disclosure, other) => entry(() => ({ proof: other }))(disclosure, other)],
    ['a proof that was cut', entry(({ proof }) => ({ proof: proof.slice(0, -30) }))],
    ['another call in its head', (disclosure) => ({ ...disclosure, call: 'call-8' })],
    ['a member that nobody knows', (disclosure) => ({ ...disclosure, more: 1 })],
    ['nothing in it', () => ({})],
  ])('does not hold with %s', async (_case, change) => {
    const { disclosure, other } = await disclosed(['/in/amount']);
    const forged = JSON.stringify(change(disclosure, other));
    expect(() => verifyDisclosure(forged, rootVkey)).toThrow(expect.objectContaining({ code: 'LEDGER_CORRUPT' }));
  });

  it('does not hold under a trust bundle that the root key did not sign', async () => {
    const { disclosure } = await disclosed(['/in/amount']);
    const forged = { ...disclosure, bundle: disclosure.bundle.replace('"pdp-0"', '"pdp-9"') };
    expect(() => verify(forged)).toThrow(expect.objectContaining({ code: 'CONFIG_KEY' }));
    expect(() => verifyDisclosure('{', rootVkey)).toThrow(expect.objectContaining({ code: 'LEDGER_CORRUPT' }));
  });
});
