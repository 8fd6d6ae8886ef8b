import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '#writ/faults';
import { SecretStore } from './index.js';

const FIRST = 'tok-first-4f9d1c7b2a6e';
const SECOND = 'tok-second-8053d1aa90ce';
const NOW = new Date('2026-11-23T10:00:00.000Z');
const LATER = new Date('2026-11-23T11:00:00.000Z');
const MUCH_LATER = new Date('2026-11-30T10:00:00.000Z');

interface Stored {
  secrets: Record<string, { current: { ver: number; box: string }; previous: { ver: number; box: string }[] }>;
}

describe('SecretStore', () => {
  let directory: string;
  let place: { file: string; identity: string };
  let store: SecretStore;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-secrets-'));
    place = { file: join(directory, 'secrets.json'), identity: join(directory, 'keys', 'secrets.age') };
    store = new SecretStore(place);
  });
  afterEach(() => rm(directory, { recursive: true }));

  const edit = async (change: (stored: Stored) => void) => {
    const stored = JSON.parse(await readFile(place.file, 'utf8')) as Stored;
    change(stored);
    await writeFile(place.file, JSON.stringify(stored));
  };
  const valueOf = async (name: string, now = NOW) => (await new SecretStore(place).values(name, now))?.current;

  it('gives back what was put in, to whoever opens it next, and has it on disk in no readable form', async () => {
    await store.set('slack', FIRST, NOW);
    expect(await valueOf('slack')).toBe(FIRST);
    expect(await valueOf('constructor')).toBeUndefined();
    const text = await readFile(place.file, 'latin1');
    for (const encoding of ['utf8', 'base64', 'hex'] as const)
      expect(text).not.toContain(Buffer.from(FIRST).toString(encoding).slice(0, 12));
    for (const file of [place.file, place.identity]) expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(place.identity, 'utf8')).toMatch(/^# public key: age1\w+\nAGE-SECRET-KEY-1\w+\n$/);
  });

  it('has another key after `rekey`: no value changes, and what opened it before opens it no more', async () => {
    await store.set('slack', FIRST, NOW);
    await store.rotate('slack', SECOND, { now: NOW, keepUntil: MUCH_LATER });
    await store.set('crm', FIRST, NOW);
    const listed = await store.list(NOW);
    const [before, oldIdentity] = [await readFile(place.file, 'utf8'), await readFile(place.identity, 'utf8')];
    const keptIn = join(directory, 'kept.age');
    const { count, recipient } = await store.rekey(NOW, keptIn);
    expect(count).toBe(2);
    // The process that rekeyed, and any other, read all values as they were.
    await expect(store.values('slack', NOW)).resolves.toEqual({ current: SECOND, previous: [FIRST] });
    expect(await valueOf('crm')).toBe(FIRST);
    expect(await store.list(NOW)).toEqual(listed);
    expect((await store.unrecorded()).at(-1)).toEqual({
      type: 'credential.rekeyed',
      count: 3,
      old: /age1\w+/.exec(oldIdentity)?.[0],
      new: recipient,
    });
    // Not one sealed value is what it was, and the old identity opens none.
    const after = await readFile(place.file, 'utf8');
    const boxes = (text: string) => [...text.matchAll(/"box": "([^"]+)"/g)].map(([, box]) => box);
    expect(boxes(after).filter((box) => boxes(before).includes(box))).toEqual([]);
    const withOld = new SecretStore({ file: place.file, identity: keptIn });
    await expect(withOld.values('crm', NOW)).rejects.toMatchObject({ code: 'CONFIG_KEY' });
    // The old one is kept where the operator said, for backups, and nowhere else.
    expect(await readFile(keptIn, 'utf8')).toBe(oldIdentity);
    expect((await stat(keptIn)).mode & 0o777).toBe(0o600);
    expect(await readFile(place.identity, 'utf8')).toMatch(/^# public key: age1\w+\nAGE-SECRET-KEY-1\w+\n$/);
  });

  it('is not rekeyed over a file that may hold another key, nor when there is none', async () => {
    await expect(store.rekey(NOW)).rejects.toMatchObject({ code: 'CONFIG_NOT_FOUND' });
    await store.set('slack', FIRST, NOW);
    await expect(store.rekey(NOW, place.identity)).rejects.toMatchObject({ code: 'CONFIG_NAME_TAKEN' });
    expect(await valueOf('slack')).toBe(FIRST);
  });

  it('does not open a value that was moved under another name or another version', async () => {
    await store.set('slack', FIRST, NOW);
    await store.set('crm', SECOND, NOW);
    await edit(({ secrets: { slack, crm } }) => {
      if (slack && crm) [slack.current, crm.current] = [crm.current, slack.current];
    });
    await expect(valueOf('slack')).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR_CORRUPT' });
    await edit(({ secrets: { slack, crm } }) => {
      if (slack && crm) [slack.current, crm.current] = [{ ...crm.current, ver: 7 }, slack.current];
    });
    await expect(valueOf('slack')).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR_CORRUPT' });
    expect(await valueOf('crm')).toBe(SECOND);
  });

  it('opens with its own age identity alone, which it makes once and never again', async () => {
    await store.set('slack', FIRST, NOW);
    const identity = await readFile(place.identity, 'utf8');
    await new SecretStore({ ...place, file: join(directory, 'other.json') }).set('slack', FIRST, NOW);
    expect(await readFile(place.identity, 'utf8')).toBe(identity);
    await rm(place.identity);
    await expect(valueOf('slack')).rejects.toMatchObject({ code: 'CONFIG_KEY' });
    await expect(new SecretStore(place).set('crm', SECOND, NOW)).rejects.toMatchObject({ code: 'CONFIG_KEY' });
    const other = { file: join(directory, 'third.json'), identity: join(directory, 'keys', 'third.age') };
    await new SecretStore(other).set('slack', FIRST, NOW);
    await writeFile(place.identity, await readFile(other.identity), { mode: 0o600 });
    await expect(valueOf('slack')).rejects.toMatchObject({ code: 'CONFIG_KEY' });
    await writeFile(place.identity, 'no identity\n');
    await expect(valueOf('slack')).rejects.toMatchObject({ code: 'CONFIG_KEY' });
    await writeFile(place.identity, identity);
    expect(await valueOf('slack')).toBe(FIRST);
  });

  it('refuses an identity that others can read', async () => {
    await store.set('slack', FIRST, NOW);
    await chmod(place.identity, 0o640);
    await expect(valueOf('slack')).rejects.toMatchObject({ code: 'CONFIG_KEY' });
  });

  it('keeps the value before a rotation for scrubbing until its time is over', async () => {
    await store.set('slack', FIRST, NOW);
    await store.rotate('slack', SECOND, { now: NOW, keepUntil: LATER });
    expect(await store.values('slack', NOW)).toEqual({ current: SECOND, previous: [FIRST] });
    expect(await store.list(NOW)).toEqual([
      {
        name: 'slack',
        version: 2,
        since: NOW.toISOString(),
        previous: [{ version: 1, until: LATER.toISOString() }],
      },
    ]);
    expect(await store.values('slack', MUCH_LATER)).toEqual({ current: SECOND, previous: [] });
    await store.set('crm', FIRST, MUCH_LATER);
    const { secrets } = JSON.parse(await readFile(place.file, 'utf8')) as Stored;
    expect(secrets['slack']?.previous).toEqual([]);
  });

  it('forgets earlier values when it is told to, and at once when a rotation keeps none', async () => {
    await store.set('slack', FIRST, NOW);
    await store.rotate('slack', SECOND, { now: NOW, keepUntil: MUCH_LATER });
    await store.dropPrevious('slack', NOW);
    expect(await store.values('slack', NOW)).toEqual({ current: SECOND, previous: [] });
    await store.rotate('slack', FIRST, { now: NOW, keepUntil: NOW });
    expect(await store.values('slack', NOW)).toEqual({ current: FIRST, previous: [] });
  });

  it('has every change for the ledger until it is noted there, and gives no version twice', async () => {
    await store.set('slack', FIRST, NOW);
    await store.rotate('slack', SECOND, { now: NOW, keepUntil: LATER });
    await store.dropPrevious('slack', NOW);
    await store.remove('slack', NOW);
    await store.set('slack', FIRST, NOW);
    const changes = await store.unrecorded();
    expect(changes).toEqual([
      { type: 'credential.set', secret: 'slack', ver: 1 },
      { type: 'credential.rotated', secret: 'slack', ver: 2, kept: 1, until: LATER.toISOString() },
      { type: 'credential.rotated', secret: 'slack', ver: 2, kept: 0 },
      { type: 'credential.removed', secret: 'slack', ver: 2 },
      { type: 'credential.set', secret: 'slack', ver: 3 },
    ]);
    await store.markRecorded(changes.slice(0, 4), NOW);
    expect(await store.unrecorded()).toEqual(changes.slice(4));
  });

  it('takes the changes of several writers at once, each whole', async () => {
    const names = Array.from({ length: 6 }, (_, i) => `secret-${i}`);
    await Promise.all(names.map((name) => new SecretStore(place).set(name, `${FIRST}-${name}`, NOW)));
    expect((await store.list(NOW)).map(({ name }) => name)).toEqual(names);
    expect(new Set((await store.list(NOW)).map(({ version }) => version)).size).toBe(6);
    for (const name of names) expect(await valueOf(name)).toBe(`${FIRST}-${name}`);
  });

  it.each<[string, string, (made: SecretStore) => Promise<void>]>([
    ['a name that is taken', 'CONFIG_NAME_TAKEN', (made) => made.set('slack', SECOND, NOW)],
    ['a name that cannot be one', 'INPUT_BAD_NAME', (made) => made.set('__proto__', SECOND, NOW)],
    ['too short a value', 'INPUT_INVALID', (made) => made.set('crm', 'short', NOW)],
    ['too long a value', 'INPUT_INVALID', (made) => made.set('crm', 'x'.repeat(8_193), NOW)],
    ['a value with control characters', 'INPUT_INVALID', (made) => made.set('crm', `${FIRST}\u0000`, NOW)],
    ['the removal of nothing', 'CONFIG_NOT_FOUND', (made) => made.remove('crm', NOW)],
    ['the rotation of nothing', 'CONFIG_NOT_FOUND', (made) => made.rotate('crm', SECOND, { now: NOW, keepUntil: NOW })],
  ])('refuses %s, and changes nothing', async (_case, code, change) => {
    await store.set('slack', FIRST, NOW);
    const before = await readFile(place.file, 'utf8');
    await expect(change(store)).rejects.toMatchObject({ code });
    expect(await readFile(place.file, 'utf8')).toBe(before);
  });

  it('refuses a damaged file and quotes nothing of it', async () => {
    await writeFile(place.file, `{"v":1,"kek":"${FIRST}"`);
    const fault: unknown = await store.list(NOW).catch((thrown: unknown) => thrown);
    expect(fault).toMatchObject({ code: 'CONFIG_DATA_DIR_CORRUPT' });
    expect(fault instanceof Fault ? fault.cause : 'no fault').toBeUndefined();
  });
});
