import {
  Denied,
  Expired,
  Failed,
  Indeterminate,
  NotPermitted,
  Refused,
  Unanswered,
  Unavailable,
  WritError,
} from '#writ/agent-sdk';
import { exitOf, tellError } from './run-call.js';

describe('the end of a call', () => {
  function told(error: WritError): readonly string[] {
    const noted: string[] = [];
    tellError(error, {}, { print: fail, note: (line) => noted.push(line), isColoured: false, exitCode: 0 });
    return noted;
  }
  const fail = () => {
    throw new Error('nothing is an answer here');
  };

  it('that policy denied says how an operator sees the reason', () => {
    const denied = new Denied('guests do not act', { code: 'policy_forbids', callId: 'c-1', entry: '01M8' });
    expect(told(denied)).toEqual([
      'policy_forbids: guests do not act',
      'denied: call c-1, entry 01M8',
      'why, for an operator: writ explain c-1',
    ]);
  });

  it('that nobody waited for says how to ask for it', () => {
    const unanswered = new Unanswered('the call is still running', { code: 'UNANSWERED', callId: 'c-3' });
    expect(told(unanswered)).toEqual([
      'UNANSWERED: the call is still running',
      'unanswered: call c-3',
      'what came of it: writ call --as AGENT result c-3',
    ]);
  });

  it('that failed says what failed, and that is all', () => {
    const failed = new Failed('no answer', { code: 'EXECUTOR_TIMEOUT', callId: 'c-2' });
    expect(told(failed)).toEqual(['EXECUTOR_TIMEOUT: no answer', 'failed: call c-2']);
  });
});

describe('the exit code of a call', () => {
  it.each([
    // because                                             error                                       exit
    ['policy said no', new Denied('no', { code: 'policy_forbids' }), 1],
    ['it could not be decided', new Refused('no', { code: 'INPUT_UNKNOWN_TOOL' }), 1],
    ['the bus refused the key', new NotPermitted('no', { code: 'KEY_REFUSED' }), 1],
    ['it ran and failed', new Failed('no', { code: 'EXECUTOR_FAILED' }), 2],
    ['it never ran', new Expired('no', { code: 'EXPIRED' }), 2],
    ['nobody can say', new Indeterminate('no', { code: 'INDETERMINATE' }), 2],
    ['it may have run', new Unanswered('no', { code: 'UNANSWERED' }), 2],
    ['nothing was done', new Unavailable('no', { code: 'DECISION_UNAVAILABLE' }), 69],
    ['the profile is bad', new WritError('no', { code: 'PROFILE_INVALID' }), 78],
  ])('says that %s', (_because, error, exit) => {
    expect(exitOf(error)).toBe(exit);
  });
});
