import { hash } from 'node:crypto';
import { signCheckpoint, type LedgerMessage, type LogReport } from '#writ/tlog';
import { generateSigningKey } from '#writ/signing';
import { buildHealthyLedger, decidedBody, LedgerBuilder, makeDeployment } from '../harness/ledger-builder.js';
import { buildLog, bundleWith, verifyFiles, type LogBuilderOptions, type LogFiles } from '../harness/log-builder.js';

const every: LogBuilderOptions = { checkpointEvery: 5 };
const { messages } = buildHealthyLedger(4);
const { ledger, logKey, rootVkey } = makeDeployment();
const original = await buildLog(messages, every);
const codes = (report: LogReport) => report.problems.map(({ code }) => code);
const renumbered = (changed: readonly LedgerMessage[]) =>
  changed.map((message, index) => ({ ...message, seq: index + 1 }));
const headOf = ({ size, root }: LogReport) => ({ size, root });

/** Another log under the heads that the log really signed: what somebody without its key can make. */
async function underOldHeads(changed: readonly LedgerMessage[]): Promise<LogFiles> {
  const files = await buildLog(renumbered(changed), every);
  for (const path of [...files.keys()].filter((each) => each.startsWith('checkpoint'))) files.delete(path);
  for (const [path, bytes] of original) if (path.startsWith('checkpoint')) files.set(path, bytes);
  return files;
}

function edited(path: string, change: (text: string) => string): LogFiles {
  const files = new Map(original);
  files.set(path, Buffer.from(change(original.get(path)?.toString('latin1') ?? ''), 'latin1'));
  return files;
}

const lines = (change: (all: string[]) => string[]) =>
  edited('blocks/000.jsonl', (text) =>
    change(text.trimEnd().split('\n'))
      .map((line) => `${line}\n`)
      .join(''),
  );
const BUNDLE = 'tile/entries/000.p/43';

describe('a log directory', () => {
  it('verifies when nobody touched it, and says what was checked', async () => {
    const report = await verifyFiles(original);
    expect(report).toMatchObject({
      exit: 10,
      size: 43,
      entries: 43,
      blocks: 19,
      heads: 5,
      isStrict: true,
      problems: [],
    });
    expect(await verifyFiles(original, { isStrict: false })).toMatchObject({ exit: 10, isStrict: false, problems: [] });
  });

  it('is WITNESSED when a quorum cosigned its head, and valid alone when the cosignatures were stripped', async () => {
    const witnesses = ['w1', 'w2', 'w3'];
    const files = await buildLog(messages, { ...every, witnesses, quorum: 2 });
    expect(await verifyFiles(files)).toMatchObject({
      exit: 0,
      witnesses: ['witness.test/w1', 'witness.test/w2', 'witness.test/w3'],
      quorum: 2,
    });
    const note = files.get('checkpoint')?.toString('utf8') ?? '';
    for (const kept of [0, 1, 2]) {
      const stripped = note
        .split('\n')
        .slice(0, 5 + kept)
        .join('\n');
      const report = await verifyFiles(new Map([...files, ['checkpoint', Buffer.from(`${stripped}\n`)]]));
      expect({ kept, exit: report.exit }).toEqual({ kept, exit: kept === 2 ? 0 : 10 });
    }
  });

  it('shows witnesses that went back in time, and an entry that was dated back', async () => {
    const at = Math.floor(Date.parse('2026-11-22T05:30:00.123Z') / 1000);
    const back = await buildLog(messages, { ...every, witnesses: ['w1'], cosignedAt: (size) => at + 100 - size });
    expect(codes(await verifyFiles(back))).toContain('witness_time');
    const late = await buildLog(messages, { ...every, witnesses: ['w1'], cosignedAt: (size) => at + 60 * size });
    const report = await verifyFiles(late);
    expect(report).toMatchObject({
      exit: 20,
      problems: expect.arrayContaining([expect.objectContaining({ code: 'entry_time' })]),
    });
  });
});

interface Attack {
  readonly name: string;
  readonly files: () => LogFiles | Promise<LogFiles>;
  readonly exit: number;
  readonly code: string;
}

