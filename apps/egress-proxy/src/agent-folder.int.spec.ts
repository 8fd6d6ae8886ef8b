import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { proxyToken } from '#writ/agent-sdk';
import { agentUri } from '#writ/local-ca';
import { createUserNkey } from '#writ/nats';
import { AgentFolder } from './agent-folder.js';

const KEYS = new Map(['A', 'B', 'C', 'D'].map((letter) => [letter, createUserNkey()]));
const keyOf = (letter: string) => KEYS.get(letter) ?? createUserNkey();

const profileOf = (name: string, letter: string) => ({
  url: 'nats://127.0.0.1:1',
  name,
  inboxPrefix: `_INBOX.${name}`,
  seed: keyOf(letter).seed,
});

describe('the agents of a folder', () => {
  let directory: string;
  let gone: string[];
  let folder: AgentFolder;
  const put = (file: string, text: string) => writeFile(join(directory, file), text);
  const profile = (name: string, letter = 'A') => put(`${name}.json`, JSON.stringify(profileOf(name, letter)));
  const byToken = (name: string, letter = 'A', said: string | undefined = name) =>
    folder.byClaim({ agent: said, token: proxyToken(profileOf(name, letter)) })?.name;
  const byCertificate = (name: string, letter: string, tenant = 'default') =>
    folder.byCertificate(`URI:${agentUri({ tenant, name, key: keyOf(letter).publicKey })}`)?.name;
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-agents-'));
    gone = [];
    const log = { info: () => undefined, warn: () => undefined };
    folder = new AgentFolder({ directory, tenant: 'default', onGone: (name) => gone.push(name), log });
  });
  afterEach(async () => {
    await folder.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('are known by their own token, with their name or without one, and by no other', async () => {
    await Promise.all([profile('alice', 'A'), profile('bob', 'B')]);
    await folder.open();
    expect([byToken('alice'), byToken('bob', 'B')]).toEqual(['alice', 'bob']);
    expect(folder.byClaim({ agent: undefined, token: proxyToken(profileOf('bob', 'B')) })?.name).toBe('bob');
    expect(byToken('alice', 'A', 'bob')).toBeUndefined();
    expect(byToken('alice', 'C')).toBeUndefined();
  });

  it('are known by a certificate that says their name, their key and this tenant, and by no other', async () => {
    await Promise.all([profile('alice', 'A'), profile('bob', 'B')]);
    await folder.open();
    expect([byCertificate('alice', 'A'), byCertificate('bob', 'B')]).toEqual(['alice', 'bob']);
    expect([byCertificate('alice', 'B'), byCertificate('alice', 'A', 'other'), byCertificate('carol', 'A')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const uri = `URI:${agentUri({ tenant: 'default', name: 'alice', key: keyOf('A').publicKey })}`;
    expect(folder.byCertificate(`${uri}, DNS:alice`)).toBeUndefined();
  });

  it('have a token each, also if two had one key', () => {
    expect(proxyToken(profileOf('alice', 'A'))).not.toBe(proxyToken(profileOf('bob', 'A')));
    expect(proxyToken(profileOf('alice', 'A'))).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('are those of profiles that can be read, under their own names', async () => {
    await Promise.all([
      profile('alice'),
      put('bob.json', '{'),
      put('carol.json', JSON.stringify(profileOf('alice', 'A'))),
    ]);
    await put('Not-An-Agent.json', JSON.stringify(profileOf('alice', 'A')));
    await folder.open();
    expect(['alice', 'bob', 'carol', 'Not-An-Agent'].filter((name) => folder.byName(name))).toEqual(['alice']);
  });

  it('are others as soon as their files are: by a new key, by being removed, by being damaged', async () => {
    await Promise.all([profile('alice', 'A'), profile('bob', 'B'), profile('carol', 'C')]);
    await folder.open();
    await Promise.all([profile('alice', 'D'), rm(join(directory, 'bob.json')), put('carol.json', 'no profile')]);
    await until(() => gone.length === 3);
    await until(() => byToken('alice', 'D') === 'alice');
    expect([byToken('alice', 'A'), byToken('bob', 'B'), byToken('carol', 'C')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([byCertificate('alice', 'A'), byCertificate('alice', 'D'), byCertificate('bob', 'B')]).toEqual([
      undefined,
      'alice',
      undefined,
    ]);
    expect(gone.toSorted()).toEqual(['alice', 'bob', 'carol']);
  });
});
