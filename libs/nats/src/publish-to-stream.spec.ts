import { storedMsgId } from './publish-to-stream.js';

const idOf = (...lines: readonly string[]) => storedMsgId({ headerText: () => [...lines, '', ''].join('\r\n') });

describe('the id under which a stream took a message', () => {
  it('is the one of the headers that Writ writes', () => {
    expect(idOf('NATS/1.0', 'Nats-Msg-Id: a-B_9')).toBe('a-B_9');
    expect(idOf('NATS/1.0', 'Nats-Msg-Id: a', 'Nats-Expected-Stream: COMMANDS')).toBe('a');
  });

  // Each of these is one id to a parser that trims, folds case or takes the last value, and another to the server.
  it.each([
    ['a blank behind it', ['NATS/1.0', 'Nats-Msg-Id: a ']],
    ['a tabulator before it', ['NATS/1.0', 'Nats-Msg-Id: \ta']],
    ['no blank before it', ['NATS/1.0', 'Nats-Msg-Id:a']],
    ['a second one', ['NATS/1.0', 'Nats-Msg-Id: a', 'Nats-Msg-Id: b']],
    ['another one in front', ['NATS/1.0', 'X: Nats-Msg-Id: b', 'Nats-Msg-Id: a']],
    ['a name in lower case', ['NATS/1.0', 'nats-msg-id: a']],
    ['a status', ['NATS/1.0 100', 'Nats-Msg-Id: a']],
    ['another header', ['NATS/1.0', 'Nats-Msg-Id: a', 'Nats-Trace-Dest: b']],
    ['a bare line feed', ['NATS/1.0', 'Nats-Msg-Id: a\nNats-Msg-Id: b']],
    ['nothing', ['']],
  ])('is not certain with %s', (_case, lines) => {
    expect(idOf(...lines)).toBeUndefined();
  });
});
