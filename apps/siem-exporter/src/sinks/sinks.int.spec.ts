import { appendFile, chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { records } from '../exporter.fixture.js';
import type { Sink } from '../ports.js';
import { FileSink } from './file-sink.js';
import { hecSink } from './hec-sink.js';
import { httpsSink } from './https-sink.js';
import { otlpSink } from './otlp-sink.js';
import { relpSink } from './relp-sink.js';
import { syslogSink } from './syslog-sink.js';

const closers: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});
const closing = <T extends Sink>(sink: T): T => {
  closers.push(() => sink.close());
  return sink;
};

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'writ-sink-'));
  closers.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A receiver over HTTP that answers as it is told; what it received. */
async function receiver(answer: (response: ServerResponse, received: Received, n: number) => void) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes).toString() : bytes.toString();
      received.push({ path: request.url ?? '', headers: request.headers, body });
      answer(response, received.at(-1) as Received, received.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`, received };
}

const says =
  (status: number, text = '', headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, headers).end(text);
const http = (url: string) => ({ url, gzip: true, timeoutMs: 1_000, format: 'ocsf' as const });

describe('the HTTPS sink', () => {
  it('sends one record a line, compressed, with the headers of a file that only its owner may read', async () => {
    const { url, received } = await receiver(says(204));
    const headersFile = join(await directory(), 'headers');
    await writeFile(headersFile, 'Authorization: Bearer abc\nX-Scope: a:b\n', { mode: 0o600 });
    const sink = closing(httpsSink({ ...http(url), headersFile }));
    const batch = records(0, 3);
    await expect(sink.send(batch)).resolves.toEqual({ status: 'acknowledged' });
    expect(received[0]?.headers).toMatchObject({ authorization: 'Bearer abc', 'x-scope': 'a:b' });
    expect(received[0]?.body).toBe(batch.map(({ text }) => `${text}\n`).join(''));
    await chmod(headersFile, 0o644);
    await expect(sink.send(batch)).rejects.toThrow('chmod 600');
    await writeFile(headersFile, 'a secret without a colon\n', { mode: 0o600 });
    await chmod(headersFile, 0o600);
    await expect(sink.send(batch)).rejects.toThrow(/^line 1 of `[^`]*` is no header$/);
    expect(received).toHaveLength(1);
  });

  it.each([
    [400, 'refused'],
    [413, 'refused'],
    [422, 'refused'],
    [401, 'again'],
    [403, 'again'],
    [404, 'again'],
    [408, 'again'],
    [302, 'again'],
    [500, 'again'],
    [503, 'again'],
  ])('takes a %i for %s', async (status, delivery) => {
    const { url, received } = await receiver(says(status, 'x', { location: 'http://127.0.0.1:1/' }));
    await expect(closing(httpsSink(http(url))).send(records(0, 2))).resolves.toMatchObject({ status: delivery });
    expect(received).toHaveLength(1);
  });

  it('waits as long as a 429 says', async () => {
    const { url } = await receiver(says(429, '', { 'retry-after': '7' }));
    const delivery = await closing(httpsSink(http(url))).send(records(0, 1));
    expect(delivery).toMatchObject({ status: 'again', afterMs: 7_000 });
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['says nothing in time', () => undefined],
    ['drips its answer for ever', (r) => void setInterval(() => r.write('x'), 100).unref()],
    ['closes without an answer', (r) => void r.socket?.destroy()],
    [
      'closes within its answer',
      (r) => void r.writeHead(200, { 'content-length': '9' }).write('x', () => r.socket?.destroy()),
    ],
    ['answers without end', (r) => void r.writeHead(200).end(Buffer.alloc(1_000_000))],
  ])('acknowledges nothing when the receiver %s', async (_case, answer) => {
    const { url } = await receiver(answer);
    await expect(closing(httpsSink(http(url))).send(records(0, 1))).rejects.toThrow();
  });

  it('acknowledges nothing when nobody listens', async () => {
    await expect(closing(httpsSink(http('http://127.0.0.1:1/'))).send(records(0, 1))).rejects.toThrow('ECONNREFUSED');
  });
});

