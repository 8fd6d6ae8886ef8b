import { Fault, type FaultCode } from '#writ/faults';
import { BusError } from '#writ/nats';
import { failureOf, UsageError } from './failure.js';

describe('failureOf', () => {
  it.each<[FaultCode, number]>([
    ['CONFIG_INVALID', 78],
    ['CONFIG_DATA_DIR_LOCKED', 78],
    ['POLICY_PARSE', 78],
    ['CONFIG_NOT_RUNNING', 69],
    ['LEDGER_UNAVAILABLE', 69],
    ['LEDGER_CORRUPT', 1],
    ['INPUT_BAD_NAME', 64],
    ['INPUT_UNKNOWN_CALL', 1],
    ['INTERNAL', 1],
  ])('ends with its own exit code for %s', (code, exit) => {
    expect(failureOf(new Fault(code, 'a sentence'))).toEqual({ code, message: 'a sentence', exit });
  });

  it('tells the causes with the sentence, but not those of policies, whose problems are the sentence', () => {
    const cause = new Error('no space left');
    expect(failureOf(new Fault('CONFIG_DATA_DIR', 'cannot be written', { cause })).message).toBe(
      'cannot be written: no space left',
    );
    expect(failureOf(new Fault('POLICY_PARSE', 'a.cedar:1:1: bad', { cause })).message).toBe('a.cedar:1:1: bad');
  });

  it('takes a silent bus for unavailable, wrong usage for 64, and anything else for a bug', () => {
    expect(failureOf(new BusError('timeout', 'no answer'))).toMatchObject({ exit: 69 });
    expect(failureOf(new UsageError('so not'))).toEqual({ code: 'USAGE', message: 'so not', exit: 64 });
    expect(failureOf(new TypeError('x is not a function'))).toMatchObject({ code: 'INTERNAL', exit: 1 });
  });
});
