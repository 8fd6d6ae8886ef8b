import { readCatalogue } from '#writ/catalogue';
import type { EntryBody } from '#writ/contracts';
import { openCachedBundle } from '#writ/policy-loader';
import { Authority, generateSigningKey, signManifest, trustedKey } from '#writ/signing';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { TestShard } from './deciding-shard.fixture.js';
import { openRules, type WatchedRules } from './open-rules.js';

const LEDGER = 'test/default/0';
const [key, operator] = [generateSigningKey('pdp-1'), generateSigningKey('operator')];
const authority = new Authority({
  v: 1,
  ledger: LEDGER,
  keys: [trustedKey(operator.verifyKey, 'operator', 'operator', ['operator'])],
});
const permit = (...ids: readonly string[]) =>
  ids.map((id) => `@id("${id}")\npermit (principal == Agent::"${id}", action, resource);\n`).join('');

/** A folder of policies with its data directory, and the services that read it, each with one shard. */
class Folder implements AsyncDisposable {
  readonly #open: WatchedRules[] = [];

  private constructor(readonly root: string) {}

  static async create(): Promise<Folder> {
    const folder = new Folder(await mkdtemp(join(tmpdir(), 'writ-life-')));
    await mkdir(folder.at('policies'));
    await mkdir(folder.at('data'));
    await writeFile(folder.at('data', 'agents.json'), JSON.stringify({ v: 1, url: '', agents: {}, removed: [] }));
    await folder.write(permit('a', 'b'));
    return folder;
  }

  at(...names: readonly string[]): string {
    return join(this.root, ...names);
  }

  write(text: string): Promise<void> {
    return writeFile(this.at('policies', 'a.cedar'), text);
  }

  /** A service that reads the folder and owns the shard, as after a start or a takeover. */
  async own(shard = new TestShard(), policyActivation = 'files') {
    const yaml = `version: 1\nledger: ${LEDGER}\npolicies: policies\npolicyActivation: ${policyActivation}\n`;
    const catalogue = readCatalogue(yaml, { file: 'writ.yaml', baseDirectory: this.root, environment: {} });
    const settings = { WRIT_DATA: this.at('data') } as Parameters<typeof openRules>[0]['settings'];
    const log = pino({ level: 'silent' });
    const rules = await openRules({ catalogue, settings, log, key: () => key, authority: () => authority }, () => [
      shard,
    ]);
    this.#open.push(rules);
    await rules.activateOn(shard);
    rules.watch();
    return { rules, shard };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const rules of this.#open) rules.close();
    await rm(this.root, { recursive: true, force: true });
  }
}

