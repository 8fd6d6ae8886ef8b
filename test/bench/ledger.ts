import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Integrator, leafHashOfText, openTrust, proveCall, verifyLog, verifyProof } from '#writ/tlog';
import { LogFolder } from '../../apps/cli/src/ledger/log-folder.js';
import { LogDirectory } from '../../apps/ledger/src/log-directory.js';
import { Sealer, type SealerState } from '../../apps/ledger/src/sealer.js';
import { StateStore } from '../../apps/ledger/src/state-store.js';
import { parseCanonical } from '../../libs/tlog/src/canonical-text.js';
import { Frontier, merkleRoot } from '../../libs/tlog/src/merkle.js';
import { completedBody, decidedBody, LedgerBuilder, makeDeployment } from '../harness/ledger-builder.js';
import { buildLog, writeLog } from '../harness/log-builder.js';

const ENTRIES = 100_000;
const PER_BLOCK = 64;
const SEALED_BLOCKS = 2_048;
/** Messages that the sealer reads at once. */
const BATCH = 256;

/** CPU time of this process for one entry, in microseconds: as many seconds for a million entries. */
export interface LedgerRow {
  readonly what: string;
  readonly entries: number;
  readonly cpuUsPerEntry: number;
  readonly entriesPerSecond: number;
}

type Measure = <T>(what: string, entries: number, run: () => Promise<T> | T) => Promise<T>;

/** What a log costs: its tree alone as the floor, integration, sealing, verification with and without a look into the entries, one proof. */
export async function benchLedger(say: (text: string) => void): Promise<readonly LedgerRow[]> {
  const directory = await mkdtemp(join(tmpdir(), 'writ-bench-log-'));
  const rows: LedgerRow[] = [];
  const measure: Measure = async (what, entries, run) => {
    const [cpu, start] = [process.cpuUsage(), performance.now()];
    const result = await run();
    const { user, system } = process.cpuUsage(cpu);
    const seconds = (performance.now() - start) / 1000;
    const cpuUsPerEntry = Math.round((100 * (user + system)) / entries) / 100;
    rows.push({ what, entries, cpuUsPerEntry, entriesPerSecond: Math.round(entries / seconds) });
    say(`${what}: ${cpuUsPerEntry} µs CPU an entry`);
    return result;
  };
  try {
    await makeLog(directory, measure);
    await measureReaders(directory, measure);
    await measureSealer(join(directory, 'many'), PER_BLOCK, measure);
    await measureSealer(join(directory, 'one'), 1, measure);
    return rows;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A block of decisions that allow, and a block of what became of the calls. */
function addCalls(builder: LedgerBuilder, n: number): void {
  const calls = Array.from({ length: PER_BLOCK }, (_, i) => `call-${n}-${i}`);
  const decisions = calls.map((call) => builder.entry('pdp-0', decidedBody('tool.call', call, 'allow')));
  const seq = builder.block('pdp-0', decisions);
  const outcomes = calls.map((call, i) => builder.entry('exec-tool-1', completedBody('tool.call', call, { seq, i })));
  builder.block('exec-tool-1', outcomes);
}

/** Nothing of it is held afterwards: a verifier does not have the log in memory, and collecting it would be counted as its work. */
async function makeLog(directory: string, measure: Measure): Promise<void> {
  const { authority } = makeDeployment();
  const builder = new LedgerBuilder();
  builder.block('pdp-0', [builder.activation('pdp-0')]);
  for (let n = 0; n < ENTRIES / PER_BLOCK / 2; n++) addCalls(builder, n);
  const integrator = new Integrator(authority);
  const all = await measure('integrate', ENTRIES, () =>
    builder.messages.map((message) => integrator.integrate(message)),
  );
  const texts = all.flatMap(({ leaves }) => leaves.map(({ text }) => text));
  await measure('floor: leaf hashes alone', ENTRIES, () => texts.forEach((text) => leafHashOfText(text)));
  await measure('floor: hashes and signatures of verify --no-strict', ENTRIES, () => hashAndVerify(texts));
  await measure('canonical form alone', ENTRIES, () => texts.forEach((text) => parseCanonical(text)));
  await writeLog(directory, await buildLog(builder.messages));
}

/** Each leaf is in the tree of its block and in that of the log, and each block is signed. */
function hashAndVerify(texts: readonly string[]): void {
  const key = makeDeployment().key('pdp-1');
  const signed = Buffer.alloc(256);
  const signature = key.sign(signed);
  const tree = new Frontier();
  for (let from = 0; from < texts.length; from += PER_BLOCK) {
    const leaves = texts.slice(from, from + PER_BLOCK).map((text) => leafHashOfText(text));
    if (merkleRoot(leaves).length === 0 || !key.verifyKey.verify(signed, signature))
      throw new Error('no root or no signature');
    for (const leaf of leaves) tree.append(leaf);
  }
}

/** A sealer that is behind, with fsync on and without witnesses: batches as the stream gives them, until nothing waits. */
async function measureSealer(directory: string, perBlock: number, measure: Measure): Promise<void> {
  const { authority, logKey } = makeDeployment();
  const builder = new LedgerBuilder();
  const entries = perBlock * SEALED_BLOCKS;
  for (let n = 0; n < SEALED_BLOCKS; n++) {
    const call = (i: number) => decidedBody('tool.call', `call-${n}-${i}`, 'deny');
    builder.block(
      'pdp-0',
      Array.from({ length: perBlock }, (_, i) => builder.entry('pdp-0', call(i))),
    );
  }
  const sealer = new Sealer(
    {
      store: await claimed(new LogDirectory(join(directory, 'ledger'))),
      states: await claimed(new StateStore<SealerState>(join(directory, 'sealer'))),
      origin: logKey.name,
      signers: () => [logKey],
      authority: () => authority,
      cosign: (note) => Promise.resolve(note),
      late: () => undefined,
      feed: () => undefined,
      digest: ({ seq }) => String(seq),
      onIntegrated: () => undefined,
      elapsed: () => performance.now(),
    },
    new Integrator(authority),
    undefined,
  );
  await measure(`seal, ${perBlock} entries in a block`, entries, async () => {
    for (let at = 0; at < builder.messages.length; at += BATCH)
      await sealer.take(builder.messages.slice(at, at + BATCH));
    await sealer.close();
  });
  if (sealer.published?.size !== entries) throw new Error('the sealer of the benchmark did not seal everything');
}

async function claimed<T extends { claim(): Promise<void> }>(directory: T): Promise<T> {
  await directory.claim();
  return directory;
}

async function measureReaders(directory: string, measure: Measure): Promise<void> {
  const { bundleNote, rootVkey } = makeDeployment();
  const log = new LogFolder(directory);
  for (const isStrict of [false, true]) {
    const what = isStrict ? 'verify' : 'verify --no-strict';
    const { exit } = await measure(what, ENTRIES, () => verifyLog(log, { rootVkey, isStrict }));
    if (exit !== 10) throw new Error(`the log of the benchmark ends with ${exit}`);
  }
  const [proof] = await measure('prove one call (scan)', ENTRIES, () => proveCall(log, 'call-700-7', rootVkey));
  const trust = openTrust(bundleNote, rootVkey);
  await measure('verify a proof file', 1000, () => {
    for (let n = 0; n < 1000; n++) verifyProof(proof?.text ?? '', trust);
  });
}