describe('the sink of an event collector', () => {
  const hec = (url: string, indexerAck = true) =>
    closing(
      hecSink({
        ...http(url),
        indexerAck,
        channel: 'c',
        index: 'main',
        ackWithinMs: 2_000,
        sleep: () => Promise.resolve(),
      }),
    );
  const collector = (acks: (n: number) => unknown) =>
    receiver((response, { path }, n) =>
      says(
        200,
        JSON.stringify(path.endsWith('ack') ? { acks: acks(n) } : { text: 'Success', code: 0, ackId: 4 }),
      )(response),
    );

  it('acknowledges what the indexer has, and not before', async () => {
    const { url, received } = await collector((n) => ({ 4: n > 3 }));
    await expect(hec(url).send(records(5, 2))).resolves.toEqual({ status: 'acknowledged' });
    expect(received.map(({ path }) => path)).toEqual([
      '/services/collector/event',
      ...['/services/collector/ack', '/services/collector/ack', '/services/collector/ack'],
    ]);
    expect(received[0]?.headers['x-splunk-request-channel']).toBe('c');
    const events = received[0]?.body.split('\n').map((line) => JSON.parse(line) as { event: { sequence: number } });
    expect(events?.map(({ event }) => event.sequence)).toEqual([5, 6]);
    expect(events?.[0]).toMatchObject({ index: 'main', sourcetype: 'writ:ocsf' });
  });

  it.each<[string, (n: number) => unknown]>([
    ['never does', () => ({ 4: false })],
    ['answers for another batch', () => ({ 5: true })],
    ['answers what is no answer', () => 'yes'],
  ])('sends again when the indexer %s', async (_case, acks) => {
    const { url } = await collector(acks);
    await expect(hec(url).send(records(0, 1))).resolves.toMatchObject({ status: 'again' });
  });

  it.each([
    ['a page', '<html>'],
    ['an error', '{"text":"Server is busy","code":9}'],
    ['no identifier', '{"text":"Success","code":0}'],
  ])('acknowledges nothing on a 200 with %s', async (_case, text) => {
    const { url } = await receiver(says(200, text));
    await expect(hec(url).send(records(0, 1))).resolves.toMatchObject({ status: 'again' });
  });

  it('without indexer acknowledgement counts on the collector’s word', async () => {
    const { url, received } = await collector(() => ({}));
    await expect(hec(url, false).send(records(0, 1))).resolves.toEqual({ status: 'acknowledged' });
    expect(received).toHaveLength(1);
  });
});

describe('the OTLP sink', () => {
  it('sends every record with its key, and acknowledges when none was rejected', async () => {
    const { url, received } = await receiver(says(200, '{"partialSuccess":{"rejectedLogRecords":"0"}}'));
    await expect(closing(otlpSink(http(url))).send(records(8, 2))).resolves.toEqual({ status: 'acknowledged' });
    const body = JSON.parse(received[0]?.body ?? '') as {
      resourceLogs: { scopeLogs: { logRecords: { attributes: { key: string; value: object }[] }[] }[] }[];
    };
    const logRecords = body.resourceLogs[0]?.scopeLogs[0]?.logRecords ?? [];
    expect(logRecords).toHaveLength(2);
    expect(logRecords[1]?.attributes).toContainEqual({ key: 'writ.sequence', value: { intValue: '9' } });
    expect(logRecords[0]?.attributes.map(({ key }) => key)).toContain('ocsf.raw');
  });

  it.each([
    ['rejects some', '{"partialSuccess":{"rejectedLogRecords":1}}', 'refused'],
    ['rejects some, in a text', '{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"x"}}', 'refused'],
    ['answers with a page', '<html>', 'again'],
    ['answers nonsense', '{"partialSuccess":{"rejectedLogRecords":"many"}}', 'again'],
    ['answers nothing at all to complain of', '{}', 'acknowledged'],
  ])('of a receiver that %s is told so', async (_case, text, status) => {
    const { url } = await receiver(says(200, text));
    await expect(closing(otlpSink(http(url))).send(records(0, 2))).resolves.toMatchObject({ status });
  });
});

/** A receiver over TCP; each connection gets its own behaviour. */
async function tcp(
  behave: (socket: Socket, n: number) => void,
): Promise<{ host: string; port: number; timeoutMs: number; hostName: string }> {
  let n = 0;
  const sockets: Socket[] = [];
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    behave(socket, ++n);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, timeoutMs: 1_000, hostName: 'h' };
}

/** Reads RELP frames, written from the specification. */
function onFrames(socket: Socket, on: (txnr: string, command: string, data: string) => void): void {
  let buffer = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    buffer = Buffer.concat([buffer, Buffer.from(bytes)]);
    for (;;) {
      const [head, txnr = '', command = '', length = ''] =
        /^(\d+) ([a-z]+) (\d+) /.exec(buffer.toString('latin1')) ?? [];
      if (head === undefined || buffer.length < head.length + Number(length) + 1) return;
      on(txnr, command, buffer.subarray(head.length, head.length + Number(length)).toString());
      buffer = buffer.subarray(head.length + Number(length) + 1);
    }
  });
}

