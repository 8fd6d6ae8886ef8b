import { readSigningKey } from '#writ/deployment';
import type { EntryBody } from '#writ/contracts';
import { BlockWriter, NatsBlockLog, openAuthorised } from '#writ/ledger-client';
import { entriesOfCall, type Operator } from '#writ/operator';
import { logMessages, parseEntry, proveCall, verifyGrowingLog } from '#writ/tlog';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LogFolder } from '../../apps/cli/src/ledger/log-folder.js';
import { pruneLedger, type PruneReport } from '../../apps/cli/src/ledger/prune/prune-ledger.js';
import type { Retention } from '../../apps/cli/src/ledger/prune/retention.js';
import { formatVkey, witnessKeyOf } from '#writ/signing';
import { eventually } from '../harness/gateway.js';
import { completedBody, decidedBody } from '../harness/ledger-builder.js';
import { witnessKey } from '../harness/log-builder.js';
import { SealerHost, type SealerProcess } from '../harness/sealer-host.js';

const KEEP_ALL: Retention = { streamAgeMsMax: 1e12, streamAgeMsMin: 0, streamBytesMax: Infinity };
const KEEP_NOTHING: Retention = { ...KEEP_ALL, streamAgeMsMax: 0 };
const SEALED_WITHIN_MS = 30_000;

