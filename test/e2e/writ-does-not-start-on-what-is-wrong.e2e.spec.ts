import { chmod, copyFile, mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Gateway, runCli } from '../harness/gateway.js';
import { OutsideService } from './outside-service.js';
import { smallOffice, STAFF_ACTS, startOffice, storyOf } from './small-office.js';

/** Runs `writ up` where it must not start, and gives what it ended with. */
function up(directory: string, env: Readonly<Record<string, string>> = {}) {
  return runCli(['up', '--config', join(directory, 'writ.yaml'), '--data', join(directory, '.writ')], env);
}

describe('writ up', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let directory: string;

  beforeAll(async () => {
    outside = await OutsideService.start();
    gateway = await startOffice(outside);
    directory = gateway.directory;
    const alice = await gateway.agent('alice');
    await alice.tool('act', { marker: 'before' }, { call: 'before' });
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  it('leaves a data directory alone that another one uses', async () => {
    const second = await up(directory);
    expect(second).toMatchObject({ status: 78, stderr: expect.stringContaining('CONFIG_DATA_DIR_LOCKED') });
    const alice = await gateway.agent('alice');
    await expect(alice.tool('act', { marker: 'undisturbed' })).resolves.toMatchObject({ output: { done: true } });
  });

  describe('over a damaged data directory', () => {
    beforeAll(async () => {
      await gateway.stop({ keep: true });
    });

    const at = (file: string) => join(directory, '.writ', file);

    it.each([
      [
        'a trust bundle cut off',
        'keys/trust.bundle',
        (file: string) => truncate(file, 40),
        /CONFIG_(DATA_DIR_CORRUPT|KEY)/,
      ],
      ['a registry of agents cut off', 'agents.json', (file: string) => truncate(file, 25), /CONFIG_DATA_DIR_CORRUPT/],
      ['a registry that is gone', 'agents.json', (file: string) => rm(file), /CONFIG_DATA_DIR_CORRUPT/],
      ['a signing key that is empty', 'keys/producers/pdp-1.key', (file: string) => truncate(file, 0), /CONFIG_KEY/],
      [
        'a signing key that is gone',
        'keys/producers/pdp-1.key',
        (file: string) => rm(file),
        /CONFIG_(KEY|DATA_DIR_CORRUPT)/,
      ],
      ['a payload key that is gone', 'keys/payload.key', (file: string) => rm(file), /CONFIG_(KEY|DATA_DIR_CORRUPT)/],
      ['a key that others may read', 'keys/producers/pdp-1.key', (file: string) => chmod(file, 0o644), /CONFIG_KEY/],
      ['a bus key that is none', 'keys/nats/pdp-1.nk', (file: string) => writeFile(file, 'none'), /CONFIG_KEY/],
    ])('does not start with %s, and says which file', async (_case, name, damage, code) => {
      const file = at(name);
      await copyFile(file, `${file}.kept`);
      await damage(file);
      const { status, stderr } = await up(directory);
      await rm(file, { force: true });
      await copyFile(`${file}.kept`, file);
      await chmod(file, 0o600);
      await rm(`${file}.kept`);
      expect({ status, stderr }).toEqual({ status: 78, stderr: expect.stringMatching(code) });
      expect(stderr).toContain(name);
    });

    it.each([
      [
        'that is too old: AVAILABILITY-07, BROKER-05',
        '#!/bin/sh\necho "nats-server: v2.9.10"\n',
        'CONFIG_NATS_SERVER_OLD',
      ],
      ['that is none', '#!/bin/sh\nexit 1\n', 'CONFIG_NATS_SERVER_MISSING'],
    ])('does not start with a nats-server %s', async (_case, script, code) => {
      const file = join(directory, 'nats-server');
      await writeFile(file, script, { mode: 0o755 });
      await expect(up(directory, { WRIT_NATS_SERVER: file })).resolves.toMatchObject({
        status: 78,
        stderr: expect.stringContaining(code),
      });
    });

    it('does not start with a nats-server that is not there', async () => {
      await expect(up(directory, { WRIT_NATS_SERVER: join(directory, 'nowhere') })).resolves.toMatchObject({
        status: 78,
        stderr: expect.stringContaining('CONFIG_NATS_SERVER_MISSING'),
      });
    });

    it('does not start a new ledger where the old one is gone', async () => {
      const stream = at('nats/store/jetstream/LEDGER/streams/LEDGER');
      await rename(stream, join(directory, 'kept'));
      const { status, stderr } = await up(directory);
      await rm(stream, { recursive: true, force: true });
      await rename(join(directory, 'kept'), stream);
      expect({ status, stderr }).toEqual({ status: 78, stderr: expect.stringContaining('CONFIG_DATA_DIR_CORRUPT') });
      expect(stderr).toContain('LEDGER');
    });

    it('lost nothing by any of this', async () => {
      gateway = await Gateway.startIn(directory);
      const alice = await gateway.agent('alice');
      await expect(alice.result('before')).resolves.toMatchObject({ output: { done: true } });
      await expect(storyOf(gateway, 'before')).resolves.toEqual(['tool.call.decided', 'tool.call.completed']);
    }, 60_000);
  });

  describe('in a fresh folder', () => {
    let fresh: string;

    beforeEach(async () => {
      fresh = await mkdtemp(join(tmpdir(), 'writ-fresh-'));
    });
    afterEach(() => rm(fresh, { recursive: true, force: true }));

    async function configure(policy: string, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
      const config = { version: 1, ledger: 'writ.test/default/2026', listen: { port: 0 }, policies: '.' };
      await writeFile(join(fresh, 'writ.yaml'), stringify({ ...config, ...smallOffice(outside), ...more }));
      await writeFile(join(fresh, 'staff.cedar'), policy);
    }

    it.each([
      ['cannot be parsed', `${STAFF_ACTS}\npermit (principal, action`, 'POLICY_PARSE', /staff\.cedar:\d+:\d+/],
      [
        'names a tool that is not there',
        STAFF_ACTS.replace('"echo"', '"ecko"'),
        'POLICY_INVALID',
        /staff\.cedar:\d+:\d+/,
      ],
    ])('does not start with a policy that %s, and says where', async (_case, policy, code, place) => {
      await configure(policy);
      const { status, stderr } = await up(fresh);
      expect({ status, stderr }).toEqual({ status: 78, stderr: expect.stringMatching(place) });
      expect(stderr).toContain(code);
    });

    it('does not start on a port that is in use', async () => {
      const taken = createServer();
      taken.listen(0, '127.0.0.1');
      await once(taken, 'listening');
      const { port } = taken.address() as AddressInfo;
      await configure(STAFF_ACTS, { listen: { port } });
      const ended = await up(fresh);
      taken.close();
      expect(ended).toMatchObject({ status: 78, stderr: expect.stringContaining('CONFIG_PORT_IN_USE') });
      expect(ended.stderr).toContain(String(port));
    });

    it('does not start with a configuration that has an unknown member, and says which', async () => {
      await configure(STAFF_ACTS, { plicies: 'policies' });
      const ended = await up(fresh);
      expect(ended).toMatchObject({ status: 78, stderr: expect.stringContaining('CONFIG_INVALID') });
      expect(ended.stderr).toContain('plicies');
      await expect(readFile(join(fresh, '.writ', 'deployment.json'))).rejects.toThrow();
    });
  });
});