const withoutOne = messages.filter(({ seq }) => seq !== 8);
const swapped = messages.map((message) => {
  const other = message.seq === 6 ? 7 : message.seq === 7 ? 6 : message.seq;
  return messages[other - 1] ?? message;
});
const reEntered = edited(BUNDLE, (text) => text.replace('call-pdp-0-1-0', 'call-pdp-0-1-9'));

const attacks: readonly Attack[] = [
  { name: 'an entry edited', files: () => reEntered, exit: 40, code: 'bad_root' },
  {
    name: 'LEDGER-02: a block deleted and the rest moved up',
    files: () => underOldHeads(withoutOne),
    exit: 40,
    code: 'head_root',
  },
  {
    name: 'LEDGER-03: blocks of two producers in another order',
    files: () => underOldHeads(swapped),
    exit: 40,
    code: 'head_root',
  },
  {
    name: 'a forged entry at the end, in no block',
    files: () => {
      const files = new Map(original);
      const bundle = original.get(BUNDLE) ?? Buffer.alloc(0);
      files.set('tile/entries/000.p/44', Buffer.concat([bundle, Buffer.from([0, 2]), Buffer.from('{}')]));
      files.set('checkpoint', Buffer.from(signCheckpoint({ origin: ledger, size: 44, root: 'A'.repeat(43) }, logKey)));
      return files;
    },
    exit: 40,
    code: 'uncovered',
  },
  {
    name: 'a block that was forged at the broker: the log refused it',
    files: async () => {
      const builder = new LedgerBuilder();
      builder.block('pdp-0', [builder.activation('pdp-0')]);
      builder.block('pdp-0', [builder.entry('pdp-0', decidedBody('tool.call', 'c', 'allow'))], 'intruder');
      return buildLog(builder.messages);
    },
    exit: 10,
    code: 'rejected',
  },
  {
    name: 'the end cut below the last checkpoint',
    files: async () => {
      const cut = await buildLog(messages.slice(0, 15), every);
      cut.set('checkpoint', original.get('checkpoint') ?? Buffer.alloc(0));
      return cut;
    },
    exit: 20,
    code: 'truncated',
  },
  {
    name: 'the log gone back to an earlier checkpoint, with later ones still there',
    files: () => new Map([...original, ['checkpoint', original.get('checkpoints/21') ?? Buffer.alloc(0)]]),
    exit: 30,
    code: 'rolled_back',
  },
  {
    name: 'a block dropped before it was sequenced, and the producer going on',
    files: () => buildLog(renumbered(withoutOne), every),
    exit: 40,
    code: 'boot_gap',
  },
  {
    name: 'an entry written in another order of keys',
    files: () => edited(BUNDLE, (text) => text.replace(/"act":(\{[^}]*\}),"(\w+)":/, '"$2":$1,"act":')),
    exit: 40,
    code: 'bad_root',
  },
  {
    name: 'an entry with a key twice, signed by its producer: the log refused it',
    files: async () => {
      const builder = new LedgerBuilder();
      const entry = builder.entry('pdp-0', decidedBody('tool.call', 'c', 'deny'));
      builder.block('pdp-0', [entry.replace('"act":', '"act":{},"act":')]);
      return buildLog(builder.messages);
    },
    exit: 10,
    code: 'rejected',
  },
  {
    name: 'the log key stolen: an entry edited, the tree and its head made anew',
    files: async () => {
      const bytes = reEntered.get(BUNDLE) ?? Buffer.alloc(0);
      const { root } = await verifyFiles(reEntered);
      const note = signCheckpoint({ origin: ledger, size: 43, root }, logKey);
      const files = new Map([...original].filter(([path]) => !path.startsWith('checkpoints/')));
      return new Map([...files, [BUNDLE, bytes], ['checkpoint', Buffer.from(note)]]);
    },
    exit: 40,
    code: 'bad_root',
  },
  {
    name: 'the log key stolen: a block dropped, and the tree made anew',
    files: () => buildLog(renumbered(withoutOne), every),
    exit: 40,
    code: 'boot_gap',
  },
  {
    name: 'the head signed by another log key',
    files: () => {
      const note = signCheckpoint({ origin: ledger, size: 43, root: 'A'.repeat(43) }, generateSigningKey(ledger));
      return new Map([...original, ['checkpoint', Buffer.from(note)]]);
    },
    exit: 40,
    code: 'bad_head',
  },
  {
    name: 'two roots signed for one size',
    files: () => {
      const note = signCheckpoint({ origin: ledger, size: 43, root: 'A'.repeat(43) }, logKey);
      return new Map([...original, ['checkpoint', Buffer.from(note)]]);
    },
    exit: 40,
    code: 'two_heads',
  },
  {
    name: 'a head inside a block',
    files: () => {
      const note = signCheckpoint({ origin: ledger, size: 4, root: 'A'.repeat(43) }, logKey);
      return new Map([...original, ['checkpoints/4', Buffer.from(note)]]);
    },
    exit: 40,
    code: 'head_boundary',
  },
  {
    name: 'a block split in two',
    files: () =>
      lines((all) =>
        all.flatMap((line) => (line.includes('"count":3,') ? [line.replace('"count":3,', '"count":2,')] : [line])),
      ),
    exit: 40,
    code: 'uncovered',
  },
  {
    name: 'a block sent again: the log refused it',
    files: () => buildLog([...messages, { ...(messages.at(-1) as LedgerMessage), seq: 20 }]),
    exit: 10,
    code: 'rejected',
  },
  {
    name: 'a block of a boot that had ended: the log refused it',
    files: () => buildLog([...messages, { ...(messages[3] as LedgerMessage), seq: 20 }]),
    exit: 30,
    code: 'stale_boot',
  },
  {
    name: 'a producer with two blocks of one number: the log refused the second',
    files: async () => {
      const builder = new LedgerBuilder();
      builder.block('pdp-0', [builder.activation('pdp-0')]);
      const other = new LedgerBuilder();
      other.block('pdp-0', [other.entry('pdp-0', decidedBody('tool.call', 'c', 'allow'))]);
      return buildLog([...builder.messages, { ...(other.messages[0] as LedgerMessage), seq: 2 }]);
    },
    exit: 30,
    code: 'fork',
  },
  {
    name: 'a good block that the log calls refused, while its producer goes on from it',
    files: async () => {
      const builder = new LedgerBuilder();
      builder.block('pdp-0', [builder.activation('pdp-0')]);
      const held = builder.block('pdp-0', [
        builder.entry('pdp-0', decidedBody('tool.call', 'c1', 'deny')).replace('{', '{ '),
      ]);
      builder.block('pdp-0', [builder.entry('pdp-0', decidedBody('tool.call', 'c2', 'deny'))]);
      expect(held).toBe(2);
      return buildLog(builder.messages);
    },
    exit: 30,
    code: 'censored',
  },
  {
    name: 'the block index withheld',
    files: () => new Map([...original].filter(([path]) => !path.startsWith('blocks'))),
    exit: 40,
    code: 'uncovered',
  },
  {
    name: 'LEDGER-02: a line taken out of the block index',
    files: () => lines((all) => all.filter((_, at) => at !== 4)),
    exit: 40,
    code: 'uncovered',
  },
  {
    name: 'a line of the block index twice',
    files: () => lines((all) => all.flatMap((line, at) => (at === 4 ? [line, line] : [line]))),
    exit: 40,
    code: 'index_order',
  },
  {
    name: 'LEDGER-03: two lines of the block index in another order',
    files: () => lines((all) => [...all.slice(0, 3), all[4] ?? '', all[3] ?? '', ...all.slice(5)]),
    exit: 40,
    code: 'index_order',
  },
  {
    name: 'a line that claims a place far beyond the end',
    files: () =>
      lines((all) =>
        all.map((line, at) => (at === 4 ? line.replace(/"first":\d+/, '"first":9007199254740000') : line)),
      ),
    exit: 40,
    code: 'uncovered',
  },
  {
    name: 'a block turned into a refused message',
    files: () =>
      lines((all) =>
        all.map((line, at) =>
          at === 0 ? '{"count":1,"first":0,"rejected":true,"seq":1,"subject":"ledger.block.operator"}' : line,
        ),
      ),
    exit: 40,
    code: 'rejected_leaf',
  },
  {
    name: 'a hash tile edited',
    files: () => edited('tile/0/000.p/43', (text) => `\u0000${text.slice(1)}`),
    exit: 40,
    code: 'hash_tile',
  },
  {
    name: 'a partial tile of an earlier size edited',
    files: () => edited('tile/0/000.p/21', (text) => `\u0000${text.slice(1)}`),
    exit: 40,
    code: 'hash_tile',
  },
];

