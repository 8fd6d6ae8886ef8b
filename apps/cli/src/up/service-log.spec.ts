import { shortLine } from './service-log.js';

describe('shortLine', () => {
  it.each([
    // line                                                                                 said
    ['{"level":50,"msg":"pulling failed","detail":"timeout"}', 'error: pulling failed (timeout)'],
    ['{"level":40,"msg":"the rules changed"}', 'warning: the rules changed'],
    ['{"level":60,"msg":"gone","code":"LEDGER_FENCED","detail":"x"}', 'fatal: gone (LEDGER_FENCED: x)'],
    ['POLICY_PARSE: a.cedar:1:1: bad', 'POLICY_PARSE: a.cedar:1:1: bad'],
    ['{"level":50,"msg":"no","detail":"\\u001b[2J\\n"}', 'error: no (\ufffd[2J\ufffd)'],
    ['{"not":"a log line"}', '{"not":"a log line"}'],
  ])('of %s is %s', (line, said) => {
    expect(shortLine(line)).toBe(said);
  });

  it('is short', () => {
    expect(shortLine('x'.repeat(5_000)).length).toBe(600);
  });
});
