import type { PulledMessage } from '#writ/nats';
import { OrderedFeed } from './ordered-feed.js';

function feedFrom(next: number, unacknowledged = () => Promise.resolve(Number.POSITIVE_INFINITY)) {
  const acked: number[] = [];
  const feed = new OrderedFeed({ next, unacknowledged, ackTimeoutMs: 1 });
  const accept = (seq: number, bytes = 1) => {
    const message: PulledMessage = {
      seq,
      subject: 'ledger.sealed',
      data: Buffer.alloc(bytes, seq),
      storedMs: 0,
      deliveries: 1,
      msgId: undefined,
      ack: () => void acked.push(seq),
      ackConfirmed: () => Promise.resolve(void acked.push(seq)),
      nak: () => undefined,
      working: () => undefined,
      term: () => undefined,
    };
    return feed.accept(message);
  };
  const take = async (bytesMax = 100) => {
    const messages = await feed.take(bytesMax, 5_000);
    return messages.map(({ data }) => data[0]);
  };
  return { feed, accept, take, acked };
}

describe('OrderedFeed', () => {
  it('hands out messages in stream order, whatever order they come in', async () => {
    const { accept, take } = feedFrom(5);
    for (const seq of [7, 8, 6, 5]) void accept(seq);
    expect(await take()).toEqual([5, 6, 7, 8]);
  });

  it('holds what is new until what was not acknowledged came again', async () => {
    const { accept, take } = feedFrom(1);
    void accept(3);
    const taken = take();
    void accept(2);
    void accept(1);
    expect(await taken).toEqual([1, 2, 3]);
  });

  it('goes on behind a message that the stream has no longer', async () => {
    const { accept, take } = feedFrom(1, () => Promise.resolve(2));
    void accept(9);
    void accept(10);
    expect(await take()).toEqual([9, 10]);
  });

  it('acknowledges at once what it handed out before: the acknowledgement was lost', async () => {
    const { feed, accept, take, acked } = feedFrom(1);
    void accept(1);
    const [message] = await feed.take(100, 1_000);
    await message?.done();
    await accept(1);
    expect(acked).toEqual([1, 1]);
    void accept(2);
    expect(await take()).toEqual([2]);
  });

  it('hands out a message once that was delivered twice before it was acknowledged', async () => {
    const { accept, take } = feedFrom(1);
    void accept(1);
    await accept(1);
    void accept(2);
    expect(await take()).toEqual([1, 2]);
  });

  it('hands out as much as is asked for, and at least one', async () => {
    const { accept, take } = feedFrom(1);
    for (const seq of [1, 2, 3]) void accept(seq, 60);
    expect(await take(100)).toEqual([1]);
    expect(await take(120)).toEqual([2, 3]);
  });

  it('has nothing when time is up', async () => {
    const { feed } = feedFrom(1);
    expect(await feed.take(100, 1)).toEqual([]);
  });

  it('holds nothing that comes when it has let go: whoever stops the consumer waits for it', async () => {
    const { feed, accept, acked } = feedFrom(1);
    const held = accept(1);
    feed.letGo();
    await Promise.all([held, accept(2)]);
    expect(acked).toEqual([]);
  });
});