describe('a log directory that was tampered with', () => {
  it.each(attacks)('is seen through: $name', async ({ files, exit, code }) => {
    const report = await verifyFiles(await files());
    expect({ exit: report.exit, codes: codes(report) }).toMatchObject({ exit, codes: expect.arrayContaining([code]) });
  });

  it('names the entry that was edited, its producer, block and file', async () => {
    const [problem] = (await verifyFiles(reEntered)).problems;
    expect(problem).toMatchObject({
      code: 'bad_root',
      file: 'blocks/000.jsonl',
      producer: 'pdp-0',
      n: 3,
      index: 0,
      id: expect.stringMatching(/^01K0/),
    });
  });

  it('passes when all keys were stolen and no witness and no memory is there, and not with one of them', async () => {
    const rewritten = buildHealthyLedger(4, 2).messages;
    const files = await buildLog(rewritten, every);
    expect(await verifyFiles(files)).toMatchObject({ exit: 10, problems: [] });
    const remembered = headOf(await verifyFiles(original));
    expect((await verifyFiles(files, { remembered })).exit).toBe(30);
    expect((await verifyFiles(files, { remembered: { size: 21, root: remembered.root } })).exit).toBe(30);
    // Whoever has the keys of the log and of the producers has not those of the witnesses that the root key names.
    const watched = new Map([...files, ['bundle', Buffer.from(bundleWith({ witnesses: ['w1'], quorum: 1 }))]]);
    expect(await verifyFiles(watched)).toMatchObject({ exit: 10, quorum: 1, witnesses: [] });
  });

  it('is not trusted under another root key', async () => {
    const report = await verifyFiles(original, { rootVkey: rootVkey.replace('writ.test/root', 'writ.test/other') });
    expect(report).toMatchObject({ exit: 40, entries: 0 });
  });
});

