import { canonicalJson } from '#writ/contracts';
import { hash } from 'node:crypto';
import { buildHealthyLedger, decidedBody, LedgerBuilder } from '../../../test/harness/ledger-builder.js';
import { buildLog, verifyFiles } from '../../../test/harness/log-builder.js';
import { formatBlockLine, parseBlockLine } from './block-line.js';
import { openBlock, sealBlock } from './block.js';
import { BOOTS_KEPT, HASHES_KEPT } from './chain.js';
import { growLog } from './grow.js';
import { Integrator, IntegratorState, type Integrated } from '#writ/tlog';
import type { LedgerMessage } from './judge-message.js';
import { merkleRoot } from './merkle.js';
import { openBundle, parseTile } from './tile.js';

/** Pseudo-random but the same in every run. */
function seeded(seed: string): (below: number) => number {
  let count = 0;
  return (below) => hash('sha256', `${seed}:${count++}`, 'buffer').readUInt32BE(0) % below;
}

/** A ledger with everything in it that a stream can hold: good blocks, junk, replays, forks, gaps, old boots. */
function mixedLedger(seed: string, rounds: number): LedgerBuilder {
  const builder = new LedgerBuilder();
  const below = seeded(seed);
  const allow = (producer: string) => builder.entry(producer, decidedBody('tool.call', `c-${builder.seq}`, 'allow'));
  for (let round = 0; round < rounds; round++) {
    const producer = `pdp-${below(2)}`;
    const earlier = builder.messages[below(Math.max(1, builder.seq))];
    switch (below(9)) {
      case 0:
        builder.append(`ledger.block.${producer}`, Buffer.from(`junk ${round}`));
        break;
      case 1:
        if (earlier !== undefined) builder.append(earlier.subject, earlier.data);
        break;
      case 2:
        if (earlier !== undefined) builder.append('ledger.block.pdp-1', forkOf(builder, earlier, allow('pdp-1')));
        break;
      case 3:
        builder.boot(producer);
        break;
      case 4:
        // A block that the stream never got.
        builder.block(producer, [allow(producer)]);
        builder.messages.pop();
        break;
      default:
        builder.block(
          producer,
          Array.from({ length: 1 + below(40) }, () => allow(producer)),
        );
    }
  }
  return builder;
}

function forkOf(builder: LedgerBuilder, { data }: LedgerMessage, entry: string): Buffer {
  try {
    return sealBlock({ ...openBlock(data), entries: [entry] }, builder.deployment.key('pdp-1')).bytes;
  } catch {
    return Buffer.from('no block to fork');
  }
}

function integrate(builder: LedgerBuilder) {
  const integrator = new Integrator(builder.deployment.authority);
  return { integrator, all: builder.messages.map((message) => integrator.integrate(message)) };
}

/** All of it as one text, to compare: a matcher looks at every byte of every buffer. */
const textOf = ({ leaves, line, verdict, first, seq }: Integrated) =>
  JSON.stringify([
    seq,
    first,
    line,
    leaves.map(({ text, hash: leaf }) => [text, leaf.toString('hex')]),
    'refusal' in verdict ? verdict.refusal : verdict.step,
  ]);

/** The state as it comes back from a file. */
const saved = (state: IntegratorState) => IntegratorState.parse(JSON.parse(JSON.stringify(state)));

