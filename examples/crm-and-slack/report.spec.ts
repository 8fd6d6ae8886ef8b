import { jsonReport, terminalReport } from './report.js';
import { runStep } from './run-step.js';

function written(): { readonly text: () => string; write(text: string): void } {
  let all = '';
  return { text: () => all, write: (text) => void (all += text) };
}

describe('the report of the demonstration', () => {
  it('is one JSON object a step for machines, and nothing else', async () => {
    const output = written();
    const report = jsonReport(output);
    await runStep(report, { name: 'first', title: 'one' }, async () => {
      report.say('something happened');
      return { records: 5 };
    });
    await runStep(report, { name: 'second', title: 'two' }, () => Promise.reject(new Error('it did not')));
    report.close(1, 1, 7);
    const lines = output
      .text()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toEqual([
      { step: 'first', ok: true, ms: expect.any(Number), records: 5 },
      { step: 'second', ok: false, ms: expect.any(Number), error: 'it did not' },
      { step: 'summary', ok: false, ms: 7, passed: 1, failed: 1 },
    ]);
  });

  it('tells people what happens as it happens', async () => {
    const output = written();
    const report = terminalReport(output);
    const held = await runStep(report, { name: 'first', title: 'one' }, async () => {
      report.say('support  ALLOW\npolicies/slack.cedar:3');
      return {};
    });
    report.close(1, 0, 1234);
    expect(held).toBe(true);
    expect(output.text()).toMatch(
      /^\nfirst {2}one\n {2}support {2}ALLOW\n {2}policies\/slack\.cedar:3\n {2}first: held/,
    );
    expect(output.text()).toContain('1 steps in 1.2 s: every step held');
  });

  it('says what did not hold', async () => {
    const output = written();
    const held = await runStep(terminalReport(output), { name: 'x', title: 'y' }, () =>
      Promise.reject(new Error('no')),
    );
    expect(held).toBe(false);
    expect(output.text()).toMatch(/x: DID NOT HOLD \(\d+ ms\)\n {2}no\n/);
  });
});
