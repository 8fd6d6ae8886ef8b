import type { EntryBody } from '#writ/contracts';
import { type ExecutorDependencies, TakenCommands } from '#writ/execution';
import type { PulledMessage } from '#writ/nats';
import { Test } from '@nestjs/testing';
import { EXECUTOR, executeHandlerFor } from './execute.handler.js';

interface Handler {
  once(message: PulledMessage): Promise<void>;
  retry(message: PulledMessage): Promise<void>;
}

/** An executor of that kind that is handed messages which are no commands; what it settled and recorded. */
async function anExecutor(kind: 'tool' | 'memory' | 'egress') {
  const recorded: EntryBody[] = [];
  const settled: string[] = [];
  const dependencies = {
    identity: { tenant: 'default', kind, pool: 'default' },
    append: (body: EntryBody) => Promise.resolve(void recorded.push(body)),
    taken: new TakenCommands(() => 0),
    now: () => 0,
    log: { info: () => undefined, error: () => undefined },
  } as unknown as ExecutorDependencies;
  const controller = executeHandlerFor(kind);
  const module = await Test.createTestingModule({
    controllers: [controller],
    providers: [{ provide: EXECUTOR, useValue: dependencies }],
  }).compile();
  const message: PulledMessage = {
    seq: 1,
    subject: `cmd.${kind}.once.default`,
    data: Buffer.from('nonsense'),
    storedMs: 0,
    deliveries: 1,
    msgId: undefined,
    ack: () => settled.push('ack'),
    ackConfirmed: () => Promise.resolve(),
    nak: () => settled.push('nak'),
    working: () => undefined,
    term: () => settled.push('term'),
  };
  return { handler: module.get<Handler>(controller), message, recorded, settled };
}

describe('the handler of an executor', () => {
  it.each(['tool', 'memory', 'egress'] as const)(
    'of kind %s takes what is no command out of the queue, on record: EXECUTOR-06',
    async (kind) => {
      const { handler, message, recorded, settled } = await anExecutor(kind);
      await handler.once(message);
      await handler.retry(message);
      expect(settled).toEqual(['term', 'term']);
      const refused = { type: 'command.refused', why: { code: 'COMMAND_MALFORMED' }, dec: { seq: 0, i: 0 } };
      expect(recorded).toMatchObject([refused, refused]);
    },
  );
});
