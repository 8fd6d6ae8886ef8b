import { startPlainServer, testNatsServer } from '../../../test/harness/nats-server.js';
import { isBusError, type Bus, type BusErrorReason } from './bus.js';
import { connectBus } from './connect-bus.js';
import { createUserNkey } from './nkey.js';

const binary = await testNatsServer();
const text = (data: Uint8Array) => new TextDecoder().decode(data);
const reasonOf = (promise: Promise<unknown>): Promise<BusErrorReason | 'nothing'> =>
  promise.then(
    () => 'nothing' as const,
    (error: unknown) => {
      if (isBusError(error)) return error.reason;
      throw error;
    },
  );
const TIMEOUT = { timeoutMs: 2_000 };

(binary === undefined ? describe.skip : describe)('a bus connection', () => {
  it('asks and is answered, also many times to one request', async () => {
    await using server = await startPlainServer();
    const bus = await server.connect();
    bus.subscribe('echo', {
      onMessage: ({ reply, data }) => bus.publish(reply ?? '', data, { headers: { Seen: 'yes' } }),
    });
    bus.subscribe('count', {
      onMessage: ({ reply }) => ['1', '2', '3'].forEach((each) => bus.publish(reply ?? '', each)),
    });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => bus.request('echo', String(n), TIMEOUT).then(({ data }) => text(data))),
    );
    expect(answers).toEqual(Array.from({ length: 50 }, (_, n) => String(n)));
    expect((await bus.request('echo', '', TIMEOUT)).header('Seen')).toBe('yes');
    const counted: string[] = [];
    await bus.requestMany('count', '', {
      ...TIMEOUT,
      onMessage: ({ data }) => (counted.push(text(data)) === 3 ? 'done' : 'more'),
    });
    expect(counted).toEqual(['1', '2', '3']);
  });

  it('tells apart nobody there, no answer, no right and no sense', async () => {
    await using server = await startPlainServer(
      '',
      ', permissions: { publish: ["silent", "nobody"], subscribe: [">"] }',
    );
    const errors: Error[] = [];
    const bus = await server.connect((error) => errors.push(error));
    bus.subscribe('silent', { onMessage: () => undefined });
    expect(await reasonOf(bus.request('nobody', '', TIMEOUT))).toBe('no-responders');
    expect(await reasonOf(bus.request('silent', '', { timeoutMs: 50 }))).toBe('timeout');
    expect(await reasonOf(bus.request('forbidden', '', TIMEOUT))).toBe('permission');
    expect(errors.map((error) => isBusError(error, 'permission'))).toEqual([true]);
    for (const subject of ['', 'a b', 'a\r\nPUB b 0', 'a\tb', 'a\u0000b']) {
      expect(await reasonOf(bus.request(subject, '', TIMEOUT))).toBe('invalid');
    }
    expect(await reasonOf(bus.request('nobody', new Uint8Array(2_000_000), TIMEOUT))).toBe('invalid');
  });

  it('asks again when nobody is there for a moment, as while a server takes a new configuration', async () => {
    await using server = await startPlainServer();
    const bus = await server.connect();
    const seen: string[] = [];
    const late = setTimeout(
      () =>
        bus.subscribe('late', {
          onMessage: ({ data, reply }) => {
            seen.push(text(data));
            bus.publish(reply ?? '', 'here');
          },
        }),
      50,
    );
    const answer = await bus.request('late', 'once', { timeoutMs: 2_000 });
    clearTimeout(late);
    expect([text(answer.data), seen]).toEqual(['here', ['once']]);
  });

  it('fails what waits when the server dies, publishes nothing meanwhile, and comes back', async () => {
    await using server = await startPlainServer();
    const bus = await server.connect();
    bus.subscribe('silent', { onMessage: () => undefined });
    let reconnects = 0;
    bus.onReconnect(() => (reconnects += 1));
    const waiting = reasonOf(bus.request('silent', '', { timeoutMs: 20_000 }));
    await bus.flush();
    await server.server.kill();
    expect(await waiting).toBe('disconnected');
    expect(bus.isConnected).toBe(false);
    expect(() => bus.publish('anything', '')).toThrow('not connected');
    await server.restart();
    await until(() => reconnects === 1);
    bus.subscribe('echo', { onMessage: ({ reply, data }) => bus.publish(reply ?? '', data) });
    expect(text((await bus.request('echo', 'back', TIMEOUT)).data)).toBe('back');
  });

  it('is over when it is closed: waiting requests fail and `closed` resolves', async () => {
    await using server = await startPlainServer();
    const bus = await server.connect();
    bus.subscribe('silent', { onMessage: () => undefined });
    const waiting = reasonOf(bus.request('silent', '', { timeoutMs: 20_000 }));
    await bus.close();
    expect(await waiting).toBe('closed');
    expect(await bus.closed()).toBeUndefined();
    expect(await reasonOf(bus.request('silent', '', TIMEOUT))).toBe('disconnected');
  });

  it('is not made with a key that the server does not know, or where no server is', async () => {
    await using server = await startPlainServer();
    const connect = (servers: string): Promise<Bus> =>
      connectBus({ servers, seed: createUserNkey().seed, user: 'x', inboxPrefix: '_INBOX_x', connectTimeoutMs: 1_000 });
    expect(await reasonOf(connect(server.server.url))).toBe('permission');
    expect(await reasonOf(connect('nats://127.0.0.1:1'))).toBe('disconnected');
  });

  it('names a refused subscription to its own handler', async () => {
    await using server = await startPlainServer('', ', permissions: { publish: [">"], subscribe: ["_INBOX_test.>"] }');
    const bus = await server.connect();
    const error = await new Promise<Error>((resolve) => {
      bus.subscribe('secret', { onMessage: () => undefined, onError: resolve });
    });
    expect(error.message).toBe('the bus does not let this user subscribe to `secret`');
  });
});

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error('it did not happen in 15 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
