import type { Bus, BusMessage, BusSubscription, SubscribeOptions } from '#writ/nats';
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { RequestServer } from './request-server.js';

const ROUTE = '_R_.abc';

/** What the handler does with a request, by its text. */
@Controller()
class Clerk {
  #release: () => void = () => undefined;
  readonly released = new Promise<void>((resolve) => (this.#release = resolve));
  inside = 0;

  release(): void {
    this.#release();
  }

  @MessagePattern('decide')
  async handle(@Payload() message: BusMessage): Promise<string | undefined> {
    const text = Buffer.from(message.data).toString();
    this.inside += 1;
    if (text === 'throw') throw new Error('a secret of the inside');
    if (text === 'wait') await this.released;
    return text === 'command' ? undefined : `answer to ${text}`;
  }
}

/** A service with that one handler, on a bus that is a list of what was published. */
async function aService(inFlightMax = 4) {
  const published: string[] = [];
  const unanswerable: string[] = [];
  let deliver: SubscribeOptions['onMessage'] = () => undefined;
  const bus = {
    publish: (subject: string, data: Uint8Array | string) =>
      published.push(`${subject} ${Buffer.from(data).toString()}`),
    subscribe: (_subject: string, options: SubscribeOptions): BusSubscription => {
      deliver = options.onMessage;
      return { unsubscribe: () => undefined, drain: () => Promise.resolve() };
    },
  } as unknown as Bus;
  const strategy = new RequestServer({
    bus,
    queue: 'pdp',
    inFlightMax,
    senderOf: ({ subject }) => subject,
    isReplyAllowed: (reply) => reply?.startsWith('_R_.') ?? false,
    onUnanswerable: ({ subject }) => unanswerable.push(subject),
    busy: () => 'busy',
    failed: () => 'failed',
  });
  const module = await Test.createTestingModule({ controllers: [Clerk] }).compile();
  const app = module.createNestMicroservice({ strategy, logger: false });
  await app.listen();
  strategy.serve('decide.0.>', 'decide');
  const send = (text: string, { sender = 'alice', ...over }: { sender?: string; reply?: string | undefined } = {}) => {
    const message = {
      subject: sender,
      reply: ROUTE,
      data: Buffer.from(text),
      status: 0,
      header: () => undefined,
      headerText: () => '',
    };
    deliver({ ...message, ...over });
  };
  return { app, strategy, published, unanswerable, send, clerk: module.get(Clerk) };
}

async function until(fact: () => boolean): Promise<void> {
  while (!fact()) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('RequestServer', () => {
  it('gives the raw message to the handler and its answer to the reply', async () => {
    const { send, published } = await aService();
    send('hello');
    await until(() => published.length === 1);
    expect(published).toEqual([`${ROUTE} answer to hello`]);
  });

  it('says nothing when another process answers', async () => {
    const { send, published, clerk } = await aService();
    send('command');
    send('hello');
    await until(() => published.length === 1);
    expect(clerk.inside).toBe(2);
    expect(published).toEqual([`${ROUTE} answer to hello`]);
  });

  it('answers also when the handler throws, with nothing of what it said', async () => {
    const { send, published } = await aService();
    send('throw');
    await until(() => published.length === 1);
    expect(published).toEqual([`${ROUTE} failed`]);
  });

  it.each([undefined, 'ledger.block.pdp-0', '_INBOX.gus.x', '$JS.API.STREAM.DELETE.LEDGER'])(
    'never publishes on a reply that it may not answer (%s), and asks no handler: BROKER-03',
    async (reply) => {
      const { send, published, unanswerable, clerk } = await aService();
      send('hello', { reply });
      send('hello');
      await until(() => published.length === 1);
      expect(published).toEqual([`${ROUTE} answer to hello`]);
      expect({ unanswerable, inside: clerk.inside }).toEqual({ unanswerable: ['alice'], inside: 1 });
    },
  );

  it('turns away what is over the limit at once, and queues nothing', async () => {
    const { send, published, clerk } = await aService(4);
    for (const sender of ['alice', 'alice', 'bob', 'bob', 'carl']) send('wait', { sender });
    await until(() => published.length === 1);
    expect(published).toEqual([`${ROUTE} busy`]);
    clerk.release();
    await until(() => published.length === 5);
    expect(published.slice(1)).toEqual(Array.from({ length: 4 }, () => `${ROUTE} answer to wait`));
  });

  it('lets one sender have half of the requests in flight, so that another is served: AVAILABILITY-01', async () => {
    const { send, published, clerk } = await aService(4);
    for (let n = 0; n < 10; n++) send('wait', { sender: 'flood' });
    send('hello', { sender: 'alice' });
    await until(() => published.length === 9);
    expect(published.filter((line) => line.endsWith('busy'))).toHaveLength(8);
    expect(published).toContain(`${ROUTE} answer to hello`);
    clerk.release();
    await until(() => published.length === 11);
    // What was answered makes room again.
    send('hello', { sender: 'flood' });
    await until(() => published.length === 12);
    expect(published.at(-1)).toBe(`${ROUTE} answer to hello`);
  });

  it('answers what is in flight before it is closed', async () => {
    const { app, send, published, clerk } = await aService();
    send('wait');
    await until(() => clerk.inside === 1);
    const closed = app.close();
    clerk.release();
    await closed;
    expect(published).toEqual([`${ROUTE} answer to wait`]);
  });

  it('refuses to serve with a handler that nobody registered', async () => {
    const { strategy } = await aService();
    expect(() => strategy.serve('decide.0.>', 'no-such')).toThrow('no-such');
  });
});
