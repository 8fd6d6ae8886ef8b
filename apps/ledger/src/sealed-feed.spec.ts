import { SealedMessage } from '#writ/contracts';
import { messagesOf, SealedFeed } from './sealed-feed.js';

const leaves = Array.from({ length: 3_000 }, (_, index) => `{"n":${index}}`);

/** SEALED in memory, and a feed into it. */
function aFeed(failing: (published: number) => boolean = () => false) {
  const stream: SealedMessage[] = [];
  let attempts = 0;
  const warned: string[] = [];
  const feed = new SealedFeed({
    logName: 'writ.test/log',
    end: () => {
      const last = stream.at(-1);
      return Promise.resolve({ seq: stream.length, next: last === undefined ? 0 : last.first + last.entries.length });
    },
    publish: (message, id, after) => {
      attempts += 1;
      if (failing(attempts)) return Promise.reject(new Error('no answer'));
      if (after !== stream.length) return Promise.reject(new Error('another message stands there'));
      expect(id).toBe(`writ.test/log/${message.first}`);
      stream.push(SealedMessage.parse(message));
      return Promise.resolve(stream.length);
    },
    leaves: (from, to) => Promise.resolve(leaves.slice(from, to)),
    log: { warn: (_fields, message) => warned.push(message) },
    sleep: () => Promise.resolve(),
  });
  const until = async (size: number) => {
    while (stream.reduce((sum, { entries }) => sum + entries.length, 0) < size) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { feed, stream, until, warned };
}

const root = 'r'.repeat(43);
const all = (stream: readonly SealedMessage[]) => stream.flatMap(({ entries }) => entries);

describe('SealedFeed', () => {
  it('hands every leaf on once, in order, in messages without a hole, none beyond the head', async () => {
    const { feed, stream, until } = aFeed();
    feed.offer({ size: 700, root });
    await until(700);
    feed.offer({ size: 2_500, root });
    await until(2_500);
    await feed.stop();
    expect(all(stream)).toEqual(leaves.slice(0, 2_500));
    let next = 0;
    for (const { first, size, entries } of stream) {
      expect(first).toBe(next);
      next += entries.length;
      expect(next).toBeLessThanOrEqual(size);
    }
  });

  it('goes on where the stream ends when a publish failed, again and again', async () => {
    const { feed, stream, until, warned } = aFeed((attempts) => attempts % 3 !== 0);
    feed.offer({ size: 1_500, root });
    await until(1_500);
    await feed.stop();
    expect(all(stream)).toEqual(leaves.slice(0, 1_500));
    expect(warned.length).toBeGreaterThan(3);
  });

  it('does not wait for a stream that takes nothing when it is stopped', async () => {
    const { feed, stream } = aFeed(() => true);
    feed.offer({ size: 10, root });
    await feed.stop();
    expect(stream).toEqual([]);
  });
});

describe('messages of SEALED', () => {
  it('have at most 256 entries and fit the stream, also when every character is escaped', () => {
    const texts = Array.from({ length: 600 }, () => '"'.repeat(9_000));
    const messages = [...messagesOf(texts)];
    expect(messages.flat()).toEqual(texts);
    for (const entries of messages) {
      expect(entries.length).toBeLessThanOrEqual(256);
      expect(Buffer.byteLength(JSON.stringify({ entries }))).toBeLessThan(240_000);
    }
    expect([...messagesOf(Array.from({ length: 257 }, () => '{}'))].map(({ length }) => length)).toEqual([256, 1]);
    expect([...messagesOf([])]).toEqual([]);
  });
});
