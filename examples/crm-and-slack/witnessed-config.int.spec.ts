import { loadCatalogue } from '#writ/catalogue';
import { formatVkey, SigningKey, witnessKeyOf } from '#writ/signing';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exampleFolder } from './package-root.js';
import { addWitness, copyConfig } from './witnessed-config.js';

const NAME = 'witness.example/w1';
const VKEY = formatVkey(witnessKeyOf(new SigningKey(NAME, Buffer.alloc(32, 1))));

describe('the configuration that the demonstration runs', () => {
  let scratch: string;
  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-config-'));
  });
  afterEach(() => rm(scratch, { recursive: true, force: true }));

  it('is that of the example with a witness, and its policies are the same files', async () => {
    const file = await copyConfig(exampleFolder(), scratch);
    await addWitness(file, { name: NAME, vkey: VKEY, url: 'http://127.0.0.1:4300' });
    const { config } = await loadCatalogue(file, {});
    expect(config.witnesses).toEqual([{ name: NAME, vkey: VKEY, url: 'http://127.0.0.1:4300' }]);
    expect(config.witnessQuorum).toBe(1);
    const example = await loadCatalogue(join(exampleFolder(), 'writ.yaml'), {});
    expect({ ...config, witnesses: [], witnessQuorum: undefined }).toEqual({
      ...example.config,
      witnessQuorum: undefined,
    });
    for (const name of await readdir(join(exampleFolder(), 'policies'))) {
      const texts = [exampleFolder(), scratch].map((folder) => readFile(join(folder, 'policies', name), 'utf8'));
      const [original, copy] = await Promise.all(texts);
      expect(copy).toBe(original);
    }
  });
});
