import { mkdir, mkdtemp, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PolicyFolders, policyFingerprint } from './policy-fingerprint.js';

describe('the fingerprint of the policies', () => {
  let root: string;
  let folders: PolicyFolders;
  const inRoot = (...names: readonly string[]) => join(root, ...names);

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'writ-fingerprint-'));
    folders = { policies: inRoot('policies'), obligations: inRoot('obligations') };
    await mkdir(inRoot('policies', 'mail'), { recursive: true });
    await mkdir(inRoot('obligations'));
    await mkdir(inRoot('elsewhere'));
    await writeFile(inRoot('elsewhere', 'shared.txt'), 'one');
    await writeFile(inRoot('policies', 'mail', 'a.cedar'), 'one');
    await writeFile(inRoot('agents.json'), '{}');
  });
  afterEach(() => rm(root, { recursive: true }));

  const look = () => policyFingerprint(folders, [inRoot('agents.json'), inRoot('policies', 'manifest.json')]);

  /** Whether the fingerprint is another one after the change. */
  async function isSeen(change: () => Promise<unknown>): Promise<boolean> {
    const before = await look();
    await change();
    return (await look()) !== before;
  }

  it.each<[string, readonly string[]]>([
    ['a file of the first set', ['policies', 'b.cedar']],
    ['a file of the second set', ['obligations', 'b.cedar']],
    ['a file in a folder below', ['policies', 'mail', 'b.cedar']],
    ['a name in capitals', ['policies', 'B.CEDAR']],
    ['the manifest', ['policies', 'manifest.json']],
  ])('sees %s come, change and go', async (_what, names) => {
    const file = inRoot(...names);
    await expect(isSeen(() => writeFile(file, 'new'))).resolves.toBe(true);
    await expect(isSeen(() => writeFile(file, 'longer'))).resolves.toBe(true);
    await expect(isSeen(() => rm(file))).resolves.toBe(true);
  });

  it('sees a change of what a link leads to, of its target, and a link to a folder', async () => {
    const link = inRoot('policies', 'linked.cedar');
    await expect(isSeen(() => symlink(inRoot('elsewhere', 'shared.txt'), link))).resolves.toBe(true);
    await expect(isSeen(() => writeFile(inRoot('elsewhere', 'shared.txt'), 'longer'))).resolves.toBe(true);
    await writeFile(inRoot('elsewhere', 'other.txt'), 'another text');
    await symlink(inRoot('elsewhere', 'other.txt'), inRoot('next'));
    await expect(isSeen(() => rename(inRoot('next'), link))).resolves.toBe(true);
    // The loader refuses it, so it must come to look.
    await expect(isSeen(() => symlink(inRoot('elsewhere'), inRoot('policies', 'folder')))).resolves.toBe(true);
  });

  it('does not look at what the loader does not read', async () => {
    await mkdir(inRoot('policies', '.versions'));
    await expect(isSeen(() => writeFile(inRoot('policies', '.versions', 'b.cedar'), 'x'))).resolves.toBe(false);
    await expect(isSeen(() => writeFile(inRoot('policies', '.hidden.cedar'), 'x'))).resolves.toBe(false);
    await expect(isSeen(() => writeFile(inRoot('policies', 'notes.txt'), 'x'))).resolves.toBe(false);
  });

  it('sees a folder go and come back', async () => {
    await expect(isSeen(() => rm(inRoot('obligations'), { recursive: true }))).resolves.toBe(true);
    await expect(isSeen(() => mkdir(inRoot('obligations')))).resolves.toBe(true);
  });

  it('sees another text of the same length under the old time', async () => {
    const file = inRoot('policies', 'mail', 'a.cedar');
    const { atime, mtime } = await stat(file);
    const change = async () => {
      await writeFile(file, 'two');
      await utimes(file, atime, mtime);
    };
    await expect(isSeen(change)).resolves.toBe(true);
  });
});
