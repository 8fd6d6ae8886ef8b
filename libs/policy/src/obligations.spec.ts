import type { Obligation } from '#writ/contracts';
import { annotation, BROKEN, decideOn, forbid, permit, setOf } from '../../../test/vectors/decide-on.js';
import { planFilter } from './filter.js';
import { uids } from './model.js';
import { mergeObligations, readObligations } from './obligations.js';

const redact = (path: string): Obligation => ({ type: 'redact', target: 'output', paths: [path] });
const obliging = (list: readonly object[], rest = ''): string => `${annotation('obligations', list)} ${permit(rest)}`;

describe('readObligations', () => {
  it.each([
    [[{ type: 'redact', target: 'output' }], 'names neither paths nor detectors'],
    [[redact('/a'), { type: 'limit' }], 'limits neither bytes, rows nor ms at `1`'],
    [[{ type: 'limit', bytes: 0 }], '0.bytes'],
    [[{ type: 'label', labels: [] }], '0.labels'],
    [[{ type: 'label', labels: ['a b'] }], '0.labels'],
    [[{ type: 'filter' }], '0.where'],
    [[{ type: 'filter', where: { op: 'eq', field: 'text', value: 'x' } }], '0.where'],
    [[{ type: 'audit' }], '0.type'],
    [Array.from({ length: 33 }, () => redact('/a')), 'more than 32'],
    [[{ type: 'filter', where: nested(9) }], 'has too large a filter'],
    [{}, 'is not a list'],
  ])('says what is wrong with %j', (list, complaint) => {
    expect(readObligations(JSON.stringify(list))).toContain(complaint);
  });

  function nested(depth: number): object {
    return depth === 1 ? { op: 'isEmpty', field: 'labels' } : { op: 'not', arg: nested(depth - 1) };
  }
});

describe('mergeObligations', () => {
  it('takes the most restrictive of each', () => {
    const merged = mergeObligations([
      [redact('/a'), { type: 'limit', bytes: 100, ms: 50 }, { type: 'label', labels: ['external', 'a'] }],
      [redact('/b'), redact('/a'), { type: 'limit', bytes: 70, rows: 3 }, { type: 'label', labels: ['external'] }],
    ]);
    expect(merged).toEqual([
      redact('/a'),
      redact('/b'),
      { type: 'limit', bytes: 70, rows: 3, ms: 50 },
      { type: 'label', labels: ['a', 'external'] },
    ]);
  });

  it('keeps every filter', () => {
    const filters: Obligation[] = ['a', 'b'].map((value) => ({
      type: 'filter',
      where: { op: 'contains', field: 'labels', value },
    }));
    expect(mergeObligations([filters.slice(0, 1), filters])).toEqual(filters);
  });
});

describe('the second set', () => {
  const labelled = obliging([{ type: 'label', labels: ['external'] }]);

  it('permits nothing', () => {
    expect(decideOn({}, { obligations: { o: labelled } }).code).toBe('no_policy_permits');
  });

  it('obliges whichever permit fires, so that another one cannot shed an obligation', () => {
    const policies = { a: obliging([redact('/a')]), b: permit() };
    const { obligations, determining } = decideOn(policies, { obligations: { o: labelled } });
    expect(obligations).toEqual([redact('/a'), { type: 'label', labels: ['external'] }]);
    expect(determining.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(decideOn({ b: permit() }, { obligations: { o: labelled } }).obligations).toEqual([
      { type: 'label', labels: ['external'] },
    ]);
  });

  it('obliges to nothing where it does not match', () => {
    const never = obliging([redact('/a')], ' when { 1 == 2 }');
    expect(decideOn({ p: permit() }, { obligations: { o: never } }).obligations).toEqual([]);
  });

  it('denies when it cannot be known whether it obliges', () => {
    const decision = decideOn({ p: permit() }, { obligations: { o: obliging([redact('/a')], BROKEN) } });
    expect(decision).toMatchObject({ effect: 'forbid', code: 'obligation_unenforceable', obligations: [] });
    expect(decision.determining.map(({ id }) => id)).toEqual(['o']);
    expect(decision.errors).toEqual([{ id: 'o', message: 'does not have the attribute `missing`' }]);
  });

  it('does not weaken a forbid', () => {
    expect(decideOn({ p: permit(), f: forbid() }, { obligations: { o: labelled } }).code).toBe('policy_forbids');
  });

  describe('over memory records', () => {
    const where = (label: string) => ({ type: 'filter', where: { op: 'contains', field: 'labels', value: label } });
    const ask = (policies: Readonly<Record<string, string>>, obligations: Readonly<Record<string, string>>) =>
      planFilter(setOf(policies, obligations), {
        principal: uids.agent('support'),
        action: uids.action('query'),
        parent: uids.namespace('CRM.customers'),
        context: { input: { k: 3 } },
      });

    it('narrows what the policies let through', () => {
      const plan = ask({ p: permit() }, { o: obliging([where('public')]) });
      expect(plan).toMatchObject({ kind: 'some', predicate: { op: 'contains', field: 'labels', value: 'public' } });
    });

    it('narrows by the filters of all permits that may apply', () => {
      const plan = ask({ p: obliging([where('a')]), q: obliging([where('b')], ' when { resource.owner == "x" }') }, {});
      expect(plan).toMatchObject({
        predicate: {
          op: 'and',
          args: [
            { op: 'contains', field: 'labels', value: 'a' },
            { op: 'contains', field: 'labels', value: 'b' },
          ],
        },
      });
    });

    it('obliges for every record when it does for some', () => {
      const some = obliging([redact('/records/*/text')], ' when { resource.labels.contains("vip") }');
      expect(ask({ p: permit() }, { o: some }).obligations).toEqual([redact('/records/*/text')]);
    });

    it('denies when it cannot be evaluated', () => {
      expect(ask({ p: permit() }, { o: obliging([redact('/a')], BROKEN) })).toMatchObject({
        kind: 'none',
        code: 'obligation_unenforceable',
      });
    });
  });
});
