import { Authority, SigningKey, trustedKey } from '#writ/signing';
import { Integrator, type LedgerMessage } from '#writ/tlog';
import { buildHealthyLedger, LedgerBuilder } from '../../../test/harness/ledger-builder.js';
import { Violations } from './violations.js';

const issued = { type: 'agent.identity.issued', who: { agent: 'support' }, key: 'UABC' } as const;

/** What is told of these messages, on record and in the log. */
function toldOf(messages: readonly LedgerMessage[], builder: LedgerBuilder, authority = builder.deployment.authority) {
  const recorded: unknown[] = [];
  const logged: string[] = [];
  const violations = new Violations(
    (body) => Promise.resolve(void recorded.push(body)),
    { error: (_fields, message) => void logged.push(message) },
    () => 0,
  );
  const integrator = new Integrator(authority);
  for (const message of messages) violations.note(integrator.integrate(message));
  return { recorded, logged, refused: Object.fromEntries(violations.refused) };
}

describe('Violations', () => {
  it('has nothing to say of a healthy ledger', () => {
    const builder = buildHealthyLedger(3);
    expect(toldOf(builder.messages, builder)).toEqual({ recorded: [], logged: [], refused: {} });
  });

  it('puts two histories of a producer on record', () => {
    const builder = new LedgerBuilder();
    builder.block('operator', [builder.entry('operator', issued)]);
    const twin = new LedgerBuilder();
    twin.block('operator', [twin.entry('operator', { ...issued, key: 'UXYZ' })]);
    builder.append('ledger.block.operator', twin.messages[0]?.data ?? Buffer.alloc(0));
    const { recorded, refused } = toldOf(builder.messages, builder);
    expect(recorded).toMatchObject([
      { type: 'ledger.integrity.violation', why: { code: 'fork' }, seq: 2, by: 'operator' },
    ]);
    expect(refused).toEqual({ fork: 1 });
  });

  it('puts a block under a key that was revoked on record: somebody still has that key', () => {
    const builder = new LedgerBuilder();
    const { bundle, key } = builder.deployment;
    const next = trustedKey(new SigningKey('operator', Buffer.alloc(32, 77)).verifyKey, 'operator', 'operator', [
      'operator',
    ]);
    const keys = bundle.keys.map((record) =>
      record.id === key('operator').id ? { ...record, next: next.id, until: { seq: 1, size: 1 } } : record,
    );
    for (let block = 0; block < 3; block++) builder.block('operator', [builder.entry('operator', issued)]);
    const { recorded, refused } = toldOf(
      builder.messages,
      builder,
      new Authority({ ...bundle, keys: [...keys, next] }),
    );
    expect(recorded).toMatchObject([
      { type: 'ledger.integrity.violation', why: { code: 'expired_key' }, seq: 2, by: 'operator' },
    ]);
    expect(refused).toEqual({ expired_key: 2 });
  });

  it('puts a missing block on record, once a second for each producer', () => {
    const builder = new LedgerBuilder();
    for (let block = 0; block < 6; block++) builder.block('operator', [builder.entry('operator', issued)]);
    const kept = builder.messages.filter((_message, index) => index % 2 === 0);
    const { recorded } = toldOf(kept, builder);
    expect(recorded).toMatchObject([{ why: { code: 'gap' }, by: 'operator' }]);
  });

  it('counts junk and logs it, and adds no entry to it: whoever may publish could make as many as he likes', () => {
    const builder = new LedgerBuilder();
    for (let n = 0; n < 100; n++) builder.append('ledger.block.operator', Buffer.from(`junk ${n}`));
    const { recorded, logged, refused } = toldOf(builder.messages, builder);
    expect(recorded).toEqual([]);
    expect(logged).toHaveLength(1);
    expect(refused).toEqual({ malformed: 100 });
  });
});
