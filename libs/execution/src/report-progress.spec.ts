import type { Command, CommandBody, Obligation, Progress, ProgressReport } from '#writ/contracts';
import { reportProgress } from './report-progress.js';

const body = {
  ...{ tenant: 'default', agent: 'support', call: 'c', kind: 'tool.call', executor: 'tool', delivery: 'once' },
  ...{ pool: 'default', resource: 'act', dig: '', args: {}, obligations: [], takeBy: 0, finishBy: 0, reply: '_R_.a' },
} as const satisfies CommandBody;
const CARD = '4111 1111 1111 1111';

/** A command that is at work, and the reports on it. */
function atWork(obligations: readonly Obligation[] = [], limits = { everyMs: 1, reportsMax: 1_000 }) {
  const command: Command = {
    v: 1,
    seq: 7,
    i: 2,
    salt: 'S'.repeat(22),
    body: { ...body, obligations: [...obligations] },
  };
  const sent: ProgressReport[] = [];
  let heard: () => void = () => undefined;
  const send = (report: ProgressReport) => {
    sent.push(report);
    heard();
  };
  const reporter = reportProgress(command, { redaction: {}, send, limits });
  return {
    ...reporter,
    sent,
    /** Resolves when so many reports were sent. */
    until: (count: number) =>
      new Promise<void>((resolve) => {
        heard = () => sent.length >= count && resolve();
        heard();
      }),
  };
}

/** What is told of it, under these obligations. */
function told(said: Progress, ...obligations: readonly Obligation[]): Progress | undefined {
  const { report, stop, sent } = atWork(obligations);
  report(said);
  stop();
  return sent[0]?.progress;
}

describe('what is told of progress', () => {
  it('points at the decision, and has what only the executor of the command knows', () => {
    const { report, stop, sent } = atWork();
    report({ progress: 1, total: 2, message: 'half' });
    stop();
    const progress = { progress: 1, total: 2, message: 'half' };
    expect(sent).toEqual([{ v: 1, seq: 7, i: 2, salt: 'S'.repeat(22), progress }]);
  });

  it('is redacted as an output is', () => {
    const redact: Obligation = { type: 'redact', target: 'output', detectors: ['card', 'email'] };
    expect(told({ progress: 1, message: `paying ${CARD} for a@example.com` }, redact)).toEqual({
      progress: 1,
      message: 'paying [redacted:card] for [redacted:email]',
    });
  });

  it('is scanned as it will be read: signs that nobody sees hide nothing', () => {
    const redact: Obligation = { type: 'redact', target: 'output', detectors: ['card'] };
    const hidden = [...CARD].join('\u200b').replaceAll(' ', '\u0000');
    expect(told({ progress: 1, message: `paying ${hidden}` }, redact)?.message).toBe('paying [redacted:card]');
  });

  it.each<[string, Obligation]>([
    ['takes something out by its place', { type: 'redact', target: 'output', paths: ['/content/*/text'] }],
    ['limits the bytes of an answer', { type: 'limit', bytes: 100 }],
    ['marks the answer', { type: 'label', labels: ['untrusted'] }],
  ])('is numbers alone where policy %s, which a sentence would be past', (_what, obligation) => {
    expect(told({ progress: 1, total: 2, message: 'reading' }, obligation)).toEqual({ progress: 1, total: 2 });
  });

  it.each<[string, Obligation]>([
    ['an input', { type: 'redact', target: 'input', paths: ['/text'] }],
    ['the time', { type: 'limit', ms: 100 }],
  ])('has its text where policy obliges to something about %s', (_what, obligation) => {
    expect(told({ progress: 1, message: 'reading' }, obligation)?.message).toBe('reading');
  });

  it('is nothing where everything is taken out', () => {
    expect(told({ progress: 1, total: 2 }, { type: 'redact', target: 'output', paths: ['/**'] })).toBeUndefined();
  });

  it('is nothing when it cannot be scanned', () => {
    expect(told({ progress: 1 }, { type: 'redact', target: 'output', detectors: ['rule-file'] })).toBeUndefined();
  });

  it.each([
    ['is one line', 'a\r\nb\u2028c', 'a b c'],
    ['commands no terminal and turns nothing round', '\u001b[2Ja\u202eb', '[2Jab'],
    ['has no half of a character', 'a\ud800b', 'ab'],
    ['has 256 characters at most', 'x'.repeat(300), 'x'.repeat(256)],
    ['ends with a whole character', `${'x'.repeat(255)}\u{1f600}`, 'x'.repeat(255)],
    ['is absent when there is nothing to read', ' \n\u200b', undefined],
    ['is absent when it is a flood', 'x'.repeat(4_097), undefined],
  ])('has a text that %s', (_what, message, shown) => {
    expect(told({ progress: 1, message })?.message).toBe(shown);
  });

  it('is redacted before it is cut', () => {
    const redact: Obligation = { type: 'redact', target: 'output', detectors: ['card'] };
    expect(told({ progress: 1, message: `${'x '.repeat(124)}${CARD}` }, redact)?.message).not.toContain('4111');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 4222222222222])('is nothing when its amount is %d', (progress) => {
    expect(told({ progress })).toBeUndefined();
    expect(told({ progress: 1, total: progress })).toBeUndefined();
  });
});

describe('how often progress is told', () => {
  it('is at once, and then of all that was said in between the last', async () => {
    const { report, stop, sent, until } = atWork();
    for (let progress = 1; progress <= 50; progress++) report({ progress });
    await until(2);
    stop();
    expect(sent.map(({ progress }) => progress.progress)).toEqual([1, 50]);
  });

  it('is so many times for a call, and never again', async () => {
    const { report, stop, sent, until } = atWork([], { everyMs: 1, reportsMax: 3 });
    for (let count = 1; count <= 3; count++) {
      report({ progress: count });
      await until(count);
    }
    report({ progress: 4 });
    report({ progress: 5 });
    stop();
    expect(sent.map(({ progress }) => progress.progress)).toEqual([1, 2, 3]);
  });

  it('is not once the call is over, also of what waited', async () => {
    const { report, stop, sent } = atWork();
    report({ progress: 1 });
    report({ progress: 2 });
    stop();
    report({ progress: 3 });
    // What waits as long and began later is told: so what waited here would have been.
    const later = atWork();
    later.report({ progress: 1 });
    later.report({ progress: 2 });
    await later.until(2);
    later.stop();
    expect(sent.map(({ progress }) => progress.progress)).toEqual([1]);
  });
});
