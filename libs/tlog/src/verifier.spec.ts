import type { EntryBody } from '#writ/contracts';
import { hash } from 'node:crypto';
import { buildHealthyLedger, completedBody, decidedBody, LedgerBuilder } from '../../../test/harness/ledger-builder.js';
import { openBlock, sealBlock } from './block.js';
import type { TreeHead } from './checkpoint.js';
import type { LedgerMessage } from './judge-message.js';
import type { ProblemCode, VerifyReport } from './report.js';
import { LedgerVerifier } from './verifier.js';

// 15 rounds of two shards and two executors, and the operator: 61 blocks of 5 producers, 151 entries.
const healthy = buildHealthyLedger(15);
const { authority } = healthy.deployment;

function verify(
  messages: readonly LedgerMessage[],
  heads: { head?: TreeHead; remembered?: TreeHead } = {},
): VerifyReport {
  const verifier = new LedgerVerifier({ authority, ...heads });
  for (const message of messages) verifier.accept(message);
  return verifier.finish();
}

function headOf(messages: readonly LedgerMessage[]): TreeHead {
  const { size, root } = verify(messages);
  return { size, root };
}

const head = headOf(healthy.messages);
const codes = (report: VerifyReport) => report.problems.map(({ code }) => code);
const renumbered = (messages: readonly LedgerMessage[]) =>
  messages.map((message, index) => ({ ...message, seq: index + 1 }));
/** Recorded leaf hashes, as an export carries them. */
const withHashes = healthy.messages.map((message) => ({ ...message, leafHashes: openBlock(message.data).leaves }));

function replaced(seq: number, data: Uint8Array): LedgerMessage[] {
  return withHashes.map((message) => (message.seq === seq ? { ...message, data } : message));
}

/** Pseudo-random but the same in every run. */
function* seeded(seed: string, below: number): Generator<number> {
  for (let i = 0; ; i++) yield hash('sha256', `${seed}:${i}`, 'buffer').readUInt32BE(0) % below;
}

