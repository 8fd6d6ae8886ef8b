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
import { exitOf } from './run-call.js';

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
