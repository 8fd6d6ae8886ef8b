import { spawnSync } from 'node:child_process';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatVkey } from '#writ/signing';
import { decidedBody, LedgerBuilder, makeDeployment } from '../harness/ledger-builder.js';
import { buildLog, type LogFiles } from '../harness/log-builder.js';

const SCRIPT = fileURLToPath(new URL('../../docs/verify_log.py', import.meta.url));
const hasPython = spawnSync('python3', ['-c', 'import cryptography']).status === 0;
const title = `a log directory, checked by Python${hasPython ? '' : ' (skipped: no python3 with `cryptography`)'}`;

(hasPython ? describe : describe.skip)(title, () => {
  const { logKey } = makeDeployment();
  let home: string;
  let files: LogFiles;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'writ-python-'));
    const builder = new LedgerBuilder();
    for (let n = 0; n < 20; n++) {
      const entries = Array.from({ length: 30 }, () => builder.entry('pdp-0', decidedBody('tool.call', 'c', 'deny')));
      builder.block('pdp-0', entries);
    }
    files = await buildLog(builder.messages);
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  async function check(changed: LogFiles) {
    for (const [path, bytes] of changed) {
      await mkdir(dirname(join(home, path)), { recursive: true });
      await writeFile(join(home, path), bytes);
    }
    const vkey = formatVkey({ name: logKey.name, key: logKey.verifyKey });
    return spawnSync('python3', [SCRIPT, home, vkey], { encoding: 'utf8' });
  }

  it('has the root that its head says', async () => {
    const { stdout, stderr } = await check(files);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^600 entries, root /);
  });

  it('has not when one byte of an entry is changed', async () => {
    const bundle = Buffer.from(files.get('tile/entries/001') ?? Buffer.alloc(0));
    bundle[500] = (bundle[500] ?? 0) ^ 1;
    const { status, stderr } = await check(new Map([...files, ['tile/entries/001', bundle]]));
    expect(status).toBe(1);
    expect(stderr).toContain('the entries are not those of the signed head');
  });
});