describe('LedgerVerifier', () => {
  it('finds nothing wrong with a healthy ledger, and says what it holds', () => {
    const report = verify(healthy.messages, { head, remembered: headOf(healthy.messages.slice(0, 20)) });
    expect(report).toMatchObject({ exit: 10, blocks: 63, entries: 153, size: 153, problems: [], openCalls: 0 });
    expect(report.producers).toEqual([
      { id: 'exec-memory-1', boots: 1, blocks: 15, entries: 30 },
      { id: 'exec-tool-1', boots: 1, blocks: 15, entries: 30 },
      { id: 'operator', boots: 1, blocks: 1, entries: 1 },
      { id: 'pdp-0', boots: 2, blocks: 16, entries: 46 },
      { id: 'pdp-1', boots: 1, blocks: 16, entries: 46 },
    ]);
  });

  it('finds a flip of any byte of a block, names its message, and names the entry if the byte is in one', () => {
    const builder = new LedgerBuilder();
    const issued = (agent: string) =>
      builder.entry('operator', { type: 'agent.identity.issued', who: { agent }, key: 'U' });
    builder.block('operator', [issued('support'), issued('intern')]);
    const good = builder.messages.map((message) => ({ ...message, leafHashes: openBlock(message.data).leaves }));
    const text = String(good[0]?.data);
    const entryOf = entryByByte(text);
    for (let at = 0; at < text.length; at++) {
      const data = Buffer.from(text);
      data[at] = (data[at] ?? 0) ^ 1;
      const report = verify(
        good.map((message) => ({ ...message, data })),
        { head: headOf(good) },
      );
      const index = entryOf(at);
      const named = { seq: 1, exit: 40, ...(index !== undefined && { index }) };
      expect({ at, problem: report.problems[0] }).toMatchObject({ at, problem: named });
    }
  });

  it('finds every seeded byte flip anywhere in the ledger', () => {
    const places = seeded('flip', 2 ** 31);
    for (let i = 0; i < 24; i++) {
      const seq = ((places.next().value as number) % healthy.seq) + 1;
      const data = Buffer.from(healthy.messages[seq - 1]?.data ?? '');
      const at = (places.next().value as number) % data.length;
      data[at] = (data[at] ?? 0) ^ (1 << (i % 8));
      const report = verify(replaced(seq, data), { head });
      expect({ seq, at, exit: report.exit }).toEqual({ seq, at, exit: 40 });
      expect(report.problems.some((problem) => problem.seq === seq && problem.exit === 40)).toBe(true);
    }
  });

  it('finds every dropped block, by the stream sequence', () => {
    for (const seq of healthy.messages.map((message) => message.seq).filter((each) => each % 6 === 1)) {
      const report = verify(
        healthy.messages.filter((message) => message.seq !== seq),
        { head },
      );
      expect(report.exit).toBeGreaterThanOrEqual(20);
      if (seq < healthy.seq)
        expect(report.problems).toContainEqual(expect.objectContaining({ code: 'stream_gap', seq: seq + 1 }));
      expect(codes(report)).toContain('truncated');
    }
  });

  it('finds every dropped block by the chain of its producer when the rest is renumbered, save the last of a producer', () => {
    const last = new Map(healthy.messages.map(({ subject, seq }) => [subject, seq]));
    for (const { seq, subject } of healthy.messages.filter((each) => each.seq % 2 === 0)) {
      const report = verify(renumbered(healthy.messages.filter((message) => message.seq !== seq)));
      if (last.get(subject) === seq) continue;
      const producer = subject.split('.')[2];
      const chain = report.problems.filter(({ code }) => code === 'gap' || code === 'boot_gap');
      expect({ seq, chain }).toMatchObject({ seq, chain: [{ producer }] });
    }
  });

  it('finds every swap of two neighbours', () => {
    for (let i = 0; i + 1 < healthy.seq; i += 6) {
      const swapped = [...healthy.messages];
      [swapped[i], swapped[i + 1]] = [swapped[i + 1] as LedgerMessage, swapped[i] as LedgerMessage];
      const inOrder = verify(renumbered(swapped), { head });
      expect({ i, exit: inOrder.exit, codes: codes(inOrder) }).toMatchObject({
        i,
        exit: 40,
        codes: expect.arrayContaining(['head_root']),
      });
      expect(codes(verify(swapped, { head }))).toContain('stream_order');
    }
  });

  it('names a block that stands before the block it follows', () => {
    const [first, second] = healthy.messages.filter(({ subject }) => subject.endsWith('.pdp-1'));
    const messages = [...healthy.messages];
    messages[(first?.seq ?? 0) - 1] = { ...(second as LedgerMessage), seq: first?.seq ?? 0 };
    messages[(second?.seq ?? 0) - 1] = { ...(first as LedgerMessage), seq: second?.seq ?? 0 };
    const report = verify(messages, { head });
    expect(report.problems).toContainEqual(expect.objectContaining({ code: 'gap', producer: 'pdp-1', n: 2 }));
    expect(report.problems).toContainEqual(
      expect.objectContaining({ code: 'reordered', producer: 'pdp-1', n: 1, seq: second?.seq }),
    );
  });

  it('finds every duplicated block', () => {
    for (const message of healthy.messages.filter(({ seq }) => seq % 6 === 1)) {
      const report = verify([...healthy.messages, { ...message, seq: healthy.seq + 1 }], { head });
      const code = codes(report)[0];
      expect(['replay', 'stale_boot']).toContain(code);
      expect(report.problems[0]).toMatchObject({ seq: healthy.seq + 1, exit: 30 });
    }
  });

  it('finds a cut end by the signed head, and says how many entries are missing', () => {
    for (let kept = 0; kept < healthy.seq; kept += 6) {
      const report = verify(healthy.messages.slice(0, kept), { head });
      expect(report.exit).toBe(20);
      expect(report.problems).toContainEqual(
        expect.objectContaining({
          code: 'truncated',
          message: `the signed head has 153 entries; only ${report.entries} are present`,
        }),
      );
    }
  });

  it('finds a cut end whose head was cut as well only by a remembered head', () => {
    const cut = healthy.messages.slice(0, 40);
    expect(verify(cut, { head: headOf(cut) })).toMatchObject({ exit: 10, problems: [] });
    expect(verify(cut, { head: headOf(cut), remembered: head })).toMatchObject({
      exit: 30,
      problems: [{ code: 'remembered_ahead' }],
    });
  });

  it('finds another history by a remembered head', () => {
    const report = verify(healthy.messages, { head, remembered: { size: 153, root: 'A'.repeat(43) } });
    expect(report).toMatchObject({ exit: 30, problems: [{ code: 'remembered_root' }] });
  });

  it('says that entries stand after the signed head', () => {
    const earlier = headOf(healthy.messages.slice(0, 40));
    expect(verify(healthy.messages, { head: earlier })).toMatchObject({ exit: 20, problems: [{ code: 'past_head' }] });
  });

  it('refuses a head inside a block, and a head with another root', () => {
    expect(codes(verify(healthy.messages, { head: { size: 4, root: head.root } }))).toContain('head_boundary');
    expect(codes(verify(healthy.messages, { head: { size: 153, root: 'A'.repeat(43) } }))).toEqual(['head_root']);
  });

  it('says that without a head a missing end cannot be noticed', () => {
    expect(verify(healthy.messages)).toMatchObject({ exit: 20, problems: [{ code: 'no_head' }] });
  });

  it('takes an empty ledger with an empty head', () => {
    expect(verify([], { head: headOf([]) })).toMatchObject({ exit: 10, size: 0, blocks: 0, problems: [] });
  });

  it('finds hashes beside the blocks that are not theirs', () => {
    const messages = withHashes.map((message) =>
      message.seq === 5 ? { ...message, leafHashes: [Buffer.alloc(32)] } : message,
    );
    expect(verify(messages, { head })).toMatchObject({ exit: 40, problems: [{ code: 'recorded_hashes', seq: 5 }] });
  });

  it('lists a bounded number of problems and counts the rest', () => {
    const junk = Array.from({ length: 1500 }, (_, index) => ({
      seq: index + 1,
      subject: 'ledger.block.pdp-0',
      data: Buffer.from('{}'),
    }));
    const report = verify(junk);
    expect(report.problems).toHaveLength(1000);
    expect(report.problemsOmitted).toBe(501);
    expect(report.size).toBe(1500);
  });
});

