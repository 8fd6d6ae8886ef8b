import type { EntryBody } from '#writ/contracts';
import { completedBody, decidedBody, LedgerBuilder } from '../../../../test/harness/ledger-builder.js';
import { buildLog, verifyFiles } from '../../../../test/harness/log-builder.js';
import { openBlock, sealBlock } from '../block.js';
import type { ProblemCode } from '../report.js';

describe('the log of what producers must not do', () => {
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

  async function verify({ messages }: LedgerBuilder) {
    const renumbered = messages.map((message, index) => ({ ...message, seq: index + 1 }));
    return verifyFiles(await buildLog(renumbered));
  }

  /** What the log accepted is named by the verifier; what it refused, by the leaf that stands in its place. */
  it.each(cases)('names $name as `$code`', async ({ code, exit, act }) => {
    const builder = new LedgerBuilder();
    act(builder);
    const { problems } = await verify(builder);
    const isNamed = problems.some(
      (each) =>
        (each.code === code && each.exit === exit) ||
        (each.code === 'rejected' && each.message.includes(`\`${code}\``)),
    );
    expect({ isNamed, problems }).toMatchObject({ isNamed: true });
  });

  it('does not let a refused message move the chain of the real producer', async () => {
    const builder = new LedgerBuilder();
    builder.block('pdp-0', [builder.activation('pdp-0'), allow(builder)]);
    builder.append('ledger.block.pdp-0', Buffer.from('junk'));
    builder.block('pdp-0', [allow(builder)]);
    const { problems } = await verify(builder);
    expect(problems).toMatchObject([{ code: 'rejected', message: expect.stringContaining('`malformed`') }]);
  });

  it('counts the calls that never ended', async () => {
    const builder = new LedgerBuilder();
    builder.block('pdp-0', [allow(builder, 'c1'), allow(builder, 'c2')]);
    expect((await verify(builder)).openCalls).toBe(2);
  });

  it('names messages that its index leaves out or has in another order, and what stands behind the newest head', async () => {
    const builder = new LedgerBuilder();
    builder.block('pdp-0', [builder.activation('pdp-0')]);
    for (const call of ['c1', 'c2', 'c3']) builder.block('pdp-0', [allow(builder, call)]);
    const { messages } = builder;
    const codesOf = async (files: ReadonlyMap<string, Buffer>) =>
      (await verifyFiles(files)).problems.map(({ code }) => code);
    const spread = messages.map((message, index) => ({ ...message, seq: index < 2 ? index + 1 : index + 5 }));
    expect(await codesOf(await buildLog(spread))).toContain('stream_gap');

    const files = await buildLog(messages);
    const lines = String(files.get('blocks/000.jsonl')).trimEnd().split('\n');
    const renamed = lines.map((line, index) => (index === 2 ? line.replace('"seq":3', '"seq":1') : line));
    const disordered = new Map(files).set('blocks/000.jsonl', Buffer.from(renamed.join('\n') + '\n'));
    expect(await codesOf(disordered)).toContain('stream_order');

    const grown = await buildLog(messages, { checkpointEvery: 3 });
    for (const path of [...grown.keys()].filter((each) => each.startsWith('checkpoints/4'))) grown.delete(path);
    grown.set('checkpoint', grown.get('checkpoints/3') ?? Buffer.alloc(0));
    expect(await codesOf(grown)).toContain('past_head');
  });
});