describe('Integrator', () => {
  it.each([1, 2, 3, 4, 5, 6])(
    'makes the same of a stream at once, and stopped and started again anywhere, and as the verifier (seed %d)',
    async (seed) => {
      const builder = mixedLedger(`mixed-${seed}`, 60);
      const { authority } = builder.deployment;
      const { integrator, all } = integrate(builder);
      const below = seeded(`stops-${seed}`);
      let state: IntegratorState | undefined;
      const again = builder.messages.map((message) => {
        const other = new Integrator(authority, state);
        const integrated = other.integrate(message);
        // Sometimes it dies before its state is saved, and does the same message once more.
        const isSaved = below(3) > 0;
        const repeated = isSaved ? other : new Integrator(authority, state);
        if (!isSaved) expect(textOf(repeated.integrate(message))).toBe(textOf(integrated));
        state = saved(repeated.state());
        return integrated;
      });
      expect(again.map(textOf)).toEqual(all.map(textOf));
      expect(state).toEqual(integrator.state());
      const { size, root } = integrator.state();
      expect(await verifyFiles(await buildLog(builder.messages))).toMatchObject({ size, root });
    },
  );

  it('gives every message a place: leaves without a hole, and one line of the block index for each', () => {
    const builder = mixedLedger('places', 80);
    const { integrator, all } = integrate(builder);
    let size = 0;
    for (const { first, leaves, line, verdict } of all) {
      expect(first).toBe(size);
      expect(line).toMatchObject({ first, count: leaves.length });
      expect('rejected' in line).toBe('refusal' in verdict);
      expect(parseBlockLine(formatBlockLine(line))).toEqual(line);
      size += leaves.length;
    }
    expect(integrator.size).toBe(size);
    expect(integrator.root()).toEqual(merkleRoot(all.flatMap(({ leaves }) => leaves.map((leaf) => leaf.hash))));
    expect(new Set(all.map(({ verdict }) => ('refusal' in verdict ? verdict.refusal : verdict.step)))).toEqual(
      new Set(['next', 'gap', 'malformed', 'replay', 'fork', 'subject', 'stale_boot', 'boot_gap']),
    );
  });

  it('tells a replay from a fork by the last blocks of the boot, and refuses an earlier one as reordered', () => {
    const builder = new LedgerBuilder();
    for (let n = 0; n < HASHES_KEPT + 1; n++)
      builder.block('pdp-0', [builder.entry('pdp-0', decidedBody('tool.call', `c-${n}`, 'deny'))]);
    for (const at of [0, 1]) builder.append('ledger.block.pdp-0', builder.messages[at]?.data ?? Buffer.alloc(0));
    const { all } = integrate(builder);
    expect(all.slice(-2).map(({ verdict }) => 'refusal' in verdict && verdict.refusal)).toEqual([
      'reordered',
      'replay',
    ]);
  });

  it('keeps a bounded state, however often a producer starts', () => {
    const builder = new LedgerBuilder();
    const activation = () => builder.entry('pdp-0', decidedBody('tool.call', 'c', 'deny'));
    for (let boot = 0; boot < BOOTS_KEPT + 10; boot++) {
      builder.boot('pdp-0');
      builder.block('pdp-0', [activation()]);
    }
    builder.append('ledger.block.pdp-0', builder.messages[9]?.data ?? Buffer.alloc(0));
    builder.append('ledger.block.pdp-0', builder.messages[0]?.data ?? Buffer.alloc(0));
    const { integrator, all } = integrate(builder);
    expect(integrator.state().producers['pdp-0']).toMatchObject({ boots: BOOTS_KEPT + 11 });
    expect(JSON.stringify(integrator.state()).length).toBeLessThan(40_000);
    const [remembered, forgotten] = all.slice(-2);
    expect(remembered?.verdict).toMatchObject({ refusal: 'stale_boot' });
    expect(forgotten?.verdict).toMatchObject({ step: 'boot_gap' });
  });

  it('does not go on from the state of another ledger, or from one that contradicts itself', () => {
    const builder = buildHealthyLedger(2);
    const state = integrate(builder).integrator.state();
    const { authority } = builder.deployment;
    for (const wrong of [
      { ...state, ledger: 'writ.test/other/2026' },
      { ...state, size: state.size + 1 },
      { ...state, frontier: state.frontier.slice(1) },
      { ...state, frontier: state.frontier.map(() => 'A'.repeat(43)) },
      { ...state, frontier: state.frontier.map(() => '!'.repeat(43)) },
      { ...state, root: 'A'.repeat(43) },
    ]) {
      expect(() => new Integrator(authority, wrong)).toThrow(expect.objectContaining({ code: 'LEDGER_CORRUPT' }));
    }
  });
});

