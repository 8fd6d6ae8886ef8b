import { connect } from 'node:net';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cosign, cosignedBy, openNote, SigningKey } from '#writ/signing';
import { checkpointPath } from '#writ/witness';
import { TestWitness } from '../../../test/harness/test-witness.js';
import { TinyLog } from '../../../test/harness/tiny-log.js';
import { witnessPaths } from './directory.js';

const log = TinyLog.of();
const fork = log.forkedAt(5);

describe('a witness', () => {
  let witness: TestWitness;
  beforeEach(async () => {
    witness = await (await TestWitness.make()).start([log.vkey], { requestTimeoutMs: 400 });
  });
  afterEach(() => witness[Symbol.asyncDispose]());

  const timesIn = (note: string) => cosignedBy(note, [witness.key]).map(({ time }) => time);

  it('cosigns a checkpoint, and then every one that extends the last', async () => {
    for (const [from, to] of [
      [0, 3],
      [3, 3],
      [3, 20],
      [20, 64],
    ] as const) {
      const { status, body } = await witness.add(log.request(from, to));
      expect(status).toBe(200);
      expect(timesIn(log.note(to) + body)).toEqual([Math.floor(witness.nowMs / 1_000)]);
    }
  });

  it.each([
    // case                                     body                                          status  what it says
    ['of an older size', log.request(3, 12), 409, /^9\n$/],
    ['of a larger size than is known', log.request(12, 14), 409, /^9\n$/],
    ['of another tree of the same size', fork.request(9, 9), 409, /^9\n$/],
    ['of another tree that grew from the first leaves', fork.request(9, 12), 422, /extends/],
    ['with the proof of another size', log.request(9, 12).replace('old 9', 'old 9\n'), 400, /INPUT_INVALID/],
    ['that would make it shrink', log.request(0, 7).replace('old 0', 'old 9'), 400, /larger/],
    ['of a log that it does not know', TinyLog.of('writ.example/other', 2).request(0, 3), 404, /know/],
    ['that another key signed', `old 9\n\n${TinyLog.of(log.origin, 7).note(9)}`, 403, /no key of that log/],
    ['whose signature was stripped', `old 9\n\n${log.note(9).split('\n\n')[0]}\n\n`, 403, /no key of that log/],
    ['that is nothing', '', 400, /INPUT_INVALID/],
    ['that is not UTF-8', Buffer.from([0xff, 0xfe]), 400, /INPUT_NOT_UTF8/],
    ['of 64 KiB and a byte', 'a'.repeat(65_537), 413, /INPUT_TOO_LARGE/],
  ])('answers a request %s with its status, and cosigns nothing', async (_case, body, status, says) => {
    expect(await witness.add(log.request(0, 9))).toMatchObject({ status: 200 });
    const answer = await witness.add(body);
    expect(answer).toMatchObject({ status, body: expect.stringMatching(says) });
    if (status === 409) expect(answer.type).toBe('text/x.tlog.size');
    expect(witness.witness.logs.get(log.origin)?.last).toMatchObject(log.head(9));
  });

  it('serves requests for one log one after another: of two different futures one is cosigned', async () => {
    await witness.add(log.request(0, 9));
    const answers = await Promise.all([
      ...Array.from({ length: 6 }, () => witness.add(log.request(9, 12))),
      ...Array.from({ length: 6 }, () => witness.add(fork.request(9, 12))),
      ...Array.from({ length: 6 }, () => witness.add(log.request(9, 14))),
    ]);
    const cosigned = answers.filter(({ status }) => status === 200);
    expect(cosigned).toHaveLength(1);
    expect(answers.every(({ status }) => [200, 409, 422].includes(status))).toBe(true);
  });

  it('shows monitors the last checkpoint with the signature of its log and its own', async () => {
    const url = witness.url + checkpointPath(log.origin);
    expect((await fetch(url)).status).toBe(404);
    await witness.add(log.request(0, 9));
    const stranger = new SigningKey('stranger.example/x', Buffer.alloc(32, 7));
    await witness.add(`${log.request(9, 12)}${cosign('x\n', stranger, 5)}\n`);
    const note = await (await fetch(url)).text();
    expect(openNote(note, [...log.keys, witness.key]).signers.map(({ name }) => name)).toEqual([
      log.origin,
      'witness.example/w1',
    ]);
    expect(note.startsWith(log.note(12))).toBe(true);
    expect(note).not.toContain('stranger');
  });

  it('keeps a checkpoint that proves two histories, and says so', async () => {
    await witness.add(log.request(0, 9));
    await witness.add(fork.request(9, 9));
    await witness.add(fork.request(9, 9));
    const directory = witnessPaths(witness.state).log(log.origin);
    const kept = (await readdir(directory)).filter((name) => name.startsWith('fork-9-'));
    expect(kept).toHaveLength(1);
    expect(openNote(await readFile(join(directory, kept[0] ?? ''), 'utf8'), log.keys).text).toContain('\n9\n');
    expect(witness.told.filter(({ level }) => level === 'error')[0]).toMatchObject({
      message: expect.stringContaining('two histories'),
      fields: { origin: log.origin, size: 9, note: fork.note(9) },
    });
  });

  it('raises no alarm for what anybody can send: a bad proof beside an honest checkpoint', async () => {
    await witness.add(log.request(0, 9));
    await witness.add(fork.request(9, 12).replace(/\n\n[^]*/, `\n\n${log.note(12)}`));
    expect(witness.told.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('has the cosignature on the disk before it answers', async () => {
    const { body } = await witness.add(log.request(0, 9));
    const onDisk = await readFile(join(witnessPaths(witness.state).log(log.origin), 'checkpoint'), 'utf8');
    expect(onDisk).toBe(log.note(9) + body);
  });

  it('answers the same request in the same second with the same line, and writes nothing', async () => {
    const first = await witness.add(log.request(0, 9));
    const file = join(witnessPaths(witness.state).log(log.origin), 'checkpoint');
    const { ino } = await stat(file);
    expect(await witness.add(log.request(9, 9))).toEqual(first);
    expect((await stat(file)).ino).toBe(ino);
    witness.nowMs += 1_000;
    expect((await witness.add(log.request(9, 9))).body).not.toBe(first.body);
  });

  it('never signs an earlier time than before: a clock a little behind waits, one far behind signs nothing', async () => {
    const startedMs = witness.nowMs;
    const first = await witness.add(log.request(0, 9));
    witness.nowMs = startedMs - 30_000;
    const second = await witness.add(log.request(9, 12));
    expect(timesIn(log.note(12) + second.body)).toEqual(timesIn(log.note(9) + first.body));
    witness.nowMs = startedMs - 3_600_000;
    expect(await witness.add(log.request(12, 13))).toMatchObject({
      status: 500,
      body: 'CONFIG_INVALID: see the log\n',
    });
  });

  it('signs nothing over a state that somebody else changed under it, and goes on when it is whole again', async () => {
    await witness.add(log.request(0, 9));
    const file = join(witnessPaths(witness.state).log(log.origin), 'checkpoint');
    const old = await readFile(file, 'utf8');
    await witness.add(log.request(9, 12));
    const current = await readFile(file, 'utf8');
    await writeFile(file, old);
    expect((await witness.add(log.request(12, 14))).status).toBe(500);
    expect((await witness.add(log.request(9, 14))).status).toBe(500);
    expect((await fetch(`${witness.url}/healthz`)).status).toBe(503);
    await writeFile(file, current);
    expect((await witness.add(log.request(12, 14))).status).toBe(200);
    expect((await fetch(`${witness.url}/healthz`)).status).toBe(200);
  });

  it('says on its health page who it is', async () => {
    const response = await fetch(`${witness.url}/healthz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ ready: true, name: 'witness.example/w1', logs: 1 });
  });

  it.each([
    ['GET', '/add-checkpoint', 405],
    ['DELETE', '/healthz', 405],
    ['GET', '/', 404],
    ['GET', `${checkpointPath('writ.example/other')}`, 404],
    ['GET', `${checkpointPath(log.origin)}?x=1`, 404],
    ['GET', '/../../etc/passwd', 404],
  ])('has nothing at %s %s', async (method, path, status) => {
    expect((await fetch(witness.url + path, { method })).status).toBe(status);
  });

  it('cuts off who sends slowly, and serves others meanwhile', async () => {
    const { port } = new URL(witness.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write('POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nold 0\n');
    expect((await witness.add(log.request(0, 3))).status).toBe(200);
    socket.resume();
    await once(socket, 'close');
    expect((await witness.add(log.request(3, 4))).status).toBe(200);
  });
});
