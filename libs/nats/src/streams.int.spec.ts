import { startPlainServer, testNatsServer, type PlainServer } from '../../../test/harness/nats-server.js';
import type { Bus, BusHeaders } from './bus.js';
import { publishToStream } from './publish-to-stream.js';
import { PullConsumer, type PulledMessage } from './pull-consumer.js';
import { parseApiAnswer, StreamError } from './stream-error.js';
import { StreamReader } from './stream-reader.js';

const binary = await testNatsServer();
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);
const LIMITS = { max_msgs: 100, discard: 'new', allow_direct: true, max_msg_size: 1000, storage: 'file' };

(binary === undefined ? describe.skip : describe)('a stream', () => {
  let server: PlainServer;
  let bus: Bus;
  beforeEach(async () => {
    server = await startPlainServer();
    bus = await server.connect();
    await call('STREAM.CREATE.S', { name: 'S', subjects: ['s.*'], ...LIMITS });
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const call = async (verb: string, request: object) =>
    parseApiAnswer((await bus.request(`$JS.API.${verb}`, JSON.stringify(request), { timeoutMs: 2_000 })).data);
  let ids = 0;
  const publish = (subject: string, data = subject, expectLastSubjectSeq?: number) => {
    const expectation = expectLastSubjectSeq === undefined ? {} : { expectLastSubjectSeq };
    return publishToStream(bus, subject, bytes(data), { msgId: `id-${(ids += 1)}`, timeoutMs: 2_000, ...expectation });
  };
  const refusal = (promise: Promise<unknown>) =>
    promise.then(
      () => 'nothing',
      (error: unknown) => (error instanceof StreamError ? error.reason : String(error)),
    );

  it('says at which sequence it stored a message, and knows the same message again', async () => {
    expect(await publish('s.a')).toEqual({ seq: 1, duplicate: false });
    const again = { msgId: `id-${ids}`, timeoutMs: 2_000 };
    expect(await publishToStream(bus, 's.a', bytes('s.a'), again)).toEqual({ seq: 1, duplicate: true });
  });

  it('refuses a writer whose view of the subject is old, a large message, and everything once it is full', async () => {
    await publish('s.a', 'first', 0);
    expect(await refusal(publish('s.a', 'second', 0))).toBe('wrong-last-sequence');
    expect(await publish('s.b', 'another subject', 0)).toMatchObject({ seq: 2 });
    expect(await refusal(publish('s.a', 'x'.repeat(2_000)))).toBe('too-large');
    for (let n = 2; n < 100; n += 1) await publish('s.a');
    expect(await refusal(publish('s.a'))).toBe('full');
  });

  it('is read in order, in batches, from a sequence, a time, a subject, and until its end', async () => {
    const reader = new StreamReader(bus, { apiPrefix: '$JS.API', timeoutMs: 2_000 });
    expect(await reader.read('S', { fromSeq: 1, batch: 10 })).toEqual({ messages: [], upToDate: true });
    for (const subject of ['s.a', 's.b', 's.a', 's.b', 's.a']) await publish(subject);
    const first = await reader.read('S', { fromSeq: 1, batch: 3 });
    expect(first.messages.map(({ seq, subject, data }) => [seq, subject, text(data)])).toEqual([
      [1, 's.a', 's.a'],
      [2, 's.b', 's.b'],
      [3, 's.a', 's.a'],
    ]);
    expect(first.upToDate).toBe(false);
    const rest = await reader.read('S', { fromSeq: 4, batch: 10 });
    expect({ seqs: rest.messages.map(({ seq }) => seq), upToDate: rest.upToDate }).toEqual({
      seqs: [4, 5],
      upToDate: true,
    });
    const onB = await reader.read('S', { fromSeq: 1, batch: 10, subject: 's.b' });
    expect(onB.messages.map(({ seq }) => seq)).toEqual([2, 4]);
    const since = await reader.read('S', { startTime: first.messages[1]?.time ?? '', batch: 10 });
    expect(since.messages.map(({ seq }) => seq)).toEqual([2, 3, 4, 5]);
    const small = await reader.read('S', { fromSeq: 1, batch: 10, maxBytes: 1 });
    expect(small.messages.length).toBeLessThan(5);
    expect(small.upToDate).toBe(false);
    expect((await reader.lastOnSubject('S', 's.b'))?.seq).toBe(4);
    expect(await reader.lastOnSubject('S', 's.none')).toBeUndefined();
    expect(text((await reader.message('S', 3))?.data ?? bytes(''))).toBe('s.a');
    expect(await reader.message('S', 99)).toBeUndefined();
    expect((await reader.info('S')).state).toMatchObject({ messages: 5, last_seq: 5 });
    expect(await refusal(reader.info('NONE'))).toBe('other');
  });

  async function consume(options: { inFlightMax: number; onMessage: (message: PulledMessage) => Promise<void> }) {
    const config = { durable_name: 'c', ack_policy: 'explicit', ack_wait: 1_000_000_000, max_deliver: 3 };
    await call('CONSUMER.CREATE.S.c', { stream_name: 'S', config });
    return new PullConsumer(bus, { stream: 'S', consumer: 'c', onError: (error) => errors.push(error), ...options });
  }
  const errors: Error[] = [];

  it('hands each message to its consumer once, never more at a time than asked for', async () => {
    const seen: number[] = [];
    let inFlight = 0;
    let mostInFlight = 0;
    const consumer = await consume({
      inFlightMax: 8,
      onMessage: async (message) => {
        inFlight += 1;
        mostInFlight = Math.max(mostInFlight, inFlight);
        await new Promise((resolve) => setTimeout(resolve, 1));
        seen.push(message.seq);
        inFlight -= 1;
        message.ack();
      },
    });
    for (let n = 0; n < 90; n += 1) await publish('s.a');
    await until(() => seen.length >= 90);
    await consumer.stop();
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 90 }, (_, n) => n + 1));
    expect(mostInFlight).toBeLessThanOrEqual(8);
    expect(await call('CONSUMER.INFO.S.c', {})).toMatchObject({ num_pending: 0, num_ack_pending: 0 });
    expect(errors).toEqual([]);
  });

  it('tells its consumer the id under which it took a message, unless other headers came with it', async () => {
    const seen: (string | undefined)[] = [];
    const consumer = await consume({
      inFlightMax: 4,
      onMessage: async (message) => {
        seen.push(message.msgId);
        message.ack();
      },
    });
    await publishToStream(bus, 's.a', bytes('x'), { msgId: 'an-id', stream: 'S', timeoutMs: 2_000 });
    const others: readonly BusHeaders[] = [
      {},
      { 'Nats-Msg-Id': 'b', 'X-Other': '1' },
      { 'nats-msg-id': 'c' },
      { 'Nats-Msg-Id': 'with blank' },
    ];
    for (const headers of others) await bus.request('s.a', 'x', { timeoutMs: 2_000, headers });
    await until(() => seen.length === 5);
    await consumer.stop();
    expect(seen).toEqual(['an-id', undefined, undefined, undefined, undefined]);
  });

  it('delivers again after a delay, after a crash of the handler, and not after `term`', async () => {
    const log: string[] = [];
    const consumer = await consume({
      inFlightMax: 4,
      onMessage: async (message) => {
        log.push(`${text(message.data)} ${message.deliveries}`);
        if (text(message.data) === 'later' && message.deliveries === 1) message.nak(50);
        else if (text(message.data) === 'never') message.term();
        else if (text(message.data) === 'crash' && message.deliveries === 1) throw new Error('a bug');
        else await message.ackConfirmed(2_000);
      },
    });
    for (const each of ['later', 'never', 'crash']) await publish('s.a', each);
    await until(() => log.includes('later 2') && log.includes('crash 2'));
    await consumer.stop();
    expect(log.toSorted()).toEqual(['crash 1', 'crash 2', 'later 1', 'later 2', 'never 1']);
    expect(errors.splice(0).map(({ message }) => message)).toEqual(['a bug']);
  });

  it('reaches its consumer again soon after the server was killed and started', async () => {
    const seen: string[] = [];
    const consumer = await consume({
      inFlightMax: 4,
      onMessage: async (message) => {
        seen.push(text(message.data));
        message.ack();
      },
    });
    await publish('s.a', 'before');
    await until(() => seen.length === 1);
    await server.restart();
    await until(() => bus.isConnected);
    await publish('s.a', 'after');
    const published = performance.now();
    await until(() => seen.includes('after'));
    expect(performance.now() - published).toBeLessThan(2_500);
    await consumer.stop();
  });

  it('that does not exist yet is waited for by its consumer', async () => {
    const seen: string[] = [];
    const options = { stream: 'LATE', consumer: 'c', inFlightMax: 4, onError: (error: Error) => errors.push(error) };
    const consumer = new PullConsumer(bus, {
      ...options,
      onMessage: async (message) => {
        seen.push(text(message.data));
        message.ack();
      },
    });
    await call('STREAM.CREATE.LATE', { name: 'LATE', subjects: ['late'] });
    await call('CONSUMER.CREATE.LATE.c', {
      stream_name: 'LATE',
      config: { durable_name: 'c', ack_policy: 'explicit' },
    });
    await publish('late');
    await until(() => seen.length === 1);
    await consumer.stop();
    expect(errors).toEqual([]);
  });
});

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error('it did not happen in 15 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