describe('the RELP sink', () => {
  const relp = (answer: (socket: Socket, txnr: string, n: number) => void) => {
    const messages: string[] = [];
    const server = tcp((socket) =>
      onFrames(socket, (txnr, command, data) => {
        if (command === 'open')
          socket.write(
            `${txnr} rsp 47 200 OK\nrelp_version=0\nrelp_software=x\ncommands=syslog\n`.replace(
              '47',
              String('200 OK\nrelp_version=0\nrelp_software=x\ncommands=syslog'.length),
            ),
          );
        else answer(socket, txnr, messages.push(data));
      }),
    );
    return { server, messages };
  };

  it('acknowledges when every message was answered with 200, over one session', async () => {
    const { server, messages } = relp((socket, txnr) => void socket.write(`${txnr} rsp 6 200 OK\n`));
    const sink = closing(relpSink(await server));
    await expect(sink.send(records(0, 300))).resolves.toEqual({ status: 'acknowledged' });
    await expect(sink.send(records(300, 1))).resolves.toEqual({ status: 'acknowledged' });
    expect(messages.map((message) => Number(/seq="(\d+)"/.exec(message)?.[1]))).toEqual(
      Array.from({ length: 301 }, (_, i) => i),
    );
  });

  it('understands answers that come byte by byte, and late', async () => {
    const { server } = relp((socket, txnr) => {
      for (const byte of `${txnr} rsp 6 200 OK\n`) socket.write(byte);
    });
    await expect(closing(relpSink(await server)).send(records(0, 3))).resolves.toEqual({ status: 'acknowledged' });
  });

  it.each<[string, (socket: Socket, txnr: string, n: number) => void]>([
    [
      'closes half way',
      (socket, txnr, n) => (n > 2 ? void socket.destroy() : void socket.write(`${txnr} rsp 6 200 OK\n`)),
    ],
    ['half closes', (socket) => void socket.end()],
    ['says nothing', () => undefined],
    ['ends the session', (socket) => void socket.write('0 serverclose 0\n')],
    ['speaks another protocol', (socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['claims a frame without end', (socket, txnr) => void socket.write(`${txnr} rsp 999999999 200 OK\n`)],
    ['answers what nobody asked', (socket) => void socket.write('999 rsp 6 200 OK\n')],
  ])('acknowledges nothing when the receiver %s', async (_case, answer) => {
    const { server } = relp(answer);
    await expect(closing(relpSink(await server)).send(records(0, 5))).rejects.toThrow();
  });

  it('sends again what was answered with an error', async () => {
    const { server } = relp(
      (socket, txnr, n) => void socket.write(n === 2 ? `${txnr} rsp 9 500 error\n` : `${txnr} rsp 6 200 OK\n`),
    );
    await expect(closing(relpSink(await server)).send(records(0, 3))).resolves.toMatchObject({ status: 'again' });
  });
});

describe('the syslog sink', () => {
  it('frames messages by octets, in order, and connects again after a loss', async () => {
    let bytes = '';
    const ports = await tcp((socket, n) => {
      socket.on('data', (chunk) => {
        bytes += String(chunk);
        if (n === 1) socket.destroy();
      });
    });
    const sink = closing(syslogSink(ports));
    for (let round = 0; !bytes.includes('seq="9"') && round < 200; round++) {
      await sink.send(records(9, 1)).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(bytes).toMatch(/^\d+ <\d+>1 /);
    expect(bytes).toContain('[writ@32473 seq="9"');
  });
});

describe('the file sink', () => {
  const options = { rotateBytes: 1_000_000, rotateMs: 1e12, now: () => 0 };
  const lines = async (path: string) => (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');

  it('cuts off what was half written before it goes on, over a restart', async () => {
    const path = join(await directory(), 'log.ndjson');
    await closing(new FileSink({ ...options, path })).send(records(0, 2));
    await appendFile(path, '{"log_name":"writ.te');
    await closing(new FileSink({ ...options, path })).send(records(2, 1));
    expect((await lines(path)).map((line) => (JSON.parse(line) as { sequence: number }).sequence)).toEqual([0, 1, 2]);
  });

  it('is renamed when it is full, and when it is old; nothing is written over', async () => {
    const folder = await directory();
    const path = join(folder, 'log.ndjson');
    let nowMs = 0;
    const sink = closing(new FileSink({ path, rotateBytes: 500, rotateMs: 60_000, now: () => nowMs }));
    for (let i = 0; i < 6; i++) await sink.send(records(i * 2, 2));
    nowMs = Date.now() + 120_000;
    await sink.send(records(12, 1));
    const files = (await readdir(folder)).toSorted();
    expect(files.length).toBeGreaterThan(3);
    const all = await Promise.all(files.map((file) => lines(join(folder, file))));
    const sequences = all.flat().map((line) => (JSON.parse(line) as { sequence: number }).sequence);
    expect(sequences.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 13 }, (_, i) => i));
  });

  it('acknowledges nothing when it cannot be written', async () => {
    const sink = closing(new FileSink({ ...options, path: join(await directory(), 'no', 'such', 'folder') }));
    await expect(sink.send(records(0, 1))).rejects.toThrow('ENOENT');
  });

  it('acknowledges nothing on a full disk', async () => {
    if (process.platform !== 'linux') return;
    const sink = closing(new FileSink({ ...options, path: '/dev/full' }));
    await expect(sink.send(records(0, 1))).rejects.toThrow();
  });
});