describe('growLog', () => {
  const builder = mixedLedger('grow', 140);
  const { all } = integrate(builder);

  /** The directory after growing in steps of so many messages. */
  async function grown(step: (at: number) => number): Promise<ReadonlyMap<string, Buffer>> {
    const files = new Map<string, Buffer>();
    const read = async (path: string) => files.get(path) ?? Promise.reject(new Error(`${path} is not there`));
    for (let at = 0; at < all.length;) {
      const next = all.slice(at, at + step(at));
      const before = { size: all[at]?.first ?? 0, messages: at };
      for (const { path, bytes } of await growLog(before, next, read)) files.set(path, bytes);
      at += next.length;
    }
    return files;
  }
  const hashes = all.flatMap(({ leaves }) => leaves.map((leaf) => leaf.hash));

  it('writes the tiles, bundles and block lines of the whole log, in whatever steps it grows', async () => {
    const atOnce = await grown(() => all.length);
    const below = seeded('steps');
    for (const step of [() => 1, () => 1 + below(9), () => 50]) {
      const inSteps = await grown(step);
      const different = [...atOnce].filter(([path, bytes]) => inSteps.get(path)?.equals(bytes) !== true);
      expect(different).toEqual([]);
    }
    const size = hashes.length;
    expect(size).toBeGreaterThan(1024);
    expect([...atOnce.keys()].filter((path) => path.startsWith('tile/1'))).toEqual([`tile/1/000.p/${size >> 8}`]);
    const last = atOnce.get(`tile/0/${String(size >> 8).padStart(3, '0')}.p/${size % 256}`) ?? Buffer.alloc(0);
    expect(parseTile(last, size % 256)?.map(String)).toEqual(hashes.slice(size - (size % 256)).map(String));
    const bundle = openBundle(atOnce.get('tile/entries/001') ?? Buffer.alloc(0), 256);
    expect(bundle?.entries.map(String)).toEqual(
      all.flatMap(({ leaves }) => leaves.map((leaf) => leaf.text)).slice(256, 512),
    );
    const lines = String(atOnce.get('blocks/000.jsonl')).split('\n');
    expect(lines.slice(0, -1)).toEqual(all.slice(0, 256).map(({ line }) => formatBlockLine(line)));
  });

  it('drops lines of the block index that a process wrote and died before it had a checkpoint over them', async () => {
    const first = all.slice(0, 3);
    const files = new Map(
      (await growLog({ size: 0, messages: 0 }, first, () => Promise.reject(new Error('none')))).map(
        ({ path, bytes }) => [path, bytes],
      ),
    );
    files.set(
      'blocks/000.jsonl',
      Buffer.concat([files.get('blocks/000.jsonl') ?? Buffer.alloc(0), Buffer.from('left over\n')]),
    );
    const size = all[3]?.first ?? 0;
    const next = await growLog(
      { size, messages: 3 },
      all.slice(3, 4),
      async (path) => files.get(path) ?? Buffer.alloc(0),
    );
    const blocks = next.find(({ path }) => path === 'blocks/000.jsonl')?.bytes.toString();
    expect(blocks).toBe(
      all
        .slice(0, 4)
        .map(({ line }) => `${formatBlockLine(line)}\n`)
        .join(''),
    );
  });

  it('does not grow over a hole, or on a file that is damaged', async () => {
    const missing = { size: (all[2]?.first ?? 0) + 1, messages: 2 };
    const empty = async () => Buffer.alloc(0);
    await expect(growLog(missing, all.slice(2, 3), empty)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    const right = { size: all[2]?.first ?? 0, messages: 2 };
    await expect(growLog(right, all.slice(2, 3), empty)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });
});

describe('parseBlockLine', () => {
  const [line] = integrate(buildHealthyLedger(1)).all;
  const text = formatBlockLine(line?.line ?? { seq: 1, first: 0, count: 1, rejected: true, subject: 'x' });

  it('writes canonical JSON', () => {
    expect(canonicalJson(JSON.parse(text))).toBe(text);
  });

  it.each([
    ['nothing', ''],
    ['another order', text.replace(/"count":1,"first":0/, '"first":0,"count":1')],
    ['white space', text.replace(':', ': ')],
    ['an unknown member', text.replace('{', '{"a":1,')],
    ['a count of none', text.replace('"count":1', '"count":0')],
    ['a count that no block has', text.replace('"count":1', '"count":257')],
    ['both a header and a rejection', text.replace('"seq"', '"rejected":true,"seq"')],
    ['a cut signature', text.replace(/."}$/, '"}')],
    ['a fraction', text.replace('"first":0', '"first":0.5')],
    ['an array', '[]'],
    ['null', 'null'],
  ])('reads no line from %s', (_case, wrong) => {
    expect(parseBlockLine(wrong)).toBeUndefined();
  });
});
