import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPolicyFolders } from './policy-folders.js';

describe('readPolicyFolders', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-folders-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const read = async (yaml: string, environment = {}) => {
    await writeFile(join(directory, 'writ.yaml'), yaml);
    return readPolicyFolders(join(directory, 'writ.yaml'), environment);
  };

  it('says where the configuration has its policies, and takes none of the variables that the rest needs', async () => {
    const yaml = 'ledger: a/b\npolicies: rules/${STAGE}\nobligations: /etc/duties\ncredentials: { k: "${SECRET}" }\n';
    await expect(read(yaml, { STAGE: 'live' })).resolves.toEqual({
      policies: join(directory, 'rules', 'live'),
      obligations: '/etc/duties',
    });
  });

  it('takes the folder beside the configuration when it names none', async () => {
    await expect(read('ledger: a/b\n')).resolves.toEqual({ policies: join(directory, 'policies') });
  });

  it('refuses what is no configuration', async () => {
    await expect(read('policies: [1]\n')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(readPolicyFolders(join(directory, 'none.yaml'), {})).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
