import { collectEvents } from './event-stream.js';

const collect = (text: string, bytesMax = 1e6) => collectEvents(Buffer.from(text), bytesMax);

describe('collectEvents', () => {
  // The streams of the HTML standard, section 9.2.6, and its rules.
  it.each([
    ['lines of data are joined', 'data: YHOO\ndata: +2\ndata: 10\n\n', [{ event: 'message', data: 'YHOO\n+2\n10' }]],
    [
      'comments are none, an empty id is one, one blank is taken away',
      ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n',
      [
        { event: 'message', data: 'first event', id: '1' },
        { event: 'message', data: 'second event', id: '' },
        { event: 'message', data: ' third event', id: '' },
      ],
    ],
    [
      'empty data is data, and an event that no blank line ends is none',
      'data\n\ndata\ndata\n\ndata:',
      [
        { event: 'message', data: '' },
        { event: 'message', data: '\n' },
      ],
    ],
    ['a name without data is no event and does not last', 'event: a\n\ndata: x\n\n', [{ event: 'message', data: 'x' }]],
    [
      'an id lasts, also one without data',
      'id: 7\n\ndata: x\n\nevent: b\ndata: y\n\n',
      [
        { event: 'message', data: 'x', id: '7' },
        { event: 'b', data: 'y', id: '7' },
      ],
    ],
    ['an id with a null is none', 'id: 1\0\ndata: x\n\n', [{ event: 'message', data: 'x' }]],
    [
      'lines end in any of three ways, behind a byte order mark',
      '\ufeffdata: a\r\rdata: b\r\n\r\ndata: c\n\n',
      [
        { event: 'message', data: 'a' },
        { event: 'message', data: 'b' },
        { event: 'message', data: 'c' },
      ],
    ],
    [
      'unknown fields and retry are dropped',
      'retry: 10\nfoo: bar\nDATA: no\ndata: x\n\n',
      [{ event: 'message', data: 'x' }],
    ],
  ])('reads that %s', (_case, text, events) => {
    expect(collect(text)).toEqual({ events, isWhole: true });
  });

  it('takes at most 1,000 events', () => {
    const { events, isWhole } = collect('data: x\n\n'.repeat(1_001));
    expect([events.length, isWhole]).toEqual([1_000, false]);
  });

  it('takes as many events as fit, each whole, however much JSON adds to them', () => {
    const { events, isWhole } = collect('data:\n\n'.repeat(10) + `data: ${'\u0001'.repeat(100)}\n\n`, 500);
    expect(isWhole).toBe(false);
    expect(events).toHaveLength(10);
    expect(JSON.stringify({ events }).length).toBeLessThanOrEqual(500);
  });

  it('is linear in what a server sends to slow it down', () => {
    expect(collect(`${':'.repeat(1e5)}\n${'data:\r'.repeat(2e4)}\n\n`).events).toHaveLength(1);
  });
});
