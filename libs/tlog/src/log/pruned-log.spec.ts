import { buildHealthyLedger, completedBody, makeDeployment } from '../../../../test/harness/ledger-builder.js';
import { buildLog, directoryOf, type LogFiles, verifyFiles } from '../../../../test/harness/log-builder.js';
import { openBlock } from '../block.js';
import { removedFilesOf } from './log-files.js';
import { logMessages } from './log-messages.js';
import { formatLogStart, type LogStart, WHOLE_LOG } from './log-start.js';
import { type LaterStart, laterStart } from './plan-log-pruning.js';
import { proveCall } from './prove-call.js';

const ROUNDS = 150;
const { rootVkey } = makeDeployment();
const witnesses = { witnesses: ['w1', 'w2'], quorum: 2, checkpointEvery: 67 };

const upTo = (seq: number) => (line: { readonly seq: number }) => line.seq <= seq;

/** A log of three files of the block index whose removal of the first is on record in the last, or is not. */
async function aLog({ by = 'operator', claim = {} as object } = {}) {
  const builder = buildHealthyLedger(ROUNDS);
  const start = await laterStart(directoryOf(await buildLog(builder.messages, witnesses)), WHOLE_LOG, upTo(300));
  if (start === undefined) throw new Error('there is nothing to remove');
  const { leaf, file, seq } = start;
  const pruned = {
    type: 'ledger.pruned',
    of: 'log',
    seq,
    leaf,
    file,
    size: 900,
    root: 'r'.repeat(43),
    ...claim,
  } as const;
  builder.block(by, [builder.entry(by, pruned)], by === 'operator' ? 'operator' : undefined);
  const calls = ['call-pdp-0-149-0', 'call-pdp-1-149-1'];
  return { files: await buildLog(builder.messages, witnesses), start, messages: builder.messages, calls, builder };
}

