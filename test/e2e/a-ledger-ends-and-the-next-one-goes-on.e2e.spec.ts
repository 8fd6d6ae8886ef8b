import { subjects } from '#writ/contracts';
import { closedPlace } from '#writ/deployment';
import { NatsBlockLog } from '#writ/ledger-client';
import { verifyChain } from '#writ/tlog';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LogFolder } from '../../apps/cli/src/ledger/log-folder.js';
import { freePort } from '../harness/free-port.js';
import { eventually, Gateway, runCli } from '../harness/gateway.js';
import { packageRoot } from '../harness/package-root.js';
import { TestWitness } from '../harness/test-witness.js';
import { OutsideService } from './outside-service.js';
import { startOffice, storyOf } from './small-office.js';

const OLD = 'writ.test/default/2026';
const NEXT = 'writ.test/default/2027';
const WITHIN_MS = 300_000;

/** What the command says when a step of it is done. It is killed at each of these. */
const STEPS = [/^message \d+ ends/m, /^the root key has signed/m, /has begun$/m];

describe('a ledger that ends', () => {
  let outside: OutsideService;
  let witness: TestWitness;
  let gateway: Gateway;
  let oldLog: string;
  let kept: { readonly subject: string; readonly data: Uint8Array };
  const killedAt: string[] = [];
  let refusals: string[] = [];

  const rootKey = () => gateway.paths.rootVkey;
  const at = (...args: string[]) => [...args, '--config', join(gateway.directory, 'writ.yaml')];
  const verify = async (directory: string, ...previous: string[]) => {
    const rootVkey = (await readFile(rootKey(), 'utf8')).trim();
    const earlier = previous.map((each) => new LogFolder(each));
    const { report, ...chain } = await verifyChain(new LogFolder(directory), earlier, { rootVkey }, (ms) => sleep(ms));
    return { ...report, exit: chain.exit, before: chain.previous };
  };
  const logKey = async () => (await readFile(gateway.paths.logVkey, 'utf8')).trim();

  beforeAll(async () => {
    outside = await OutsideService.start();
    witness = await TestWitness.make();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const lake = { name: 'lake', kind: 'file', path: 'lake.ndjson', format: 'raw' };
    gateway = await startOffice(outside, {
      config: { witnesses: [{ name: witness.key.name, vkey: witness.vkey, url }], siem: { sinks: [lake] } },
    });
    await witness.start([await logKey()], { port });
    const alice = await gateway.agent('alice');
    await alice.tool('act', { marker: 'before' }, { call: 'c-before' });
    kept = await blockOf(gateway, 'operator');
    refusals = [(await gateway.cli('ledger', 'continue', '--as', NEXT)).stderr];
    await gateway.stop({ keep: true });
    for (const step of STEPS) killedAt.push(await killAt(step));
    refusals.push((await runCli(at('up'))).stderr);
    const whole = await runCli(at('ledger', 'continue', '--as', NEXT, '--json'));
    if (whole.status !== 0) throw new Error(whole.stdout + whole.stderr);
    oldLog = (JSON.parse(whole.stdout) as { log: string }).log;
    const config = join(gateway.directory, 'writ.yaml');
    await writeFile(config, (await readFile(config, 'utf8')).replace(OLD, NEXT));
    await witness.stop();
    await witness.start([await logKey()], { port });
    gateway = await Gateway.startIn(gateway.directory);
  }, WITHIN_MS);
  afterAll(async () => {
    await gateway?.stop();
    await witness?.[Symbol.asyncDispose]();
    await outside?.[Symbol.asyncDispose]();
  });

  /** Runs the command and kills it when it has said that a step is done. */
  async function killAt(step: RegExp): Promise<string> {
    const args = at('ledger', 'continue', '--as', NEXT, '--reason', 'a new year');
    const child = spawn(process.execPath, [join(packageRoot, 'bin', 'writ.js'), ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (step.test(said)) child.kill('SIGKILL');
    });
    const signal = await new Promise<string>((resolve) =>
      child.once('close', (code, name) => resolve(name ?? `${code}`)),
    );
    return signal === 'SIGKILL' ? signal : `${signal}: ${said}`;
  }

  it('is not ended while Writ runs, and nothing starts until the next one has begun', () => {
    expect(refusals[0]).toMatch(/CONFIG_DATA_DIR_LOCKED: .*stop it first, `kill -TERM \d+`/);
    expect(refusals[1]).toContain(`writ ledger continue --as ${NEXT}`);
  });

  it('has one end, whatever step the command was killed at, and the same command completes it', async () => {
    expect(killedAt).toEqual(STEPS.map(() => 'SIGKILL'));
    expect(existsSync(gateway.paths.continuation)).toBe(false);
    expect(oldLog).toBe(closedPlace(gateway.paths.logDir, OLD));
    expect(await verify(oldLog)).toMatchObject({ exit: 0, frozen: NEXT, rejected: 0, problems: [] });
  });

  it('is the one that the next ledger goes on from: both and the link between them verify, witnessed', async () => {
    const alice = await gateway.agent('alice');
    const { output } = await alice.tool('act', { marker: 'after' }, { call: 'c-after' });
    expect(output).toEqual({ done: true });
    const chain = await eventually(async () => {
      const found = await verify(gateway.paths.logDir, oldLog);
      return found.exit === 0 ? found : undefined;
    }, 'a witnessed chain');
    expect(chain).toMatchObject({ rejected: 0, problems: [], before: [{ ledger: OLD, exit: 0 }] });
    expect(chain.previous).toEqual(expect.objectContaining({ ledger: OLD, size: chain.before[0]?.size }));
    const said = await gateway.cli('ledger', 'verify', '--root', rootKey(), '--previous', oldLog);
    expect([said.status, said.stdout]).toEqual([0, expect.stringContaining('2 ledgers that follow each other')]);
    const alone = await gateway.cli('ledger', 'verify', '--root', rootKey());
    expect(alone.stdout).toContain(`goes on from ${OLD}`);
    expect(alone.stdout).toContain('not checked');
  });

  it('has the calls of before: one effect for a call id, explained and proved from where they are', async () => {
    const alice = await gateway.agent('alice');
    await alice.tool('act', { marker: 'before' }, { call: 'c-before' });
    expect(outside.countOf('before')).toBe(1);
    expect(await storyOf(gateway, 'c-before')).toEqual(['tool.call.decided', 'tool.call.completed']);
    expect((await gateway.cli('explain', 'c-before')).stdout).toContain('staff-acts');
    const folder = join(gateway.directory, 'proof');
    const { stdout } = await gateway.cli('ledger', 'prove', 'c-before', '--out', folder, '--json');
    const { files } = JSON.parse(stdout) as { files: readonly { file: string }[] };
    expect(files).toHaveLength(2);
    const [first] = files;
    const proved = await runCli(['ledger', 'verify', first?.file ?? '', '--root', rootKey()]);
    expect([proved.status, proved.stdout]).toEqual([0, expect.stringContaining(OLD)]);
  });

  it('is whole in the feed of a sink, and so is the next one from its first entry on', async () => {
    const { size: ended } = await verify(oldLog);
    const sequences = await eventually(async () => {
      const found = await sequencesIn(join(gateway.directory, 'lake.ndjson'));
      return (found.get(NEXT)?.length ?? 0) > 5 ? found : undefined;
    }, 'the feed of the next ledger');
    expect(sequences.get(OLD)).toEqual(Array.from({ length: ended }, (_, index) => index));
    const next = sequences.get(NEXT) ?? [];
    expect(next).toEqual(next.map((_, index) => index));
  });

  it('takes no block any more, and the next one refuses it on record: of an old ledger, replayed', async () => {
    const bus = await gateway.service('operator');
    await bus.request(kept.subject, kept.data, { timeoutMs: 5_000 });
    const found = await eventually(async () => {
      const report = await verify(gateway.paths.logDir);
      return report.rejected > 0 ? report : undefined;
    }, 'the refused block');
    expect(found.problems).toEqual([expect.objectContaining({ message: expect.stringContaining('`ledger_closed`') })]);
    expect(await verify(oldLog)).toMatchObject({ exit: 0, problems: [] });
    expect((await verify(gateway.paths.logDir, oldLog)).exit).toBe(0);
  });
});

/** The last block of a producer, as a message of the stream. */
async function blockOf(gateway: Gateway, producer: string): Promise<{ subject: string; data: Uint8Array }> {
  const tail = await new NatsBlockLog(await gateway.service('operator'), '$JS.API').tail(producer);
  if (tail === undefined) throw new Error(`${producer} has written nothing`);
  return { subject: subjects.ledgerBlock(producer), data: tail.data };
}

/** The sequences in a file of records, by the ledger that they are of. */
async function sequencesIn(file: string): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map<string, number[]>();
  for (const line of (await readFile(file, 'utf8')).split('\n').filter((text) => text !== '')) {
    const { log_name: ledger, sequence } = JSON.parse(line) as { log_name: string; sequence?: number };
    if (sequence !== undefined) found.set(ledger, [...(found.get(ledger) ?? []), sequence]);
  }
  return found;
}