/** Resolves with the entry of that type, when it is recorded. */
async function entry<T extends EntryBody['type']>(shard: TestShard, type: T, count = 1) {
  for (;;) {
    const found = shard.recorded.filter((body): body is Extract<EntryBody, { type: T }> => body.type === type);
    if (found.length >= count) return found[count - 1];
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('the policies after a restart and a takeover', () => {
  it('are on record with what differs from those that the chain names', async () => {
    await using folder = await Folder.create();
    const first = await folder.own();
    first.rules.close();
    await folder.write(permit('b', 'c').replace('action, resource);', 'action == Action::"call", resource);'));
    const { shard } = await folder.own(first.shard.takenOver());
    expect(shard.recorded).toMatchObject([{ diff: { added: ['c'], removed: ['a'], changed: ['b'], n: 3 } }]);
  });

  it('are on record without a difference when what is kept of the old ones was changed', async () => {
    await using folder = await Folder.create();
    const { rules, shard: before } = await folder.own();
    rules.close();
    const cache = folder.at('data', 'cache', 'policies');
    const old = before.epoch?.hash ?? '';
    await expect(openCachedBundle(cache, old)).resolves.toBeDefined();
    for (const name of await readdir(cache)) {
      const text = await readFile(join(cache, name), 'utf8');
      await writeFile(join(cache, name), text.replaceAll('Agent::\\"a\\"', 'Agent::\\"x\\"'));
    }
    await folder.write(permit('b'));
    const { shard } = await folder.own(before.takenOver());
    expect(shard.recorded).toMatchObject([{ type: 'policy.changed', bundle: { old } }]);
    expect(shard.recorded[0]).not.toHaveProperty('diff');
  });
});

describe('a folder of policies', () => {
  const policies = (folder: Folder, ...names: readonly string[]) => folder.at('policies', ...names);

  it.each<[string, string, string, (folder: Folder) => Promise<unknown> | void]>([
    [
      'vanishes',
      'CONFIG_NOT_FOUND',
      'cannot be read',
      (folder) => rename(folder.at('policies'), folder.at('elsewhere')),
    ],
    [
      'becomes a link that leads back to itself',
      'CONFIG_NOT_FOUND',
      'cannot be read',
      async (folder) => {
        await rename(folder.at('policies'), folder.at('elsewhere'));
        await symlink('policies', folder.at('policies'));
      },
    ],
    [
      'has a pipe that nobody writes to',
      'POLICY_PARSE',
      'no regular file',
      (folder) => void execFileSync('mkfifo', [policies(folder, 'pipe.cedar')]),
    ],
    [
      'has a file of 1 GB',
      'POLICY_PARSE',
      'the limit is 4194304',
      async (folder) => {
        await writeFile(policies(folder, 'large.cedar'), '');
        await truncate(policies(folder, 'large.cedar'), 2 ** 30);
      },
    ],
    [
      'has more than 10,000 files',
      'POLICY_PARSE',
      'more than 10000 policy files',
      (folder) => {
        for (let n = 0; n <= 10_000; n++) closeSync(openSync(policies(folder, `${n}.cedar`), 'w'));
      },
    ],
  ])(
    'that %s is refused with a code, and the last good set stays in force',
    async (_what, code, problem, change) => {
      await using folder = await Folder.create();
      const { rules, shard } = await folder.own();
      const kept = shard.rules?.policies;
      await change(folder);
      const rejected = await entry(shard, 'policy.rejected');
      expect(rejected).toMatchObject({ why: { code }, kept: kept?.hash });
      expect(rules.refused).toMatchObject({ code, problem: expect.stringContaining(problem) });
      expect(shard.rules?.policies.sources).toEqual(kept?.sources);
      await rm(folder.at('policies'), { recursive: true, force: true });
      await mkdir(folder.at('policies'));
      await folder.write(permit('c'));
      expect(await entry(shard, 'policy.changed', 2)).toMatchObject({ diff: { added: ['c'] } });
      expect(rules.refused).toBeUndefined();
    },
    120_000,
  );

  it('whose manifest is a pipe or too large is refused, and taken when it is one', async () => {
    await using folder = await Folder.create();
    const manifest = policies(folder, 'manifest.json');
    const publish = async (version: number, hash: string) => {
      const at = new Date().toISOString();
      const signed = signManifest({ v: 1, ledger: LEDGER, version, hash, author: 'alice', at }, operator);
      await writeFile(`${manifest}.draft`, JSON.stringify(signed));
      await rename(`${manifest}.draft`, manifest);
    };
    const probe = await folder.own();
    probe.rules.close();
    const { hash } = probe.rules.newest.policies;
    await publish(1, hash);
    const { rules, shard } = await folder.own(new TestShard(), 'manifest');
    await rm(manifest);
    execFileSync('mkfifo', [manifest]);
    expect(await entry(shard, 'policy.rejected')).toMatchObject({ why: { code: 'POLICY_UNSIGNED' }, kept: hash });
    expect(rules.refused?.problem).toContain('no regular file');
    await rm(manifest);
    await writeFile(manifest, ' '.repeat(65_537));
    await entry(shard, 'policy.rejected', 2);
    expect(rules.refused?.problem).toContain('the limit is 65536');
    await publish(2, hash);
    expect(await entry(shard, 'policy.changed', 2)).toMatchObject({ man: { ver: 2, author: 'alice' } });
  }, 120_000);
});
