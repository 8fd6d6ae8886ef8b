import { executorOf, isReplyRoute, parseDecideSubject, subjects } from './subjects.js';

describe('parseDecideSubject', () => {
  it('reads the shard, tenant, agent and operation that the broker authorised', () => {
    expect(parseDecideSubject('decide.0.default.support.tool.call')).toEqual({
      shard: 0,
      tenant: 'default',
      agent: 'support',
      operation: 'tool.call',
    });
  });

  it.each(['', 'decide', 'decide.0.default.support', 'req.support.tool.call', 'command.0.default.support.tool.call'])(
    'takes `%s` for no decide subject',
    (subject) => {
      expect(parseDecideSubject(subject)).toBeUndefined();
    },
  );
});

describe('isReplyRoute', () => {
  it('takes a route that the service export made', () => {
    expect(isReplyRoute('_R_.AbC123.Def456')).toBe(true);
  });

  it.each([
    undefined,
    '',
    '_R_',
    '_R_.',
    '_R_.a.',
    '_R_.*',
    '_R_.>',
    '_INBOX.support.1',
    'ledger.block.pdp-0',
    '$JS.API.STREAM.DELETE.LEDGER',
    '_R_.a b',
  ])('takes %j for a subject that an attacker chose', (reply) => {
    expect(isReplyRoute(reply)).toBe(false);
  });
});

describe('subjects', () => {
  it('names the executor of each kind of request', () => {
    expect([executorOf('tool.call'), executorOf('memory.query'), executorOf('egress.fetch')]).toEqual([
      'tool',
      'memory',
      'egress',
    ]);
  });

  it('has one subject for the blocks of a producer, and one consumer for each way of delivery', () => {
    expect(subjects.ledgerBlock('pdp-0')).toBe('ledger.block.pdp-0');
    expect(subjects.commandConsumer('tool', 'once', 'default')).toBe('tool-once-default');
  });
});
