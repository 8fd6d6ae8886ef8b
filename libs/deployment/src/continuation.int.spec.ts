import { WritConfig } from '#writ/catalogue';
import { Authority } from '#writ/signing';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  beginContinuation,
  endContinuation,
  installNextLogKey,
  keepAside,
  type LedgerEnd,
  nameNextLedger,
  readContinuation,
  signNextBundle,
} from './continuation.js';
import { openDeployment, renameLedger } from './deployment.js';
import { readPublicKeys, readSigningKey, readTrustBundle } from './keys.js';
import { closedPlace, deploymentPaths, type DeploymentPaths } from './paths.js';
import { beginRotation, endRotation, installKey, readRootKey } from './rotate-key.js';

const OLD = 'test.example/default/2026';
const NEXT = 'test.example/default/2027';
const END: LedgerEnd = { seq: 90, size: 700, root: 'r'.repeat(43), checkpoint: 'the last checkpoint' };

describe('a ledger that ends and goes on under another name', () => {
  let directory: string;
  let paths: DeploymentPaths;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-continue-'));
    paths = deploymentPaths(join(directory, 'data'));
    await start(OLD);
    for (const place of [paths.logDir, paths.sealerDir]) {
      await mkdir(place);
      await writeFile(join(place, 'of'), OLD);
    }
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const start = async (ledger: string) => {
    const config = WritConfig.parse({ version: 1, ledger, agents: {} });
    await (await openDeployment({ dataDir: join(directory, 'data'), config })).close();
  };
  const root = () => readRootKey(paths, undefined);
  const whole = async () => {
    await nameNextLedger(paths, await root(), NEXT);
    await signNextBundle(paths, await root(), END);
    await keepAside(paths.logDir, OLD);
    await keepAside(paths.sealerDir, OLD);
    await installNextLogKey(paths);
    await renameLedger(paths, NEXT);
  };

  it('has a bundle of its own: the same producers, a key of its own log, and how the one before ended', async () => {
    const before = await readTrustBundle(paths);
    const oldKey = await readSigningKey(paths.logKey);
    await whole();
    const after = await readTrustBundle(paths);
    expect(after).toMatchObject({ ledger: NEXT, closed: [{ ledger: OLD, ...END }] });
    expect(after.next).toBeUndefined();
    const producers = ({ keys }: typeof before) => keys.filter(({ role }) => role !== 'log').map(({ id }) => id);
    expect(producers(after)).toEqual(producers(before));
    const logKeys = after.keys.filter(({ role }) => role === 'log');
    expect(logKeys.map(({ id, name }) => [id, name])).toEqual([[(await readSigningKey(paths.logKey)).id, NEXT]]);
    expect((await readSigningKey(paths.logKey)).id).not.toBe(oldKey.id);
    expect((await readPublicKeys(paths)).log).toContain(NEXT);
    expect(JSON.parse(await readFile(paths.deploymentFile, 'utf8'))).toMatchObject({ ledger: NEXT });
    await start(NEXT);
    await expect(start(OLD)).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR' });
    expect((await readTrustBundle(paths)).closed).toEqual(after.closed);
  });

  it('leaves log and memory of the sealer whole, under the name of the ledger, and room for those of the next', async () => {
    await whole();
    expect(closedPlace(paths.logDir, OLD)).toBe(join(paths.dataDir, 'ledgers', 'test.example+default+2026', 'ledger'));
    for (const place of [paths.logDir, paths.sealerDir]) {
      expect(existsSync(place)).toBe(false);
      expect(await readFile(join(closedPlace(place, OLD), 'of'), 'utf8')).toBe(OLD);
    }
    for (const name of ['../../x', 'a/..', '..//../b'])
      expect(closedPlace(paths.logDir, name).startsWith(join(paths.dataDir, 'ledgers') + '/')).toBe(true);
  });

  it('is the same after a crash between any two steps, each of which is done once', async () => {
    await nameNextLedger(paths, await root(), NEXT);
    const named = await readTrustBundle(paths);
    await nameNextLedger(paths, await root(), NEXT);
    expect(await readTrustBundle(paths)).toEqual(named);
    expect((await readSigningKey(paths.logNextKey)).id).toBe(named.next?.key);
    await signNextBundle(paths, await root(), END);
    const signed = await readFile(paths.trustBundle);
    for (let again = 0; again < 2; again++) {
      await keepAside(paths.logDir, OLD);
      await keepAside(paths.sealerDir, OLD);
      await installNextLogKey(paths);
      await renameLedger(paths, NEXT);
      // What the next ledger writes meanwhile is not moved.
      await mkdir(paths.logDir, { recursive: true });
    }
    expect(await readFile(paths.trustBundle)).toEqual(signed);
    expect(existsSync(paths.logDir)).toBe(true);
    expect(await readdir(closedPlace(paths.logDir, OLD))).toEqual(['of']);
    await start(NEXT);
  });

  it('makes the key anew whose bundle was not signed, and wants it when it was', async () => {
    const bundle = await readFile(paths.trustBundle);
    await nameNextLedger(paths, await root(), NEXT);
    const lost = (await readTrustBundle(paths)).next?.key;
    await writeFile(paths.trustBundle, bundle);
    await nameNextLedger(paths, await root(), NEXT);
    expect((await readTrustBundle(paths)).next?.key).not.toBe(lost);
    await rm(paths.logNextKey);
    await expect(signNextBundle(paths, await root(), END)).rejects.toMatchObject({ code: 'CONFIG_KEY' });
  });

  it('lets nothing else start from its beginning to its end, and says how it is completed', async () => {
    const refusal = { code: 'CONFIG_DATA_DIR', message: expect.stringContaining(`writ ledger continue --as ${NEXT}`) };
    await beginContinuation(paths, { v: 1, from: OLD, as: NEXT, by: 'ops' });
    await expect(start(OLD)).rejects.toMatchObject(refusal);
    await nameNextLedger(paths, await root(), NEXT);
    await rm(paths.continuation);
    await expect(start(OLD)).rejects.toMatchObject(refusal);
    await expect(nameNextLedger(paths, await root(), `${NEXT}b`)).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR' });
    await writeFile(paths.continuation, '{"v":1}');
    await expect(readContinuation(paths)).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR_CORRUPT' });
    await endContinuation(paths);
    await expect(readContinuation(paths)).resolves.toBeUndefined();
  });

  it('is one of many: each of them is named for ever, with its end, and the newest with its last checkpoint', async () => {
    await whole();
    const third = 'test.example/default/2028';
    const end = { ...END, seq: 200, checkpoint: 'the last of the second' };
    await nameNextLedger(paths, await root(), third);
    await signNextBundle(paths, await root(), end);
    const { closed = [] } = await readTrustBundle(paths);
    expect(closed.map(({ ledger, seq, checkpoint }) => [ledger, seq, checkpoint])).toEqual([
      [OLD, END.seq, undefined],
      [NEXT, 200, 'the last of the second'],
    ]);
    const authority = new Authority(await readTrustBundle(paths));
    expect([90, 91, 200, 201].map((seq) => authority.at(seq).ledger)).toEqual([OLD, NEXT, NEXT, third]);
  });

  it('takes no key that ended with it: it counts for nothing in the next one, and for the stream up to where it ended', async () => {
    const which = { instance: 'pdp-1' };
    const rotation = await beginRotation(paths, which, { root: await root() });
    await expect(nameNextLedger(paths, await root(), NEXT)).rejects.toMatchObject({ code: 'CONFIG_KEY' });
    await installKey(paths, which, rotation);
    await endRotation(paths, rotation, { root: await root(), until: { seq: 40, size: 300 } });
    await whole();
    const authority = new Authority(await readTrustBundle(paths));
    expect(authority.keyOf(rotation.old.id)?.until).toEqual({ seq: 40, size: 0 });
    expect(authority.at(40).ledger).toBe(OLD);
  });
});
