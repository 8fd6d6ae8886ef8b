import type { PullConsumer, PulledMessage } from '#writ/nats';
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { JetStreamServer } from './jetstream-server.js';

@Controller()
class Worker {
  @MessagePattern('tool-once-default')
  async once(@Payload() message: PulledMessage): Promise<void> {
    if (message.seq === 13) throw new Error('a bug');
    message.ack();
  }

  @MessagePattern('tool-retry-default')
  retry(@Payload() message: PulledMessage): void {
    message.nak(5);
  }
}

/** A service with two handlers, and the consumers that it pulls from. */
async function aService() {
  const consumers = new Map<string, (message: PulledMessage) => Promise<void>>();
  const stopped: string[] = [];
  const strategy = new JetStreamServer({
    pull: (consumer, onMessage) => {
      consumers.set(consumer, onMessage);
      return { stop: () => Promise.resolve(void stopped.push(consumer)) } as unknown as PullConsumer;
    },
  });
  const module = await Test.createTestingModule({ controllers: [Worker] }).compile();
  const app = module.createNestMicroservice({ strategy, logger: false });
  await app.listen();
  const settled: string[] = [];
  const deliver = (consumer: string, seq: number) =>
    consumers.get(consumer)?.({
      seq,
      subject: 'cmd',
      data: Buffer.alloc(0),
      storedMs: 0,
      deliveries: 1,
      msgId: undefined,
      ack: () => settled.push(`${seq} ack`),
      ackConfirmed: () => Promise.resolve(),
      nak: (delayMs: number) => settled.push(`${seq} nak ${delayMs}`),
      working: () => undefined,
      term: () => settled.push(`${seq} term`),
    });
  return { app, consumers, stopped, settled, deliver };
}

describe('JetStreamServer', () => {
  it('pulls from the consumer of each pattern, and from no other', async () => {
    const { consumers } = await aService();
    expect([...consumers.keys()].toSorted()).toEqual(['tool-once-default', 'tool-retry-default']);
  });

  it('lets the handler settle its message', async () => {
    const { deliver, settled } = await aService();
    await deliver('tool-once-default', 1);
    await deliver('tool-retry-default', 2);
    expect(settled).toEqual(['1 ack', '2 nak 5']);
  });

  it('leaves the message of a handler that throws to the server, and goes on: EXECUTOR-06', async () => {
    const { deliver, settled } = await aService();
    await deliver('tool-once-default', 13);
    await deliver('tool-once-default', 14);
    expect(settled).toEqual(['14 ack']);
  });

  it('pulls no more when it is closed', async () => {
    const { app, stopped } = await aService();
    await app.close();
    expect(stopped.toSorted()).toEqual(['tool-once-default', 'tool-retry-default']);
  });
});