describe('a log directory with a byte flipped, cut or doubled', () => {
  /** Pseudo-random but the same in every run. */
  const at = (seed: string, below: number) => hash('sha256', seed, 'buffer').readUInt32BE(0) % below;
  const PATHS = ['checkpoint', 'checkpoints/3', 'checkpoints/8', 'bundle', 'root.vkey', 'blocks/000.jsonl'];
  const TILES = ['tile/0/000.p/3', 'tile/0/000.p/8', 'tile/entries/000.p/3', 'tile/entries/000.p/8'];

  it.each([...PATHS, ...TILES])('is never valid, wherever it is done to %s', async (path) => {
    const small = await buildLog(messages.slice(0, 5), { checkpointEvery: 3 });
    const good = small.get(path) ?? Buffer.alloc(0);
    const missed: string[] = [];
    for (let run = 0; run < RUNS; run++) {
      const place = at(`${path}:${run}`, good.length);
      const changed = [flipped(good, place, run % 8), good.subarray(0, place), doubled(good, place, 1 + (run % 70))];
      for (const [kind, bytes] of changed.entries()) {
        const report = await verifyFiles(small.set(path, bytes), { isStrict: false });
        if (report.exit < 20) missed.push(`${['flip', 'cut', 'doubled'][kind] ?? ''} at ${place}`);
      }
    }
    expect({ length: good.length > 0, missed }).toEqual({ length: true, missed: [] });
  });
});

/** Of each kind, on each file. */
const RUNS = 40;

function flipped(bytes: Buffer, place: number, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[place] = (copy[place] ?? 0) ^ (1 << bit);
  return copy;
}

function doubled(bytes: Buffer, place: number, length: number): Buffer {
  return Buffer.concat([bytes.subarray(0, place + length), bytes.subarray(place)]);
}
