import { DecisionServiceInMemory, STAFF_MAY_ECHO } from '../../../test/attacks/decision-service.js';
import { AccessInMemory, gateway, mail, MAIL_WORLD } from './authzen/access.fixture.js';
import { PolicyErrors } from './policy-errors.js';

function opened() {
  const lines: Record<string, unknown>[] = [];
  const clock = { nowMs: 0 };
  const errors = new PolicyErrors({ warn: (fields) => lines.push(fields) }, () => clock.nowMs);
  return { lines, clock, errors };
}

const about = (call: string) => ({ agent: 'support', call });
const failing = (...ids: readonly string[]) => ids.map((id) => ({ id, message: `${id} fails` }));

describe('policies that error', () => {
  it('are told in one line for each decision, with the call', () => {
    const { lines, errors } = opened();
    errors.note(about('c1'), failing('p', 'q'));
    errors.note(about('c2'), []);
    expect(lines).toEqual([
      {
        agent: 'support',
        call: 'c1',
        policies: [
          { id: 'p', message: 'p fails' },
          { id: 'q', message: 'q fails' },
        ],
      },
    ]);
  });

  it('are told once a second each, and counted every time', () => {
    const { lines, clock, errors } = opened();
    for (clock.nowMs = 0; clock.nowMs < 2_000; clock.nowMs += 10) errors.note(about('c'), failing('p'));
    expect(lines).toHaveLength(2);
    errors.note(about('other'), failing('p', 'q'));
    errors.note(about('other'), failing('p', 'q'));
    expect(lines.slice(2)).toMatchObject([{ policies: [{ id: 'p' }, { id: 'q' }] }]);
    expect(errors.details).toEqual({ byPolicy: { p: 202, q: 2 }, others: 0 });
  });

  it('are listed to a limit, and beyond 256 of them counted together', () => {
    const { lines, clock, errors } = opened();
    errors.note(about('c'), failing(...Array.from({ length: 300 }, (_, n) => `p${n}`)));
    expect(lines).toMatchObject([{ policies: { length: 16 } }]);
    for (let n = 300; n < 400; n++) errors.note(about('c'), failing(`p${n}`));
    expect(lines.slice(1)).toMatchObject([{ policies: [{ id: 'p300' }] }]);
    expect(Object.keys(errors.details.byPolicy)).toHaveLength(256);
    expect(errors.details.others).toBe(144);
    clock.nowMs = 1_000;
    errors.note(about('c'), failing('p400', 'p401'));
    expect(lines.slice(2)).toMatchObject([{ policies: [{ id: 'p400' }] }]);
    errors.note(about('c'), [{ id: 'p0', message: 'x'.repeat(1_000) }]);
    expect(lines.slice(3)).toEqual([{ ...about('c'), policies: [{ id: 'p0', message: 'x'.repeat(256) }] }]);
  });

  it('in the decision of a call are counted, once for a call that is asked again', async () => {
    const body = { '.': { left: { Var: 'context' as const }, attr: 'nothing' } };
    const broken = { ...STAFF_MAY_ECHO, id: 'broken', annotations: { id: 'broken' } };
    const policy = { ...broken, est: { ...broken.est, conditions: [{ kind: 'when' as const, body }] } };
    const service = new DecisionServiceInMemory([STAFF_MAY_ECHO, policy]);
    const echo = { v: 1, call: 'c', tool: 'demo.echo', args: { text: 'a value' } };
    await expect(service.send('support', 'tool.call', echo)).resolves.toBeUndefined();
    await service.send('support', 'tool.call', echo);
    expect(service.policyErrors.details.byPolicy).toEqual({ broken: 1 });
    expect(service.warnings).toEqual([
      { agent: 'support', call: 'c', policies: [{ id: 'broken', message: 'does not have the attribute `nothing`' }] },
    ]);
  });

  it('in an evaluation for another enforcement point are counted as well', async () => {
    const broken = 'permit (principal, action, resource) when { context.input.count + 9007199254740991 > 0 };';
    const access = new AccessInMemory({ ...MAIL_WORLD, policies: { ...MAIL_WORLD.policies, broken } });
    await expect(access.point.evaluation(mail(), gateway)).resolves.toMatchObject({ decision: true });
    expect(access.policyErrors.details.byPolicy).toEqual({ broken: 1 });
  });
});
