import { appendFile, chmod, copyFile, cp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '#writ/faults';
import { SigningKey, signNote } from '#writ/signing';
import { TestWitness } from '../../../test/harness/test-witness.js';
import { TinyLog } from '../../../test/harness/tiny-log.js';
import { initWitness, witnessPaths } from './directory.js';
import { openWitness } from './open-witness.js';

const log = TinyLog.of();
const other = TinyLog.of('writ.example/other', 2);

describe('the memory of a witness', () => {
  let witness: TestWitness;
  let directory: string;
  let checkpoint: string;
  let journal: string;
  beforeEach(async () => {
    witness = await TestWitness.make();
    directory = witnessPaths(witness.state).log(log.origin);
    checkpoint = join(directory, 'checkpoint');
    journal = join(directory, 'journal');
  });
  afterEach(() => witness[Symbol.asyncDispose]());

  const open = (...logs: readonly string[]) => openWitness({ state: witness.state, keyFile: undefined, logs });
  const faultOf = (promise: Promise<{ close(): Promise<void> } | { vkey: string }>) =>
    promise.then(
      async (opened) => ('close' in opened ? opened.close().then(() => 'nothing') : 'nothing'),
      (error: unknown) => (error instanceof Fault ? error.code : String(error)),
    );
  /** Cosigns these sizes and stops. */
  const cosignAll = async (...sizes: readonly number[]) => {
    await witness.start([log.vkey]);
    for (const size of sizes) {
      const { size: last = 0 } = witness.witness.logs.get(log.origin)?.last ?? {};
      expect((await witness.add(log.request(last, size))).status).toBe(200);
    }
    await witness.stop();
  };

  it('is what it was after a restart', async () => {
    await cosignAll(3, 9);
    await witness.start([log.vkey]);
    expect(witness.witness.begun).toEqual([]);
    expect((await witness.add(log.request(0, 12))).body).toBe('9\n');
    expect((await witness.add(log.request(9, 12))).status).toBe(200);
    expect((await readFile(journal, 'utf8')).split('\n').map((line) => line.split(' ')[0])).toEqual([
      'writ-witness-journal/v1',
      '3',
      '9',
      '12',
      '',
    ]);
  });

  it('takes another log later on, and says that it begins from nothing', async () => {
    await cosignAll(3);
    await witness.start([log.vkey, other.vkey]);
    expect(witness.witness.begun).toEqual([other.origin]);
    expect((await witness.add(other.request(0, 5))).status).toBe(200);
    expect((await witness.add(log.request(3, 5))).status).toBe(200);
  });

  it('is kept of a log that is not named for a while', async () => {
    await cosignAll(3, 9);
    await (await open(other.vkey)).close();
    await witness.start([log.vkey]);
    expect((await witness.add(log.request(0, 12))).body).toBe('9\n');
  });

  it('takes two keys of one log: an overlap while the log changes its key', async () => {
    const later = TinyLog.of(log.origin, 5);
    await cosignAll(3);
    await witness.start([log.vkey, later.vkey]);
    expect((await witness.add(log.request(3, 5))).status).toBe(200);
    const signedByLater = log.request(5, 9).replace(/\n\n[^]*/, `\n\n${signedBy(later.key, 9)}`);
    expect((await witness.add(signedByLater)).status).toBe(200);
    await witness.stop();
    await witness.start([later.vkey]);
    expect((await witness.add(log.request(9, 12))).status).toBe(403);
  });

  it.each<[string, () => Promise<void>]>([
    ['the checkpoint is missing', () => rm(checkpoint)],
    ['the journal is missing', () => rm(journal)],
    ['both are missing', () => rm(directory, { recursive: true })],
    ['the checkpoint is empty', () => truncate(checkpoint)],
    ['the checkpoint is cut', () => truncate(checkpoint, 100)],
    ['a byte of the checkpoint is another', () => flip(checkpoint, 40)],
    ['a byte of the cosignature is another', async () => flip(checkpoint, (await readFile(checkpoint)).length - 9)],
    ['the journal is empty', () => truncate(journal)],
    ['a line of the journal is damaged', async () => replaceIn(journal, /\n3 /, '\n3x ')],
    ['a line of the journal was put in between', async () => replaceIn(journal, /\n3 /, '\n30 ')],
    ['the journal has another root', async () => replaceIn(journal, /\n9 ..../, '\n9 AAAA')],
    ['the checkpoint is that of another log', async () => copyFile(await checkpointOfOther(), checkpoint)],
    ['the checkpoint is one that this witness did not cosign', () => writeFile(checkpoint, log.note(12))],
    ['the registry is missing a log that has state', () => replaceIn(registry(), log.origin, 'writ.example/gone')],
    ['the registry is damaged', () => truncate(registry(), 20)],
  ])('is refused when %s: the witness does not start, and never from nothing', async (_case, damage) => {
    await cosignAll(3, 9);
    await damage();
    expect(await faultOf(open(log.vkey))).toBe('CONFIG_DATA_DIR_CORRUPT');
    // The lock is not left behind, and a second start is no way around it.
    expect(await faultOf(open(log.vkey))).toBe('CONFIG_DATA_DIR_CORRUPT');
  });

  it('is refused when the checkpoint is an old one: a rollback of the state file', async () => {
    await cosignAll(3);
    await copyFile(checkpoint, `${witness.state}/kept`);
    await cosignAll(9);
    await rename(`${witness.state}/kept`, checkpoint);
    await expect(open(log.vkey)).rejects.toThrow('has size 3, and its journal ends at 9: it is an old one');
  });

  it('goes on when the process died after the checkpoint and before the journal', async () => {
    await cosignAll(3);
    const before = await readFile(journal, 'utf8');
    await cosignAll(9);
    await writeFile(journal, before);
    await witness.start([log.vkey]);
    expect((await witness.add(log.request(0, 9))).body).toBe('9\n');
    expect(await readFile(journal, 'utf8')).toMatch(/\n9 \S+ \d+\n$/);
  });

  it('goes on when the last line of the journal was cut short', async () => {
    await cosignAll(3, 9);
    const whole = await readFile(journal, 'utf8');
    for (const cut of [1, 10, 50]) {
      await writeFile(journal, whole.slice(0, -cut));
      await (await open(log.vkey)).close();
      expect(await readFile(journal, 'utf8')).toBe(whole);
    }
    await appendFile(journal, '12 AAAA');
    await (await open(log.vkey)).close();
    expect(await readFile(journal, 'utf8')).toBe(whole);
  });

  it('goes on when the very first start died halfway', async () => {
    await cosignAll();
    await replaceIn(registry(), `"${log.origin}"`, '');
    await witness.start([log.vkey]);
    expect(witness.witness.begun).toEqual([log.origin]);
    expect((await witness.add(log.request(0, 9))).status).toBe(200);
  });

  it('is that of one key and of one process', async () => {
    await cosignAll(3);
    await witness.start([log.vkey]);
    expect(await faultOf(open(log.vkey))).toBe('CONFIG_DATA_DIR_LOCKED');
    await witness.stop();
    const stranger = join(witness.state, 'stranger.key');
    await writeFile(stranger, new SigningKey('witness.example/w1', Buffer.alloc(32, 9)).toFileText(), { mode: 0o600 });
    const options = { state: witness.state, keyFile: stranger, logs: [log.vkey] };
    expect(await faultOf(openWitness(options))).toBe('CONFIG_KEY');
  });

  it.each<[string, string, () => Promise<void>]>([
    ['a key that others may read', 'CONFIG_KEY', () => chmod(join(witness.state, 'witness.key'), 0o644)],
    ['a damaged key', 'CONFIG_KEY', () => truncate(join(witness.state, 'witness.key'), 30)],
    ['no key', 'CONFIG_KEY', () => rm(join(witness.state, 'witness.key'))],
    ['no witness', 'CONFIG_DATA_DIR', () => rm(registry())],
  ])('is not opened with %s', async (_case, code, damage) => {
    await damage();
    expect(await faultOf(open(log.vkey))).toBe(code);
  });

  it.each([
    ['no log', [], 'CONFIG_INVALID'],
    ['a log twice', [log.vkey, log.vkey], 'CONFIG_INVALID'],
    ['a vkey that is none', ['x'], 'CONFIG_KEY'],
    [
      'the vkey of a witness',
      ['witness.example/w1+df1c0a35+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU'],
      'CONFIG_KEY',
    ],
  ])('is not opened for %s', async (_case, logs, code) => {
    expect(await faultOf(open(...logs))).toBe(code);
  });

  it('is made in an empty directory alone, for a name that can be one', async () => {
    expect(await faultOf(initWitness(witness.state, 'witness.example/w2'))).toBe('CONFIG_DATA_DIR');
    expect(await faultOf(initWitness(join(witness.state, 'new'), 'two words'))).toBe('CONFIG_KEY');
  });

  // What cannot be seen from inside: everything was put back together. The log sees it, because it remembers.
  it('put back as a whole cosigns its old size again: that is why it is never restored from a backup', async () => {
    await cosignAll(3);
    await cp(witness.state, `${witness.state}.kept`, { recursive: true });
    await cosignAll(9);
    await rm(witness.state, { recursive: true });
    await rename(`${witness.state}.kept`, witness.state);
    await witness.start([log.vkey]);
    expect((await witness.add(log.request(9, 12))).body).toBe('3\n');
  });

  const registry = () => witnessPaths(witness.state).witnessFile;
  const signedBy = (key: SigningKey, size: number) => {
    const text = `${log.note(size).split('\n\n')[0]}\n`;
    return signNote(text, [key]);
  };
  const checkpointOfOther = async () => {
    await witness.start([other.vkey]);
    await witness.add(other.request(0, 9));
    await witness.stop();
    return join(witnessPaths(witness.state).log(other.origin), 'checkpoint');
  };
});

async function flip(file: string, at: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

async function replaceIn(file: string, what: string | RegExp, by: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  expect(text).toMatch(what);
  await writeFile(file, text.replace(what, by));
}
