import { Fault } from '#writ/faults';
import type { AccessAnswer } from './access-answer.js';
import { AccessInMemory, auditor, gateway, mail, MAIL_WORLD } from './access.fixture.js';

const world = () => new AccessInMemory(MAIL_WORLD);

describe('a question that cannot be evaluated', () => {
  it('is on record at once, and those that follow as a count', async () => {
    const { point, recorded, ...access } = world();
    const asked = (id: string) => ({ ...mail(), subject: { type: 'agent', id } });
    const first = await point.evaluation(asked('n-0'), gateway);
    expect(first.context.evaluation_id).toBe(recorded[0]?.id);
    const rest = { ...mail(), evaluations: Array.from({ length: 100 }, (_each, n) => asked(`n-${n + 1}`)) };
    const { evaluations } = (await point.evaluations(rest, gateway)) as { evaluations: AccessAnswer[] };
    const no = { decision: false, context: { code: 'INPUT_UNKNOWN_AGENT', reason_user: { en: expect.any(String) } } };
    expect(evaluations).toEqual(Array.from({ length: 100 }, () => no));
    expect(recorded).toHaveLength(1);
    await point.flush(true);
    expect(recorded).toMatchObject([
      { type: 'access.refused', req: { sub: { id: 'n-0' } }, n: 1 },
      { type: 'access.refused', req: { sub: { id: 'n-1' } }, why: { code: 'INPUT_UNKNOWN_AGENT' }, n: 100 },
    ]);
    expect(access.lost).toEqual([]);
  });

  it('is counted by client and by code, minute by minute', async () => {
    const access = world();
    const { point, recorded } = access;
    const nobody = { ...mail(), subject: { type: 'agent', id: 'nobody' } };
    for (const caller of [gateway, auditor, gateway]) await point.evaluation(nobody, caller);
    await point.evaluation({ ...mail(), context: {} }, gateway);
    expect(recorded.map((entry) => entry.type === 'access.refused' && [entry.client, entry.why.code, entry.n])).toEqual(
      [
        ['gateway', 'INPUT_UNKNOWN_AGENT', 1],
        ['auditor', 'INPUT_UNKNOWN_AGENT', 1],
        ['gateway', 'INPUT_ARGUMENTS_INVALID', 1],
      ],
    );
    access.nowMs += 59_999;
    await point.flush();
    expect(recorded).toHaveLength(3);
    access.nowMs += 1;
    await point.flush();
    expect(recorded.slice(3)).toMatchObject([{ client: 'gateway', why: { code: 'INPUT_UNKNOWN_AGENT' }, n: 1 }]);
  });

  it('is a no also while the ledger cannot be written, and the log is told', async () => {
    const access = world();
    access.ledgerFault = new Fault('LEDGER_UNAVAILABLE', 'gone');
    const answer = await access.point.evaluation({ ...mail(), subject: { type: 'agent', id: 'nobody' } }, gateway);
    expect(answer).toMatchObject({ decision: false, context: { code: 'INPUT_UNKNOWN_AGENT' } });
    expect(answer.context.evaluation_id).toBeUndefined();
    expect(access.lost).toEqual(['gone']);
  });
});
