import { deploymentPaths } from '#writ/deployment';
import { secretPlace, SecretStore } from '#writ/secrets';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Cli } from '../cli.js';
import { runCommandLine } from '../program.js';
import { listSecrets, runSecret } from './run-secret.js';

const VALUE = 'tok-4f9d1c7b2a6e8053d1';

describe('writ secret', () => {
  let directory: string;
  const said: string[] = [];
  const cli: Cli = {
    print: (line) => said.push(line),
    note: (line) => said.push(line),
    isColoured: false,
    exitCode: 0,
  };
  const stdin = (text: string) => Readable.from([Buffer.from(text)]);
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-secret-'));
    said.length = 0;
  });
  afterEach(() => rm(directory, { recursive: true }));
  const where = () => ({ config: join(directory, 'writ.yaml'), dataDir: join(directory, '.writ') });

  it('works before anything was started: the changes wait for the ledger', async () => {
    await writeFile(where().config, JSON.stringify({ version: 1, ledger: 'writ.test/default/0' }));
    const set = await runSecret({ kind: 'set', name: 'slack' }, where(), cli, stdin(`${VALUE}\n`));
    expect(set).toEqual({ name: 'slack', done: 'set', version: 1, recorded: false });
    const rotate = { kind: 'rotate', name: 'slack', keepHours: 1 } as const;
    await expect(runSecret(rotate, where(), cli, stdin(`${VALUE}-new`))).resolves.toMatchObject({ version: 2 });
    expect(await listSecrets(where())).toMatchObject([{ name: 'slack', version: 2, previous: [{ version: 1 }] }]);
    await runSecret({ kind: 'drop-previous', name: 'slack' }, where(), cli);
    expect(await listSecrets(where())).toMatchObject([{ name: 'slack', previous: [] }]);
    await expect(runSecret({ kind: 'remove', name: 'slack' }, where(), cli)).resolves.toEqual({
      name: 'slack',
      done: 'removed',
      recorded: false,
    });
    expect(said.join('\n')).not.toContain(VALUE);
    const { dataDir } = deploymentPaths(where().dataDir);
    const store = new SecretStore(secretPlace({}, { baseDirectory: directory, dataDir }));
    expect((await store.unrecorded()).map(({ type }) => type)).toEqual([
      'credential.set',
      'credential.rotated',
      'credential.rotated',
      'credential.removed',
    ]);
  });

  it('makes no store beside a configuration that is not there: no Writ would read it', async () => {
    const exit = await runCommandLine(['secret', 'rekey', '--config', where().config], cli);
    expect({ exit, said }).toEqual({ exit: 78, said: [expect.stringContaining('CONFIG_INVALID')] });
    await expect(readdir(directory)).resolves.toEqual([]);
  });

  it('needs no configuration where the data directory is named, and says when there is nothing', async () => {
    await expect(listSecrets({ dataDir: where().dataDir })).resolves.toEqual([]);
    const args = ['secret', 'list', '--data', where().dataDir];
    await expect(runCommandLine(args, cli)).resolves.toBe(0);
    expect(said).toEqual(['the store has no secret']);
  });

  it('keeps the store and its identity where the configuration says', async () => {
    const config = { version: 1, ledger: 'writ.test/default/0', secrets: { file: 'a/s.json', identity: 'b/id.age' } };
    await writeFile(where().config, JSON.stringify(config));
    await runSecret({ kind: 'set', name: 'slack' }, where(), cli, stdin(VALUE));
    const store = new SecretStore({ file: join(directory, 'a', 's.json'), identity: join(directory, 'b', 'id.age') });
    expect(await store.values('slack', new Date())).toEqual({ current: VALUE, previous: [] });
  });
});