function prune(files: LogFiles, start: LogStart): LogFiles {
  const gone = new Set(removedFilesOf(start));
  return new Map([...[...files].filter(([path]) => !gone.has(path)), ['minimum', Buffer.from(formatLogStart(start))]]);
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

const codesOf = ({ problems }: Awaited<ReturnType<typeof verifyFiles>>) => [
  ...new Set(problems.map(({ code }) => code)),
];

describe('a log whose oldest entries were removed', () => {
  let log: Awaited<ReturnType<typeof aLog>>;
  let whole: LogFiles;
  let start: LaterStart;
  let pruned: LogFiles;
  beforeAll(async () => {
    log = await aLog();
    whole = log.files;
    start = log.start;
    pruned = prune(whole, start);
  });

  it('begins with a file of the block index, has fewer files, and every hash of the tree', () => {
    expect(start).toMatchObject({ file: 1, seq: 257 });
    const gone = [...whole.keys()].filter((path) => !pruned.has(path));
    expect(gone).toEqual(expect.arrayContaining(['blocks/000.jsonl', 'tile/entries/000', 'tile/entries/001']));
    expect(gone.filter((path) => /^tile\/[0-9]|^checkpoint/.test(path))).toEqual([]);
  });

  it.each([{ isStrict: true }, { isStrict: false }])(
    'verifies from there on, with all its heads, and says from which leaf: %o',
    async (options) => {
      const before = await verifyFiles(whole, options);
      const after = await verifyFiles(pruned, options);
      expect([before.exit, before.from]).toEqual([0, 0]);
      expect(after).toMatchObject({ exit: 0, problems: [], from: start.leaf, size: before.size, root: before.root });
      expect([after.heads, after.witnessedSize]).toEqual([before.heads, before.size]);
      expect(after.entries).toBe(before.size - start.leaf);
    },
  );

  it('still contains a head that somebody remembers of the removed part, and not another one', async () => {
    const size = 600;
    const { root } = await verifyFiles(await buildLog(log.messages.slice(0, 243)), {});
    const known = await buildLog(log.messages.slice(0, 243));
    const [, sizeThere = ''] = (known.get('checkpoint')?.toString('utf8') ?? '').split('\n');
    expect(Number(sizeThere)).toBeLessThan(start.leaf);
    const remembered = { size: Number(sizeThere), root };
    expect(await verifyFiles(pruned, { remembered })).toMatchObject({ exit: 0, problems: [] });
    expect(codesOf(await verifyFiles(pruned, { remembered: { size, root: 'A'.repeat(43) } }))).toEqual([
      'remembered_root',
    ]);
  });

  it('is incomplete when nobody signed for the removal, somebody else did, or it was of another place', async () => {
    const unsigned = prune(await buildLog(log.messages.slice(0, -1), witnesses), start);
    expect(await verifyFiles(unsigned)).toMatchObject({
      exit: 20,
      problems: [{ code: 'undeclared_pruning', file: 'minimum' }],
    });
    const other = await aLog({ claim: { leaf: start.leaf - 1 } });
    expect(await verifyFiles(prune(other.files, start))).toMatchObject({
      exit: 20,
      problems: [{ code: 'undeclared_pruning' }],
    });
    const ofStream = await aLog({ claim: { of: 'stream' } });
    expect(codesOf(await verifyFiles(prune(ofStream.files, start)))).toEqual(['undeclared_pruning']);
    const byExecutor = await aLog({ by: 'exec-tool-1' });
    expect(codesOf(await verifyFiles(prune(byExecutor.files, start)))).toContain('undeclared_pruning');
  });

  it('is incomplete when the same files are missing and nothing says so', async () => {
    const hole = new Map([...pruned].filter(([path]) => path !== 'minimum' && !/^tile.entries.00[01]\.p/.test(path)));
    const report = await verifyFiles(hole);
    expect([report.exit, codesOf(report)]).toEqual([20, ['truncated']]);
  });

  it('may begin nowhere but where it was declared to: more that is missing is a hole', async () => {
    const further = { leaf: start.leaf + 640, file: 2 };
    const more = prune(pruned, further);
    expect((await verifyFiles(more)).exit).toBeGreaterThanOrEqual(20);
    const less = new Map([...pruned, ['minimum', Buffer.from(formatLogStart({ leaf: start.leaf, file: 2 }))]]);
    expect((await verifyFiles(less)).exit).toBe(40);
  });

  it.each([
    ['a hash of a removed leaf', 'tile/0/001', 'head_root'],
    ['an entry that is left', 'tile/entries/004', 'bad_root'],
    ['where it begins', 'minimum', 'bad_file'],
  ])('is invalid when somebody changed %s', async (_what, path, code) => {
    const changed = new Map(pruned);
    const bytes = Buffer.from(changed.get(path) ?? '');
    bytes[5] = (bytes[5] ?? 0) ^ 1;
    changed.set(path, path === 'minimum' ? Buffer.from('x\n') : bytes);
    const report = await verifyFiles(changed);
    expect(report.exit).toBe(40);
    expect(codesOf(report)).toContain(code);
  });

  it('needs the hashes of the removed part: without them nothing behind it has a place', async () => {
    const without = new Map(pruned);
    without.delete('tile/0/000');
    const report = await verifyFiles(without);
    expect([report.exit, codesOf(report)[0]]).toEqual([40, 'bad_file']);
  });

  it('still notices what is missing among the blocks that are left', async () => {
    const { builder } = await aLog();
    const at = builder.messages.findIndex(({ seq, subject }) => seq > 400 && subject === 'ledger.block.pdp-0');
    const cut = builder.messages.toSpliced(at, 1).map((message, index) => ({ ...message, seq: index + 1 }));
    const report = await verifyFiles(prune(await buildLog(cut, witnesses), start));
    expect(codesOf(report)).toEqual(['no_decision', 'gap', 'entry_gap']);
  });

  it('still refuses an outcome behind the beginning that no decision has', async () => {
    const { builder } = await aLog();
    const forged = completedBody('tool.call', 'never-decided', { seq: 400, i: 0 });
    builder.block('exec-tool-1', [builder.entry('exec-tool-1', forged)]);
    const report = await verifyFiles(prune(await buildLog(builder.messages, witnesses), start));
    expect([report.exit, codesOf(report)]).toEqual([40, ['no_decision']]);
  });

  it('proves the calls that it still has, and has none of the others', async () => {
    for (const call of log.calls) expect(await proveCall(directoryOf(pruned), call, rootVkey)).toHaveLength(2);
    await expect(proveCall(directoryOf(pruned), 'call-pdp-0-0-0', rootVkey)).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
    });
  });

  it('gives its blocks as the very messages of the stream, to those that look for what the stream has no more', async () => {
    for (const [files, from] of [
      [whole, 1],
      [pruned, start.seq],
    ] as const) {
      const given = await collect(logMessages(directoryOf(files), { rootVkey, endSeq: 501 }));
      const expected = log.messages.filter(({ seq }) => seq >= from && seq < 501);
      expect(given.map(({ seq, subject }) => `${seq} ${subject}`)).toEqual(
        expected.map(({ seq, subject }) => `${seq} ${subject}`),
      );
      expect(given.every(({ data }, at) => Buffer.from(data).equals(expected[at]?.data ?? Buffer.alloc(0)))).toBe(true);
      expect(() => given.map(({ data }) => openBlock(data))).not.toThrow();
    }
  });

  it('keeps whatever is needed from a message on, and its newest file', async () => {
    const directory = directoryOf(whole);
    expect(await laterStart(directory, WHOLE_LOG, upTo(256))).toBeUndefined();
    expect(await laterStart(directory, WHOLE_LOG, upTo(512))).toMatchObject({ file: 1 });
    expect(await laterStart(directory, WHOLE_LOG, upTo(1_000_000))).toMatchObject({ file: 2, seq: 513 });
    expect(await laterStart(directoryOf(pruned), start, upTo(1_000_000))).toMatchObject({ file: 2, seq: 513 });
  });
});
