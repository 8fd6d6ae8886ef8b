import { generateSigningKey } from '#writ/signing';
import { signCheckpoint } from '#writ/tlog';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rememberedHead, rootVkey } from './ledger-commands.js';

const VKEY = 'a.example/default/0/root+0a1b2c3d+AR8+abc/def=';

describe('what a verifier remembers', () => {
  let scratch: string;
  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-head-'));
  });
  afterEach(() => rm(scratch, { recursive: true, force: true }));

  it('is a root key as it was typed, or from a file', async () => {
    const file = join(scratch, 'root.vkey');
    await writeFile(file, `${VKEY}\n`);
    await expect(rootVkey(VKEY)).resolves.toBe(VKEY);
    await expect(rootVkey(file)).resolves.toBe(VKEY);
    await expect(rootVkey(join(scratch, 'none'))).rejects.toMatchObject({ code: 'CONFIG_NOT_FOUND' });
  });

  it('is the head of an earlier checkpoint', async () => {
    const file = join(scratch, 'checkpoint');
    const head = { origin: 'a.example/default/0', size: 7, root: Buffer.alloc(32, 1).toString('base64url') };
    await writeFile(file, signCheckpoint(head, generateSigningKey(head.origin)));
    await expect(rememberedHead(file)).resolves.toMatchObject({ size: 7, root: head.root });
  });

  it('is not a file that holds something else', async () => {
    const file = join(scratch, 'other');
    await writeFile(file, 'hello\n');
    await expect(rememberedHead(file)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
