import type { Agent } from '#writ/agent-sdk';
import { LEDGER_API_PREFIX } from '#writ/contracts';
import { deploymentPaths, type PublicKeys, readPublicKeys, readSigningKey, readTrustBundle } from '#writ/deployment';
import { BlockWriter, NatsBlockLog } from '#writ/ledger-client';
import { Authority, openNote, SigningKey, signTrustBundle, trustedKey } from '#writ/signing';
import { openCheckpoint, parseCheckpoint, signCheckpoint, TileTree } from '#writ/tlog';
import { formatAddCheckpoint } from '#writ/witness';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { eventually, Gateway, runCli } from '../harness/gateway.js';
import { packageRoot } from '../harness/package-root.js';
import { TestWitness } from '../harness/test-witness.js';
import { OutsideService } from './outside-service.js';
import { startOffice } from './small-office.js';

interface Rotated {
  readonly old: string;
  readonly next: string;
  readonly size: number;
}

/** The drill of the runbook: what is done when a key was stolen, and what an auditor sees then. */
describe('a stolen key', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let alice: Agent;

  beforeAll(async () => {
    outside = await OutsideService.start();
    // So that its executor runs: nothing else uses the key that is stolen.
    const destinations = { outside: { origin: outside.url, internal: true } };
    gateway = await startOffice(outside, { config: { destinations } });
    alice = await gateway.agent('alice');
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  const at = (name: string) => join(gateway.directory, name);

  async function rotate(...args: readonly string[]): Promise<Rotated> {
    const { status, stdout, stderr } = await gateway.cli('keys', 'rotate', ...args, '--json');
    if (status !== 0) throw new Error(`${status}: ${stdout}${stderr}`);
    return JSON.parse(stdout) as Rotated;
  }

  async function verified(directory: string, ...more: readonly string[]) {
    const args = ['ledger', 'verify', directory, '--root', gateway.paths.rootVkey, '--json', ...more];
    const { status, stdout } = await gateway.cli(...args);
    const { problems } = JSON.parse(stdout) as { problems: readonly { code: string; exit: number }[] };
    return { status, codes: problems.filter(({ exit }) => exit > 0).map(({ code }) => code) };
  }

  async function exported(name: string): Promise<string> {
    await gateway.cli('ledger', 'export', at(name));
    return at(name);
  }

  const trust = async () => new Authority(await readTrustBundle(gateway.paths));
  const checkpoint = () => readFile(join(gateway.paths.logDir, 'checkpoint'), 'utf8');

  /** What the thief does: a block in the name of the process, over its connection, signed by its old key. */
  async function forge(instance: string, key: SigningKey): Promise<void> {
    const bus = await gateway.service(instance);
    const authority = await trust();
    const writer = await BlockWriter.open({
      blocks: new NatsBlockLog(bus, LEDGER_API_PREFIX),
      key: () => key,
      ...{ ledger: authority.ledger, tenant: 'default', producer: instance, authority: () => authority },
      now: Date.now,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    });
    const why = { code: 'COMMAND_EXPIRED' };
    await writer.append({ type: 'command.refused', why, dec: { seq: 1, i: 0 }, msg: `sha256:${'0'.repeat(64)}` });
    await bus.close();
  }

  it('of the log is replaced over an overlap in which both sign: witnesses follow, and the old one ends at a size', async () => {
    await using witness = await TestWitness.make();
    await alice.tool('act', { marker: 'first' });
    const before = await readPublicKeys(gateway.paths);
    const stolen = await readSigningKey(gateway.paths.logKey);
    let seen = 0;
    const shown = async () => {
      const note = await checkpoint();
      const { size } = parseCheckpoint(note.slice(0, note.indexOf('\n\n') + 1));
      const tree = new TileTree(size, (path) => readFile(join(gateway.paths.logDir, path)));
      const proof = seen === 0 || seen === size ? [] : await tree.consistencyProof(seen);
      const { status } = await witness.add(formatAddCheckpoint({ oldSize: seen, proof, note }));
      if (status === 200) seen = size;
      return status;
    };
    await witness.start([before.log]);
    expect(await shown()).toBe(200);

    const begun = await rotate('log');
    const during = await readPublicKeys(gateway.paths);
    expect(during).toMatchObject({ log: before.log, logNext: expect.stringMatching(/\+[0-9a-f]{8}\+/) });
    expect(openNote(await checkpoint(), (await trust()).logKeys()).signers).toHaveLength(2);
    expect(await shown()).toBe(200);

    await witness.stop();
    await witness.start([before.log, during.logNext ?? '']);
    const ended = await rotate('log', '--end');
    expect([ended.old, ended.next]).toEqual([stolen.id, begun.next]);
    expect(openNote(await checkpoint(), (await trust()).logKeys()).signers.map(({ key }) => key.id)).toEqual([
      ended.next,
    ]);
    expect(await shown()).toBe(200);
    expect(await readPublicKeys(gateway.paths)).toEqual({ root: before.root, log: during.logNext });
    const phases = (await gateway.ledger()).flatMap(({ entry }) =>
      entry.type === 'ledger.key.rotated' ? [[entry.phase, entry.old, entry.new, entry.size]] : [],
    );
    expect(phases).toEqual([
      ['begun', ended.old, ended.next, begun.size],
      ['ended', ended.old, ended.next, ended.size],
    ]);

    const intact = await exported('rotated');
    expect(await verified(intact)).toEqual({ status: 10, codes: [] });
    const { size, root } = openCheckpoint(
      await readFile(join(intact, 'checkpoint'), 'utf8'),
      stolen.name,
      (await trust()).logKeys(),
    );
    expect(size).toBeGreaterThan(ended.size);
    const forged = signCheckpoint({ origin: stolen.name, size, root }, stolen);
    for (const path of ['checkpoint', `checkpoints/${size}`]) await writeFile(join(intact, path), forged);
    expect(await verified(intact)).toMatchObject({ status: 40, codes: expect.arrayContaining(['expired_log_key']) });
  }, 120_000);

  it('of a producer is replaced without a restart: what it signs afterwards counts for nothing, what it signed before stays', async () => {
    await alice.tool('act', { marker: 'before' }, { call: 'before' });
    const stolen = await readSigningKey(gateway.paths.producerKey('exec-egress-1'));
    const pids = (await gateway.processes()).map(({ pid }) => pid);
    await forge('exec-egress-1', stolen);
    const early = await exported('early');
    const proved = await gateway.cli('ledger', 'prove', 'before', '--out', at('proof'), '--json');

    const { old, next } = await rotate('exec-egress-1');
    expect(old).toBe(stolen.id);
    expect((await readSigningKey(gateway.paths.producerKey('exec-egress-1'))).id).toBe(next);
    await gateway.entry(({ entry }) => entry.type === 'producer.revoked' && entry.key === old && entry.next === next);
    await gateway.entry(({ entry }) => entry.type === 'producer.enrolled' && entry.key === next);
    expect((await gateway.processes()).map(({ pid }) => pid)).toEqual(pids);
    await alice.tool('act', { marker: 'after' });

    await forge('exec-egress-1', stolen);
    const said = await eventually(async () => {
      const log = await readFile(join(gateway.paths.runDir, 'ledger-1.log'), 'utf8');
      return log.includes('"code":"expired_key"') ? log : undefined;
    }, 'the alarm of the sealer');
    expect(said).toContain('INTEGRITY VIOLATION');

    const late = await exported('late');
    expect(await verified(late, '--head', join(early, 'checkpoint'))).toEqual({ status: 10, codes: [] });
    expect(await verified(early)).toEqual({ status: 10, codes: [] });
    await cp(join(late, 'bundle'), join(early, 'bundle'));
    expect(await verified(early)).toEqual({ status: 10, codes: [] });
    const [proof] = (JSON.parse(proved.stdout) as { files: readonly { file: string }[] }).files;
    const args = ['--root', gateway.paths.rootVkey, '--bundle', gateway.paths.trustBundle];
    expect(await gateway.cli('ledger', 'verify', proof?.file ?? '', ...args)).toMatchObject({ status: 10 });
  }, 120_000);

  it('of a decision service, of the operator and of the sealer is replaced in the same way, and calls go on', async () => {
    for (const name of ['pdp-1', 'operator', 'ledger-1']) {
      const { old, next } = await rotate(name);
      const authority = await trust();
      expect([name, authority.keyOf(old)?.next, authority.keyOf(old)?.until]).toEqual([
        name,
        next,
        { seq: expect.any(Number), size: expect.any(Number) },
      ]);
      await alice.tool('act', { marker: `under-${name}` });
    }
    expect(await verified(gateway.paths.logDir)).toEqual({ status: 10, codes: [] });
  }, 120_000);

  it('is replaced by the same command when that was killed in the middle', async () => {
    for (const afterMs of [500, 1_100]) {
      await killedAfter(afterMs, 'keys', 'rotate', 'exec-tool-1', '--data', gateway.paths.dataDir);
      const { next } = await rotate('exec-tool-1');
      expect((await readSigningKey(gateway.paths.producerKey('exec-tool-1'))).id).toBe(next);
      await alice.tool('act', { marker: `killed-${afterMs}` });
    }
    const { keys } = await readTrustBundle(gateway.paths);
    expect(keys.filter(({ name, until }) => name === 'exec-tool-1' && until === undefined)).toHaveLength(1);
    expect(await verified(gateway.paths.logDir)).toEqual({ status: 10, codes: [] });
  }, 120_000);

  it('that was replaced counts for nothing after a restart either', async () => {
    const stolen = await readSigningKey(gateway.paths.producerKey('exec-memory-1'));
    await rotate('exec-memory-1');
    await rotate('log', '--at-once');
    await gateway.stop({ keep: true });
    gateway = await Gateway.startIn(gateway.directory);
    alice = await gateway.agent('alice');
    await alice.tool('act', { marker: 'restarted' });
    expect(await verified(gateway.paths.logDir)).toEqual({ status: 10, codes: [] });
    await gateway.stop({ keep: true });
    const good = await readFile(gateway.paths.producerKey('exec-memory-1'));
    await writeFile(gateway.paths.producerKey('exec-memory-1'), stolen.toFileText());
    const started = await gateway.cli('up', '--config', at('writ.yaml'));
    expect(started).toMatchObject({
      status: 78,
      stderr: expect.stringContaining('the trust bundle has revoked the key'),
    });
    await writeFile(gateway.paths.producerKey('exec-memory-1'), good);
  }, 120_000);

  it('of the root ends the deployment: what was sealed stays provable, and a new one has no key in common with it', async () => {
    gateway = await Gateway.startIn(gateway.directory);
    const before = await readPublicKeys(gateway.paths);
    const bundle = await readTrustBundle(gateway.paths);
    const thief = new SigningKey('exec-tool-9', randomBytes(32));
    const keys = [...bundle.keys, trustedKey(thief.verifyKey, thief.name, 'tool-executor', [thief.name])];
    const version = (bundle.version ?? 0) + 1;
    const root = await readSigningKey(gateway.paths.rootKey);
    await writeFile(at('forged'), signTrustBundle(root, { ...bundle, keys, version }), { mode: 0o600 });
    await rename(at('forged'), gateway.paths.trustBundle);
    await eventually(async () => {
      const log = await readFile(join(gateway.paths.runDir, 'ledger-1.log'), 'utf8');
      return log.includes(`"version":${version}`) && log.includes('a newer trust bundle is in use') ? log : undefined;
    }, 'what shows the theft');
    await gateway.stop({ keep: true });

    const last = await exported('last');
    expect(await verified(last)).toEqual({ status: 10, codes: [] });

    const config = parse(await readFile(at('writ.yaml'), 'utf8')) as object;
    await mkdir(at('new'));
    await writeFile(at('new/writ.yaml'), stringify({ ...config, ledger: 'writ.after-the-theft/default/1' }));
    const made = await runCli(['keys', '--config', at('new/writ.yaml'), '--json']);
    const after = JSON.parse(made.stdout) as PublicKeys;
    expect([made.status, after.root === before.root, after.log === before.log]).toEqual([0, false, false]);
    const fresh = await readTrustBundle(deploymentPaths(at('new/.writ')));
    const known = new Set(keys.map(({ id }) => id));
    expect(fresh.keys.filter(({ id }) => known.has(id))).toEqual([]);
    expect(await gateway.cli('ledger', 'verify', last, '--root', after.root)).toMatchObject({ status: 40 });
  }, 120_000);

  async function killedAfter(ms: number, ...args: readonly string[]): Promise<void> {
    const child = spawn(process.execPath, [join(packageRoot, 'bin', 'writ.js'), ...args], { stdio: 'ignore' });
    const timer = setTimeout(() => child.kill('SIGKILL'), ms);
    await new Promise((resolve) => child.once('exit', resolve));
    clearTimeout(timer);
  }
});
