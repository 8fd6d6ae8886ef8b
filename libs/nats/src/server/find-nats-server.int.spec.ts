import { Fault } from '#writ/faults';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FetchNatsServer } from './fetch-nats-server.js';
import { findNatsServer } from './find-nats-server.js';

/** A program that says it is that version. */
async function server(file: string, version: string): Promise<string> {
  await writeFile(file, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  await chmod(file, 0o755);
  return file;
}

describe('finding a nats-server', () => {
  let home: string;
  let log: string[];
  let fetches: number;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'writ-find-'));
    await mkdir(join(home, 'bin'));
    log = [];
    fetches = 0;
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const fetching =
    (version: string): FetchNatsServer =>
    async ({ directory }) => {
      fetches += 1;
      return server(join(directory, 'fetched'), version);
    };
  const failing: FetchNatsServer = () => Promise.reject(new Error('no network'));
  const find = (sources: readonly FetchNatsServer[], env: Record<string, string> = {}) =>
    findNatsServer({
      env: { PATH: join(home, 'bin'), XDG_CACHE_HOME: join(home, 'cache'), ...env },
      packageRoot: home,
      log: (line) => log.push(line),
      sources,
    });
  const codeOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'nothing',
      (error: unknown) => (error instanceof Fault ? error.code : String(error)),
    );

  it('takes the one that is named, and nothing else when that one does not do (AVAILABILITY-07)', async () => {
    await server(join(home, 'bin', 'nats-server'), '2.15.1');
    const named = await server(join(home, 'named'), '2.14.3');
    expect(await find([], { WRIT_NATS_SERVER: named })).toEqual({ binary: named, version: '2.14.3' });
    const old = await server(join(home, 'old'), '2.14.2');
    expect(await codeOf(find([fetching('2.15.1')], { WRIT_NATS_SERVER: old }))).toBe('CONFIG_NATS_SERVER_OLD');
    const none = join(home, 'none');
    expect(await codeOf(find([fetching('2.15.1')], { WRIT_NATS_SERVER: none }))).toBe('CONFIG_NATS_SERVER_MISSING');
  });

  it('takes the one on PATH, and passes over an old one there', async () => {
    const onPath = await server(join(home, 'bin', 'nats-server'), '2.15.1');
    expect(await find([])).toEqual({ binary: onPath, version: '2.15.1' });
    await server(onPath, '2.10.27');
    expect((await find([failing, fetching('2.15.2')])).version).toBe('2.15.2');
    expect(log.some((line) => line.includes('2.10.27'))).toBe(true);
  });

  it('fetches once and then takes it from the cache', async () => {
    const first = await find([failing, fetching('2.15.2')]);
    expect(await find([failing])).toEqual(first);
    expect(fetches).toBe(1);
  });

  it('does not take what was changed in the cache, or could be changed by others', async () => {
    const { binary } = await find([fetching('2.15.2')]);
    await writeFile(binary, '#!/bin/sh\necho nats-server: v2.99.0; : evil\n');
    expect((await find([fetching('2.15.3')])).version).toBe('2.15.3');
    const { binary: second } = await find([]);
    await chmod(second, 0o777);
    expect(await codeOf(find([failing]))).toBe('CONFIG_NATS_SERVER_MISSING');
  });

  it('ends whole when several fetch at once', async () => {
    const found = await Promise.all(Array.from({ length: 5 }, () => find([fetching('2.15.2')])));
    expect(new Set(found.map(({ version }) => version))).toEqual(new Set(['2.15.2']));
    expect((await readdir(join(home, 'cache', 'writ', 'nats-server'))).filter((name) => name.startsWith('.'))).toEqual(
      [],
    );
  });

  it('keeps nothing of a fetch that brought an old one', async () => {
    expect(await codeOf(find([fetching('2.12.11')]))).toBe('CONFIG_NATS_SERVER_MISSING');
    expect(await readdir(join(home, 'cache', 'writ', 'nats-server'))).toEqual([]);
  });

  it('uses the package itself as cache where there is no other', async () => {
    await writeFile(join(home, 'no-directory'), '');
    const { binary } = await find([fetching('2.15.2')], { XDG_CACHE_HOME: join(home, 'no-directory') });
    expect(binary.startsWith(join(home, '.writ', 'cache'))).toBe(true);
  });

  it('says what to do when there is none, and names an old one rather than nothing', async () => {
    expect(await codeOf(find([failing]))).toBe('CONFIG_NATS_SERVER_MISSING');
    await expect(find([failing])).rejects.toThrow(/install nats-server .*WRIT_NATS_SERVER/);
    await server(join(home, 'bin', 'nats-server'), '2.10.27');
    expect(await codeOf(find([failing]))).toBe('CONFIG_NATS_SERVER_OLD');
  });
});