describe('the oldest of the ledger', () => {
  let host: SealerHost;
  let sealer: SealerProcess;
  let operator: Operator;
  let executor: BlockWriter;
  beforeAll(async () => {
    host = await SealerHost.start();
    sealer = await host.sealer();
    executor = await writer('exec-tool-1');
    await writeCalls(170);
    await host.write(2);
    await host.sealed();
  }, 240_000);
  afterAll(async () => {
    await operator?.close();
    await host?.[Symbol.asyncDispose]();
  });

  async function writer(producer: string): Promise<BlockWriter> {
    const user = producer === 'pdp-0' ? 'pdp-1' : producer;
    const [authority, key] = [await host.authority(), await readSigningKey(host.paths.producerKey(user))];
    return BlockWriter.open({
      producer,
      blocks: new NatsBlockLog(await host.connect(user), 'LEDGER.API'),
      key: () => key,
      ledger: 'test.example/default/0',
      tenant: 'default',
      authority: () => authority,
      now: Date.now,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    });
  }

  /** So many calls, a block for each decision and each outcome; the last one of all is a denial. */
  async function writeCalls(count: number): Promise<void> {
    const pdp = await writer('pdp-0');
    for (let n = 0; n < count; n++) {
      const { seq, i } = await pdp.append(decidedBody('tool.call', `call-${n}`, 'allow'));
      await executor.append(completedBody('tool.call', `call-${n}`, { seq, i }));
    }
    await pdp.append(decidedBody('tool.call', 'denied', 'deny'));
  }

  async function prune(retention: Retention, { isDryRun = false } = {}): Promise<PruneReport> {
    await operator?.close();
    operator = await host.operator();
    return pruneLedger({
      operator,
      logDir: host.paths.logDir,
      retention,
      isDryRun,
      nowMs: Date.now(),
      trim: (firstSeq) => host.trimLedger(firstSeq),
      sealedWithinMs: SEALED_WITHIN_MS,
    });
  }

  async function streamState() {
    return (await operator.streams.info('LEDGER')).state;
  }

  async function entriesInStream() {
    const { messages } = await operator.blocks.read((await streamState()).last_seq - 200);
    return messages.flatMap((message) =>
      openAuthorised(message, operator.authority).entries.map((each) => parseEntry(each)),
    );
  }

  /** What a verifier finds wrong, entries aside: the decisions here were made under no policies. */
  async function verified() {
    await host.sealed();
    const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
    // The sealer goes on meanwhile.
    const report = await verifyGrowingLog(new LogFolder(host.paths.logDir), { isStrict: false }, sleep);
    return { ...report, wrong: report.problems.filter(({ exit }) => exit > 0) };
  }

  it('stays while it is not old, and a dry run says what would go and leaves nothing behind', async () => {
    expect(await prune(KEEP_ALL)).toMatchObject({ stream: { first: 1, from: 1 }, carried: 0 });
    const { last_seq: last } = await streamState();
    const dry = await prune(KEEP_NOTHING, { isDryRun: true });
    expect(dry.stream.from).toBeGreaterThan(300);
    expect(await streamState()).toMatchObject({ first_seq: 1 });
    // The sealer ticks; the operator wrote nothing.
    expect((await operator.blocks.read(last + 1, 'operator')).messages).toEqual([]);
  }, 120_000);

  it('is not removed from the stream while the log does not verify', async () => {
    const file = join(host.paths.logDir, 'tile', 'entries', '000');
    const bytes = await readFile(file);
    await writeFile(file, Buffer.from(bytes).fill(0x41, 100, 101));
    await expect(prune(KEEP_NOTHING)).rejects.toMatchObject({ code: 'LEDGER_INTEGRITY' });
    await writeFile(file, bytes);
    expect(await streamState()).toMatchObject({ first_seq: 1 });
  }, 120_000);

  it('goes from the stream when the log has it, on record, and the sealer and writers go on', async () => {
    const report = await prune(KEEP_NOTHING);
    expect(report.stream.from).toBeGreaterThan(300);
    expect(await streamState()).toMatchObject({ first_seq: report.stream.from });
    const said = await entriesInStream();
    expect(said).toContainEqual(
      expect.objectContaining({ type: 'ledger.pruned', of: 'stream', seq: report.stream.from }),
    );
    expect(said).toContainEqual(expect.objectContaining({ type: 'producer.carried', of: 'exec-tool-1' }));
    // The writer that was at work all the time, whose last block is gone, and then one that never saw a block of it.
    const refused: EntryBody = {
      type: 'command.refused',
      why: { code: 'COMMAND_REPLAYED' },
      dec: { seq: 1, i: 0 },
      msg: `sha256:${'5b'.repeat(32)}`,
    };
    await executor.append(refused);
    await (await writer('exec-tool-1')).append(refused);
    expect(await verified()).toMatchObject({ exit: 10, wrong: [], from: 0 });
  }, 120_000);

  it('goes a second time with those that wrote nothing since, whose chain goes on from what was carried over', async () => {
    // What was written last always stays, and what no checkpoint covers yet: one of those may be the executor's.
    const isGone = async () => {
      await host.write(2);
      await host.sealed();
      await prune(KEEP_NOTHING);
      return (await operator.blocks.tail('exec-tool-1')) === undefined || undefined;
    };
    await eventually(isGone, 'a stream without a block of the executor', 60_000);
    const fresh = await writer('exec-tool-1');
    await fresh.append({
      type: 'command.refused',
      why: { code: 'COMMAND_REPLAYED' },
      dec: { seq: 1, i: 0 },
      msg: `sha256:${'5b'.repeat(32)}`,
    });
    expect(await verified()).toMatchObject({ exit: 10, wrong: [] });
  }, 120_000);

  it('is found in the log by those who ask for a call that the stream has no more', async () => {
    const { blocks, authority, paths } = operator;
    const rootVkey = (await readFile(paths.rootVkey, 'utf8')).trim();
    const removed = (endSeq: number) => logMessages(new LogFolder(paths.logDir), { rootVkey, endSeq });
    expect((await entriesOfCall({ blocks, authority }, 'call-3')).entries).toEqual([]);
    const { entries, rejected } = await entriesOfCall({ blocks, authority, removed }, 'call-3');
    expect(entries.map(({ entry }) => entry.type)).toEqual(['tool.call.decided', 'tool.call.completed']);
    expect(rejected).toEqual([]);
  });

  it('lets a sealer begin again', async () => {
    await sealer.end('SIGKILL');
    sealer = await host.sealer();
    await host.write(1);
    expect((await host.sealed()).size).toBeGreaterThan(340);
    expect((await sealer.health()).ready).toBe(true);
  }, 60_000);

  it('goes from the log too when the stream has it no more: the tree stays whole, and the log says from where it is checked', async () => {
    const before = await verified();
    const { log } = await prune({ ...KEEP_ALL, logAgeMsMax: 0 });
    expect(log.from).toBeGreaterThanOrEqual(256);
    expect(await readdir(join(host.paths.logDir, 'blocks'))).not.toContain('000.jsonl');
    const after = await verified();
    expect(after).toMatchObject({ exit: 10, wrong: [], from: log.from });
    expect(after.heads).toBeGreaterThanOrEqual(before.heads);
    const { rootVkey } = host.paths;
    const vkey = (await readFile(rootVkey, 'utf8')).trim();
    await expect(proveCall(new LogFolder(host.paths.logDir), 'call-3', vkey)).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
    });
    expect(await proveCall(new LogFolder(host.paths.logDir), 'denied', vkey)).toHaveLength(1);
    await sealer.end();
    sealer = await host.sealer();
    await host.write(3);
    expect(await verified()).toMatchObject({ exit: 10, wrong: [] });
  }, 120_000);
});

describe('the oldest of a ledger whose witnesses are asked for and do not answer', () => {
  it('stays: nobody outside has seen what the log says', async () => {
    const vkey = formatVkey(witnessKeyOf(witnessKey('away')));
    await using host = await SealerHost.start([{ name: 'witness.test/away', vkey, url: 'http://127.0.0.1:1/w' }]);
    await host.sealer();
    await host.write(3);
    await host.sealed();
    const operator = await host.operator();
    const report = await pruneLedger({
      operator,
      logDir: host.paths.logDir,
      retention: KEEP_NOTHING,
      isDryRun: false,
      nowMs: Date.now(),
      trim: () => Promise.reject(new Error('nothing may be removed')),
      sealedWithinMs: SEALED_WITHIN_MS,
    }).finally(() => operator.close());
    expect(report).toEqual({ isDryRun: false, stream: { first: 1, from: 1 }, log: { first: 0, from: 0 }, carried: 0 });
  }, 120_000);
});