/** Tells in which entry of a block's text a byte lies; undefined outside of the entries and on their quotes. The text is ASCII. */
function entryByByte(text: string): (at: number) => number | undefined {
  const pattern = /"(?:[^"\\]|\\.)*"/y;
  const spans: [number, number][] = [];
  pattern.lastIndex = text.indexOf('"entries":[') + '"entries":['.length;
  for (let start = pattern.lastIndex; pattern.exec(text) !== null; start = ++pattern.lastIndex) {
    spans.push([start + 1, pattern.lastIndex - 1]);
  }
  return (at) => {
    const index = spans.findIndex(([start, end]) => at >= start && at < end);
    return index < 0 ? undefined : index;
  };
}

describe('LedgerVerifier on what producers must not do', () => {
  interface Case {
    readonly name: string;
    readonly code: ProblemCode;
    readonly exit: number;
    readonly act: (builder: LedgerBuilder) => void;
  }
  const allow = (builder: LedgerBuilder, call = 'c1') =>
    builder.entry('pdp-0', decidedBody('tool.call', call, 'allow'));
  const cases: readonly Case[] = [
    {
      name: 'a block signed by the key of another role (IDENTITY-08)',
      code: 'not_authorised',
      exit: 40,
      act: (builder) => builder.block('pdp-0', [allow(builder)], 'exec-tool-1'),
    },
    {
      name: 'a block signed by the log key (IDENTITY-08)',
      code: 'not_authorised',
      exit: 40,
      act: (builder) =>
        builder.block(
          'operator',
          [builder.entry('operator', decidedBody('tool.call', 'c', 'allow'))],
          'writ.test/default/2026',
        ),
    },
    {
      name: 'an allow authored by an executor (IDENTITY-08)',
      code: 'not_authorised',
      exit: 40,
      act: (builder) =>
        builder.block('exec-tool-1', [builder.entry('exec-tool-1', decidedBody('tool.call', 'c1', 'allow'))]),
    },
    {
      name: 'an outcome authored by a decision service (IDENTITY-08)',
      code: 'not_authorised',
      exit: 40,
      act: (builder) =>
        builder.block('pdp-0', [builder.entry('pdp-0', completedBody('tool.call', 'c1', { seq: 1, i: 0 }))]),
    },
    {
      name: 'a block signed by a key that nobody enrolled',
      code: 'unknown_key',
      exit: 40,
      act: (builder) => builder.block('pdp-0', [allow(builder)], 'intruder'),
    },
    {
      name: 'a block on the subject of another producer',
      code: 'subject',
      exit: 40,
      act: (builder) => {
        builder.block('pdp-0', [allow(builder)]);
        builder.append('ledger.block.pdp-1', builder.messages.pop()?.data ?? Buffer.alloc(0));
      },
    },
    {
      name: 'an outcome of a call that nobody allowed',
      code: 'no_decision',
      exit: 40,
      act: (builder) => {
        const seq = builder.block('pdp-0', [builder.entry('pdp-0', decidedBody('tool.call', 'c1', 'deny'))]);
        builder.block('exec-tool-1', [builder.entry('exec-tool-1', completedBody('tool.call', 'c1', { seq, i: 0 }))]);
      },
    },
    {
      name: 'an outcome that points at the allow of another call',
      code: 'no_decision',
      exit: 40,
      act: (builder) => {
        const seq = builder.block('pdp-0', [allow(builder)]);
        builder.block('exec-tool-1', [builder.entry('exec-tool-1', completedBody('tool.call', 'c2', { seq, i: 0 }))]);
      },
    },
    {
      name: 'an outcome of another kind than was allowed',
      code: 'no_decision',
      exit: 40,
      act: (builder) => {
        const seq = builder.block('pdp-0', [allow(builder)]);
        builder.block('exec-memory-1', [
          builder.entry('exec-memory-1', completedBody('memory.query', 'c1', { seq, i: 0 })),
        ]);
      },
    },
    {
      name: 'a second end of a call',
      code: 'second_outcome',
      exit: 0,
      act: (builder) => {
        const seq = builder.block('pdp-0', [allow(builder)]);
        const end = () => builder.entry('exec-tool-1', completedBody('tool.call', 'c1', { seq, i: 0 }));
        builder.block('exec-tool-1', [end(), end()]);
      },
    },
    {
      name: 'a decision before any policies were activated',
      code: 'no_epoch',
      exit: 40,
      act: (builder) => builder.block('pdp-0', [allow(builder)]),
    },
    {
      name: 'a decision under other policies than those in force',
      code: 'no_epoch',
      exit: 40,
      act: (builder) => {
        const body = decidedBody('tool.call', 'c1', 'allow') as Extract<EntryBody, { type: 'tool.call.decided' }>;
        const why = { ...body.why, bundle: `sha256:${'99'.repeat(32)}` };
        builder.block('pdp-0', [builder.activation('pdp-0'), builder.entry('pdp-0', { ...body, why })]);
      },
    },
    {
      name: 'a decision under what another shard activated',
      code: 'no_epoch',
      exit: 40,
      act: (builder) => {
        builder.block('pdp-1', [builder.activation('pdp-1')]);
        builder.block('pdp-0', [allow(builder)]);
      },
    },
    {
      name: 'an activation that is not newer',
      code: 'bad_epoch',
      exit: 40,
      act: (builder) => {
        const old = `sha256:${'5b'.repeat(32)}`;
        builder.block('pdp-0', [builder.activation('pdp-0', { ver: 2 }), builder.activation('pdp-0', { old, ver: 2 })]);
      },
    },
    {
      name: 'an activation that names another one before it',
      code: 'bad_epoch',
      exit: 40,
      act: (builder) => builder.block('pdp-0', [builder.activation('pdp-0', { old: `sha256:${'99'.repeat(32)}` })]),
    },
    {
      name: 'an activation under the name of an operator that a decision service signed',
      code: 'bad_epoch',
      exit: 40,
      act: (builder) => builder.block('pdp-0', [builder.activation('pdp-0', { author: 'alice' })]),
    },
    {
      name: 'files over what an operator published',
      code: 'bad_epoch',
      exit: 40,
      act: (builder) => {
        const old = `sha256:${'5b'.repeat(32)}`;
        const published = builder.activation('pdp-0', { author: 'alice', keyName: 'operator' });
        builder.block('pdp-0', [published, builder.activation('pdp-0', { old, ver: 2 })]);
      },
    },
    {
      name: 'an activation of policies that an executor published',
      code: 'bad_epoch',
      exit: 40,
      act: (builder) => builder.block('pdp-0', [builder.activation('pdp-0', { keyName: 'exec-tool-1' })]),
    },
    {
      name: 'an activation under a manifest that nobody signed',
      code: 'bad_epoch',
      exit: 40,
      act: (builder) => builder.block('pdp-0', [builder.activation('pdp-0', { keyName: 'stranger' })]),
    },
    {
      name: 'an entry that the schema does not know',
      code: 'schema',
      exit: 40,
      act: (builder) =>
        builder.block('pdp-0', [
          builder.entry('pdp-0', { ...decidedBody('tool.call', 'c1', 'allow'), extra: 1 } as never),
        ]),
    },
    {
      name: 'an entry number that was left out',
      code: 'entry_gap',
      exit: 20,
      act: (builder) => {
        allow(builder);
        builder.block('pdp-0', [allow(builder)]);
      },
    },
    {
      name: 'two blocks with one number',
      code: 'fork',
      exit: 30,
      act: (builder) => {
        const [entry, other] = [allow(builder), allow(builder)];
        builder.block('pdp-0', [entry]);
        const first = openBlock(builder.messages[0]?.data ?? Buffer.alloc(0));
        builder.append(
          'ledger.block.pdp-0',
          sealBlock({ ...first, entries: [other] }, builder.deployment.key('pdp-1')).bytes,
        );
      },
    },
    {
      name: 'a block that points at another block than the one before',
      code: 'broken_link',
      exit: 30,
      act: (builder) => {
        builder.block('pdp-0', [allow(builder)]);
        const first = openBlock(builder.messages[0]?.data ?? Buffer.alloc(0));
        const draft = { ...first, n: 2, prev: first.root, entries: [allow(builder)] };
        builder.append('ledger.block.pdp-0', sealBlock(draft, builder.deployment.key('pdp-1')).bytes);
      },
    },
    {
      name: 'a first block that points at an earlier one, which is not there',
      code: 'boot_gap',
      exit: 30,
      act: (builder) => {
        builder.block('pdp-0', [allow(builder)]);
        builder.boot('pdp-0');
        builder.block('pdp-0', [allow(builder)]);
        builder.messages.shift();
      },
    },
    {
      name: 'the old boot of a producer going on beside the new one',
      code: 'stale_boot',
      exit: 30,
      act: (builder) => {
        builder.block('pdp-0', [allow(builder)]);
        const first = openBlock(builder.messages[0]?.data ?? Buffer.alloc(0));
        const late = sealBlock(
          { ...first, n: 2, prev: first.hash, entries: [allow(builder)] },
          builder.deployment.key('pdp-1'),
        );
        builder.boot('pdp-0');
        builder.block('pdp-0', [allow(builder)]);
        builder.append('ledger.block.pdp-0', late.bytes);
      },
    },
    {
      name: 'a block of another ledger',
      code: 'ledger',
      exit: 40,
      act: (builder) => {
        builder.block('pdp-0', [allow(builder)]);
        const first = openBlock(builder.messages.pop()?.data ?? Buffer.alloc(0));
        const sealed = sealBlock({ ...first, ledger: 'writ.test/other/2026' }, builder.deployment.key('pdp-1'));
        builder.append('ledger.block.pdp-0', sealed.bytes);
      },
    },
    {
      name: 'an entry that names another producer than its block',
      code: 'bad_entry',
      exit: 40,
      act: (builder) => builder.block('pdp-1', [allow(builder)]),
    },
    {
      name: 'an entry with a key twice (IDENTITY-11)',
      code: 'bad_entry',
      exit: 40,
      act: (builder) => builder.block('pdp-0', [allow(builder).replace('"act":', '"act":{},"act":')]),
    },
    {
      name: 'an entry with its keys in another order (IDENTITY-11)',
      code: 'bad_entry',
      exit: 40,
      act: (builder) =>
        builder.block('pdp-0', [
          JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(allow(builder)) as object).reverse())),
        ]),
    },
    {
      name: 'an entry with another number spelling (IDENTITY-11)',
      code: 'bad_entry',
      exit: 40,
      act: (builder) => builder.block('pdp-0', [allow(builder).replace('"v":1,', '"v":1.0,')]),
    },
    {
      name: 'an entry with a needless escape (IDENTITY-11)',
      code: 'bad_entry',
      exit: 40,
      act: (builder) => builder.block('pdp-0', [allow(builder).replace('"support"', '"suppor\\u0074"')]),
    },
    {
      name: 'an entry nested deeper than the stack',
      code: 'bad_entry',
      exit: 40,
      act: (builder) => builder.block('pdp-0', [`{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`]),
    },
    {
      name: 'an entry that is no object',
      code: 'bad_entry',
      exit: 40,
      act: (builder) => builder.block('pdp-0', ['[]']),
    },
  ];

  it.each(cases)('names $name as `$code`', ({ code, exit, act }) => {
    const builder = new LedgerBuilder();
    act(builder);
    const report = verify(renumbered(builder.messages));
    expect(report.problems).toContainEqual(expect.objectContaining({ code, exit }));
  });

  it('does not let a refused message move the chain of the real producer', () => {
    const builder = new LedgerBuilder();
    builder.block('pdp-0', [builder.activation('pdp-0'), allow(builder)]);
    builder.append('ledger.block.pdp-0', Buffer.from('junk'));
    builder.block('pdp-0', [allow(builder)]);
    expect(codes(verify(builder.messages))).toEqual(['malformed', 'no_head']);
  });

  it('counts the calls that never ended', () => {
    const builder = new LedgerBuilder();
    builder.block('pdp-0', [allow(builder, 'c1'), allow(builder, 'c2')]);
    expect(verify(builder.messages).openCalls).toBe(2);
  });
});
