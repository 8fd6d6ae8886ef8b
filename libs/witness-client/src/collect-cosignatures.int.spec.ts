import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { cosign, SigningKey, signNote, witnessKeyOf } from '#writ/signing';
import { checkpointPath, SIZE_MEDIA_TYPE } from '#writ/witness';
import { TestWitness } from '../../../test/harness/test-witness.js';
import { TinyLog } from '../../../test/harness/tiny-log.js';
import type { WitnessAddress } from './ask-witness.js';
import { collectCosignatures, type CollectOptions } from './collect-cosignatures.js';
import { lastCosigned } from './last-cosigned.js';

const log = TinyLog.of();
const fork = log.forkedAt(5);
const liar = new SigningKey('witness.example/liar', Buffer.alloc(32, 8));
const nowSeconds = () => Math.floor(Date.now() / 1_000);

const collect = (
  size: number,
  witnesses: readonly WitnessAddress[],
  options: Partial<CollectOptions> = {},
  from = log,
) =>
  collectCosignatures({
    note: from.note(size),
    logKeys: from.keys,
    witnesses,
    knownSizes: new Map(),
    proof: async (oldSize) => from.proof(oldSize, size),
    timeoutMs: 2_000,
    ...options,
  });

describe('a log', () => {
  const witnesses: TestWitness[] = [];
  const start = async (name: string) => {
    const witness = await (await TestWitness.make(name)).start([log.vkey]);
    witnesses.push(witness);
    return witness;
  };
  afterEach(async () => {
    for (const witness of witnesses.splice(0)) await witness[Symbol.asyncDispose]();
  });

  it('gets the cosignatures of all its witnesses, whatever each of them has seen last', async () => {
    const [w1, w2, w3] = [await start('w.example/1'), await start('w.example/2'), await start('w.example/3')];
    await collect(3, [w1, w2]);
    await collect(9, [w1]);
    const knownSizes = new Map([
      ['w.example/1', 9],
      ['w.example/2', 0],
      ['w.example/3', 9],
    ]);
    const { note, cosigners, answers } = await collect(20, [w1, w2, w3], { knownSizes });
    expect(cosigners).toEqual(['w.example/1', 'w.example/2', 'w.example/3']);
    expect(note.startsWith(log.note(20))).toBe(true);
    // The third one never saw what the log remembers of it.
    expect(answers).toMatchObject([
      { name: 'w.example/1', status: 'cosigned', size: 20, hasForgotten: false },
      { name: 'w.example/2', status: 'cosigned', size: 20, hasForgotten: false },
      { name: 'w.example/3', status: 'cosigned', size: 20, hasForgotten: true },
    ]);
  });

  it('gets the cosignature of the same checkpoint again', async () => {
    const w1 = await start('w.example/1');
    await collect(9, [w1]);
    expect((await collect(9, [w1])).cosigners).toEqual(['w.example/1']);
    expect((await collect(9, [w1], { knownSizes: new Map([['w.example/1', 9]]) })).cosigners).toEqual(['w.example/1']);
  });

  it.each<[string, TinyLog, number, Record<string, unknown>]>([
    ['is smaller than the one that was cosigned: a sealer that was rolled back', log, 7, { why: 'ahead', size: 12 }],
    ['is another of the same size', fork, 12, { why: 'other_root', size: 12 }],
    ['does not extend it', fork, 20, { why: 'inconsistent', size: 12 }],
  ])('hears of a conflict, and not of a failure, when its checkpoint %s', async (_case, from, size, expected) => {
    const w1 = await start('w.example/1');
    await collect(12, [w1]);
    for (const known of [0, 5, 12, 40]) {
      const { answers, cosigners } = await collect(size, [w1], { knownSizes: new Map([['w.example/1', known]]) }, from);
      expect(answers).toEqual([{ name: 'w.example/1', status: 'conflict', ...expected }]);
      expect(cosigners).toEqual([]);
    }
  });

  it('hears apart who does not know it, who cannot be reached, and for whom it has no proof', async () => {
    const [w1, w2] = [await start('w.example/1'), await start('w.example/2')];
    await collect(3, [w1, w2]);
    const gone = { key: w2.key, url: w2.url };
    await w2.stop();
    const stranger = await (await TestWitness.make('w.example/3')).start([TinyLog.of('writ.example/other', 2).vkey]);
    witnesses.push(stranger);
    const proof = () => Promise.reject(new Error('the tile is missing'));
    const { answers, note } = await collect(9, [w1, gone, stranger], { proof });
    expect(answers).toMatchObject([
      { name: 'w.example/1', status: 'unproven', size: 3, why: 'the tile is missing' },
      { name: 'w.example/2', status: 'unreachable' },
      { name: 'w.example/3', status: 'refused', why: expect.stringContaining('HTTP 404') },
    ]);
    expect(note).toBe(log.note(9));
  });

  it('sends nothing that it has not signed', async () => {
    await expect(collect(9, [], { note: TinyLog.of(log.origin, 7).note(9) })).rejects.toThrow('no known key signed it');
  });

  it('learns at its start what a witness has seen, signed by both', async () => {
    const w1 = await start('w.example/1');
    const mine = { origin: log.origin, logKeys: log.keys };
    expect(await lastCosigned(w1, mine)).toEqual({ status: 'nothing' });
    await collect(12, [w1]);
    expect(await lastCosigned(w1, mine)).toEqual({ status: 'head', head: log.head(12) });
    expect(await lastCosigned(w1, { ...mine, logKeys: [] })).toMatchObject({ status: 'invalid' });
    await w1.stop();
    expect(await lastCosigned(w1, mine)).toMatchObject({ status: 'unreachable' });
  });
});

