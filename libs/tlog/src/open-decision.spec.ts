import type { Json, PayloadValue } from '#writ/contracts';
import { commit, newSalt } from './commitment.js';
import { openDecision } from './open-decision.js';

const ASKED = { to: 'x' };
const COMMAND = { call: 'a', args: ASKED, obligations: [] };
const [IN_SALT, CMD_SALT] = [newSalt(), newSalt()];
const ALLOWED = {
  io: { in: commit(IN_SALT, '/in', ASKED), in_len: 10 },
  cmd: commit(CMD_SALT, '/cmd', COMMAND),
};
const DENIED = { io: ALLOWED.io };
const asked = (value: Json = ASKED, salt = IN_SALT): PayloadValue => ({ path: '/in', salt, value });
const command = (value: Json): PayloadValue => ({ path: '/cmd', salt: CMD_SALT, value });

describe('openDecision', () => {
  it('gives what was asked, and the command with its arguments, which are stored once', () => {
    const { args: _args, ...rest } = COMMAND;
    const opened = { status: 'opens', asked: ASKED, command: COMMAND };
    expect(openDecision(ALLOWED, [asked(), command(rest)])).toEqual(opened);
    expect(openDecision(ALLOWED, [asked(), command(COMMAND)])).toEqual(opened);
    expect(openDecision(DENIED, [asked()])).toEqual({ status: 'opens', asked: ASKED });
  });

  it('gives the arguments of the command that a redaction changed', () => {
    const redacted = { ...COMMAND, args: { to: '[redacted]' } };
    const entry = { ...ALLOWED, cmd: commit(CMD_SALT, '/cmd', redacted) };
    expect(openDecision(entry, [asked(), command(redacted)])).toMatchObject({ command: redacted });
  });

  it.each([
    // stored                                says       entry
    ['nothing', undefined, 'gone', ALLOWED],
    ['no value of it', [], 'gone', DENIED],
    ['no command of an allow', [asked()], 'gone', ALLOWED],
    ['another argument', [asked({ to: 'y' }), command(COMMAND)], 'differs', ALLOWED],
    ['another salt', [asked(ASKED, newSalt())], 'differs', DENIED],
    ['another command', [asked(), command({ ...COMMAND, obligations: [{}] })], 'differs', ALLOWED],
    ['a command that is none', [asked(), command('permit')], 'differs', ALLOWED],
    ['another command behind the right one', [asked(), command({}), command(COMMAND)], 'differs', ALLOWED],
  ] as const)('believes nothing of it where there is %s', (_case, stored, status, entry) => {
    expect(openDecision(entry, stored)).toEqual({ status });
  });
});
