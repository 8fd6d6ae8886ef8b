import fc from 'fast-check';
import type { Json, JsonObject } from '#writ/contracts';
import { compilePolicies, type Entity, PolicyJson, type PolicySet, recordEntity, uids } from './index.js';
import { couldPermit } from './could-permit.js';
import { decide } from './decide.js';

const input = (name: string): Json => ({
  '.': { left: { '.': { left: { Var: 'context' }, attr: 'input' } }, attr: name },
});
const isGet: Json = { '==': { left: input('method'), right: { Value: 'GET' } } };
const labelled = (label: string): Json => ({
  contains: { left: { '.': { left: { Var: 'resource' }, attr: 'labels' } }, right: { Value: label } },
});
const entity = (type: string, id: string, parents: Entity['parents'] = []): Entity => ({
  uid: { type, id },
  attrs: {},
  parents,
});
const ENTITIES: readonly Entity[] = [
  entity('Agent', 'ada', [uids.team('staff')]),
  entity('Agent', 'gus'),
  entity('Tool', 'mail'),
  entity('Namespace', 'notes'),
  entity('Namespace', 'other'),
];

interface Draft {
  readonly effect: 'permit' | 'forbid';
  readonly principal?: Json;
  readonly resource?: Json;
  readonly conditions?: readonly Json[];
  readonly obligations?: string;
}

function setOf(...drafts: readonly Draft[]): PolicySet {
  const policies = drafts.map(({ effect, principal, resource, conditions = [], obligations }, i) => ({
    set: 'policies' as const,
    id: `p${i}`,
    file: 'policies/test.cedar',
    line: 1,
    col: 1,
    text: '',
    est: PolicyJson.parse({
      effect,
      principal: principal ?? { op: 'All' },
      action: { op: 'All' },
      resource: resource ?? { op: 'All' },
      conditions,
    }),
    annotations: { ...(obligations !== undefined && { obligations }) },
  }));
  return compilePolicies({ v: 1, hash: `sha256:${'0'.repeat(64)}`, cedarVersion: '0', policies }, ENTITIES);
}

const when = (body: Json): Json => ({ kind: 'when', body });
const unless = (body: Json): Json => ({ kind: 'unless', body });
const STAFF: Json = { op: 'in', entity: uids.team('staff') };
const mail = (agent: string) => ({
  principal: uids.agent(agent),
  action: uids.action('mail'),
  resource: uids.tool('mail'),
});
const notes = {
  principal: uids.agent('ada'),
  action: uids.action('query'),
  resource: { anyRecordOf: uids.namespace('notes') },
};

describe('couldPermit', () => {
  it.each<[string, readonly Draft[], boolean]>([
    // case                                                       policies                                                            listed
    ['nothing is said', [], false],
    ['a permit asks about the arguments', [{ effect: 'permit', principal: STAFF, conditions: [when(isGet)] }], true],
    ['a permit is for others', [{ effect: 'permit', principal: { op: '==', entity: uids.agent('gus') } }], false],
    ['a condition fails whatever is asked', [{ effect: 'permit', conditions: [when({ Value: false })] }], false],
    ['an unless holds whatever is asked', [{ effect: 'permit', conditions: [unless({ Value: true })] }], false],
    ['a permit errs whatever is asked', [{ effect: 'permit', conditions: [when({ Value: 1 })] }], false],
    ['a forbid fires whatever is asked', [{ effect: 'permit' }, { effect: 'forbid' }], false],
    [
      'a forbid errs whatever is asked',
      [{ effect: 'permit' }, { effect: 'forbid', conditions: [when({ Value: 1 })] }],
      false,
    ],
    [
      'a forbid asks about the arguments',
      [{ effect: 'permit' }, { effect: 'forbid', conditions: [when(isGet)] }],
      true,
    ],
    [
      'a permit with obligations errs whatever is asked',
      [
        { effect: 'permit' },
        {
          effect: 'permit',
          conditions: [when({ Value: 1 })],
          obligations: '[{"type":"redact","target":"input","detectors":["card"]}]',
        },
      ],
      false,
    ],
  ])('when %s', (_case, policies, isListed) => {
    expect(couldPermit(setOf(...policies), mail('ada'))).toBe(isListed);
  });

  it.each<[string, readonly Draft[], boolean]>([
    ['a permit asks about the record', [{ effect: 'permit', conditions: [when(labelled('public'))] }], true],
    [
      'a permit is for another namespace',
      [{ effect: 'permit', resource: { op: 'in', entity: uids.namespace('other') } }],
      false,
    ],
    [
      'a permit is for one record of it',
      [{ effect: 'permit', resource: { op: '==', entity: { type: 'Record', id: 'notes/n' } } }],
      true,
    ],
    [
      'a condition asks whether it is one record',
      [
        {
          effect: 'permit',
          conditions: [
            when({
              '==': { left: { Var: 'resource' }, right: { Value: { __entity: { type: 'Record', id: 'notes/n' } } } },
            }),
          ],
        },
      ],
      true,
    ],
    [
      'a forbid covers the namespace',
      [{ effect: 'permit' }, { effect: 'forbid', resource: { op: 'in', entity: uids.namespace('notes') } }],
      false,
    ],
  ])('of a namespace when %s', (_case, policies, isListed) => {
    expect(couldPermit(setOf(...policies), notes)).toBe(isListed);
  });

  it('hides no record operation that is permitted on some record', () => {
    const condition = fc.constantFrom<Json>(when(labelled('a')), unless(labelled('b')), when(isGet), unless(isGet));
    const scope = fc.constantFrom<Json>(
      { op: 'All' },
      { op: 'in', entity: uids.namespace('notes') },
      { op: 'is', entity_type: 'Tool' },
    );
    const policy = fc.record({
      effect: fc.constantFrom('permit' as const, 'forbid' as const),
      resource: scope,
      conditions: fc.array(condition, { maxLength: 3 }),
    });
    let permitted = 0;
    fc.assert(
      fc.property(
        fc.array(policy, { maxLength: 4 }),
        fc.subarray(['a', 'b']),
        fc.constantFrom('GET', 'PUT', undefined),
        (drafts, labels, method) => {
          const set = setOf(...drafts);
          const context: JsonObject = { input: { ...(method !== undefined && { method }) } };
          const resource = recordEntity('notes', { id: 'n', owner: 'gus', labels });
          if (decide(set, { ...notes, resource, context }).effect !== 'permit') return;
          permitted++;
          expect(couldPermit(set, notes)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
    expect(permitted).toBeGreaterThan(20);
  });
});