type Lie = (response: ServerResponse, request: IncomingMessage) => void;

describe('a witness that lies', () => {
  const servers: (() => void)[] = [];
  afterEach(() => servers.splice(0).forEach((stop) => stop()));

  const lying = async (lie: Lie): Promise<WitnessAddress> => {
    const server = createServer((request, response) => {
      request.resume();
      request.on('end', () => lie(response, request));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    return { key: witnessKeyOf(liar), url: `http://127.0.0.1:${port}/behind/a/proxy/` };
  };
  const says = (status: number, body: string | Buffer, headers: Record<string, string> = {}): Lie => {
    return (response) => response.writeHead(status, headers).end(body);
  };
  const text = `${log.note(9).split('\n\n')[0]}\n`;
  const size = { 'content-type': SIZE_MEDIA_TYPE };
  const good = () => `${cosign(text, liar, nowSeconds())}\n`;

  it('is not one that tells the truth behind a path', async () => {
    const told = await collect(9, [await lying((response) => response.end(good()))]);
    expect(told.answers).toMatchObject([{ status: 'cosigned' }]);
  });

  it.each<[string, Lie, string, RegExp]>([
    [
      'with a cosignature of another key',
      says(200, `${cosign(text, new SigningKey(liar.name, Buffer.alloc(32, 1)), nowSeconds())}\n`),
      'invalid',
      /no good/,
    ],
    ['with one of another checkpoint', says(200, `${cosign('x\n1\ny\n', liar, nowSeconds())}\n`), 'invalid', /no good/],
    [
      'with a plain signature, which has no time',
      says(200, signNote(text, [liar]).split('\n\n')[1] ?? ''),
      'invalid',
      /no good/,
    ],
    ['with the time in milliseconds', says(200, `${cosign(text, liar, Date.now())}\n`), 'invalid', /clock/],
    ['with a time of an hour ago', says(200, `${cosign(text, liar, nowSeconds() - 3_600)}\n`), 'invalid', /clock/],
    [
      'with a good one and a bad one',
      says(200, `${good()}${cosign('x\n1\ny\n', liar, nowSeconds())}\n`),
      'invalid',
      /no good/,
    ],
    ['with nothing', says(200, ''), 'invalid', /no good/],
    ['with a page', says(200, '<html>\n\n</html>\n'), 'invalid', /no good/],
    ['with another text before its line', says(200, `x\n\n${good()}`), 'invalid', /no good/],
    ['with a thousand lines', says(200, good().repeat(200)), 'invalid', /no good/],
    ['with a megabyte', says(200, 'a'.repeat(1_000_000)), 'unreachable', /over 65536 bytes/],
    [
      'with a megabyte that fits when compressed',
      says(200, gzipSync('a'.repeat(1_000_000)), { 'content-encoding': 'gzip' }),
      'unreachable',
      /over 65536 bytes/,
    ],
    ['with a megabyte of reasons', says(403, 'a'.repeat(1_000_000)), 'unreachable', /over 65536 bytes/],
    ['with escapes for a terminal', says(403, '\u001b[31mred\u0007\n'), 'refused', /^HTTP 403: \[31mred$/],
    ['with a redirect', says(307, '', { location: 'http://127.0.0.1:1/' }), 'refused', /HTTP 307/],
    ['with the same size for ever', says(409, '9\n', size), 'conflict', /other_root/],
    ['with a size that is none', says(409, 'NaN\n', size), 'invalid', /without its size/],
    ['with a size that a double does not carry', says(409, '9007199254740993\n', size), 'invalid', /without its size/],
    ['with a size in another type', says(409, '3\n'), 'invalid', /without its size/],
    ['with no room', says(503, 'BUSY\n'), 'unreachable', /HTTP 503/],
    ['by hanging up', (response) => response.destroy(), 'unreachable', /./],
    [
      'by hanging up in the middle',
      (response) => response.writeHead(200, { 'content-length': '500' }).write('x', () => response.destroy()),
      'unreachable',
      /./,
    ],
    ['by saying nothing', () => undefined, 'unreachable', /time/],
    ['by saying a byte at a time', (response) => drip(response), 'unreachable', /time/],
  ])('%s does not get into the note and is told apart', async (_case, lie, status, why) => {
    const startedMs = performance.now();
    const { note, cosigners, answers } = await collect(9, [await lying(lie)], { timeoutMs: 500 });
    expect(answers).toMatchObject([{ name: liar.name, status, why: expect.stringMatching(why) }]);
    expect({ note, cosigners }).toEqual({ note: log.note(9), cosigners: [] });
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  it('by naming another size each time is not followed for ever', async () => {
    let asked = 0;
    const witness = await lying((response) => {
      asked += 1;
      response.writeHead(409, size).end(`${asked}\n`);
    });
    expect((await collect(9, [witness])).answers).toMatchObject([
      { status: 'invalid', why: 'it names another size each time' },
    ]);
    expect(asked).toBe(3);
  });

  it('does not hold up the others beyond its time', async () => {
    const honest = await (await TestWitness.make()).start([log.vkey]);
    servers.push(() => void honest[Symbol.asyncDispose]());
    const { cosigners } = await collect(9, [await lying(() => undefined), honest], { timeoutMs: 500 });
    expect(cosigners).toEqual([honest.key.name]);
  });

  it('cannot invent a head that the log never signed, to stop it', async () => {
    const invented = `${log.origin}\n99\n${Buffer.alloc(32).toString('base64')}\n`;
    const witness = await lying(says(200, `${invented}\n${cosign(invented, liar, nowSeconds())}\n`));
    const mine = { origin: log.origin, logKeys: log.keys };
    expect(await lastCosigned(witness, mine)).toMatchObject({ status: 'invalid' });
    const path = await lying((response, request) =>
      response.writeHead(request.url?.endsWith(checkpointPath(log.origin)) ? 200 : 404).end(log.note(9)),
    );
    expect(await lastCosigned(path, mine)).toMatchObject({ status: 'invalid' });
  });
});

/** Never ends, and never stops sending either. */
function drip(response: ServerResponse): void {
  const timer = setInterval(() => response.write('x'), 20);
  response.on('close', () => clearInterval(timer));
}
