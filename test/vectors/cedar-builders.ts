import type { Json } from '#writ/contracts';
import { EXTENSIONS, type Kind, KINDS, SHORT_DURATIONS } from './cedar-world.js';

/** Random nodes of Cedar's JSON expressions. */
export interface Choices {
  readonly random: () => number;
  pick<T>(choices: readonly T[]): T;
  chance(probability: number): boolean;
}

export const value = (json: Json): Json => ({ Value: json });
export const variable = (name: string): Json => ({ Var: name });
export const attribute = (left: Json, attr: string): Json => ({ '.': { left, attr } });
export const pair = (operator: string, left: Json, right: Json): Json => ({ [operator]: { left, right } });
export const call = (name: string, ...args: readonly Json[]): Json => ({ [name]: [...args] });
export const CONTEXT = variable('context');

export type Sub = (kind: Kind) => Json;
export type Builder = (generator: Choices, sub: Sub) => Json;
const COMPARISONS = ['<', '<=', '>', '>='];

export const LONGS: readonly Builder[] = [
  (g, sub) => pair(g.pick(['+', '-', '*']), sub('long'), sub('long')),
  (_g, sub) => ({ neg: { arg: sub('long') } }),
  (_g, sub) => ({ 'if-then-else': { if: sub('bool'), then: sub('long'), else: sub('long') } }),
  (_g, sub) => sub('long'),
];

export const FOCUSED: readonly Builder[] = [
  (g, sub) => {
    const kind = g.pick<Kind>(['datetime', 'duration']);
    return pair(g.pick(COMPARISONS), sub(kind), sub(kind));
  },
  (g, sub) => {
    const unit = g.pick(['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays']);
    return pair(g.pick(COMPARISONS), call(unit, call('duration', value(g.pick(SHORT_DURATIONS)))), sub('long'));
  },
  (g, sub) =>
    call(g.pick(['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual']), sub('decimal'), sub('decimal')),
  (g, sub) => call(g.pick(['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast']), sub('ip')),
  (_g, sub) => call('isInRange', sub('ip'), sub('ip')),
  (g, sub) =>
    pair(
      'hasTag',
      sub('entity'),
      g.chance(0.3) ? sub('string') : value(g.pick(['a', 'é', 'constructor', '__proto__'])),
    ),
  (g, sub) => {
    const kind = g.pick(EXTENSIONS);
    return pair(g.pick(['==', '!=']), sub(kind), sub(kind));
  },
  (g, sub) => {
    const kind = g.pick(EXTENSIONS);
    return pair('contains', { Set: [sub(kind), sub(kind)] }, sub(kind));
  },
];

export const BOOLEANS: readonly Builder[] = [
  ...FOCUSED,
  (_g, sub) => ({ '!': { arg: sub('bool') } }),
  (_g, sub) => pair('&&', sub('bool'), sub('bool')),
  (_g, sub) => pair('&&', sub('bool'), sub('bool')),
  (_g, sub) => pair('||', sub('bool'), sub('bool')),
  (g, sub) => {
    const kind = g.pick(KINDS);
    return pair(g.pick(['==', '!=']), sub(kind), sub(g.chance(0.85) ? kind : g.pick(KINDS)));
  },
  (g, sub) => pair(g.pick(COMPARISONS), sub('long'), sub('long')),
  (g, sub) => pair('in', sub('entity'), g.chance(0.7) ? sub('entity') : { Set: [sub('entity'), sub('entity')] }),
  (g, sub) => pair('contains', sub('set'), sub(g.pick<Kind>(['string', 'long', 'entity', ...EXTENSIONS]))),
  (g, sub) => pair(g.pick(['containsAll', 'containsAny']), sub('set'), sub('set')),
  (_g, sub) => ({ isEmpty: { arg: sub('set') } }),
  (g, sub) => ({
    has: {
      left: sub(g.pick<Kind>(['record', 'entity'])),
      attr: g.pick(['k', 'name', 'lvl', 'zzz', 'title', 'n', 'toString', 'ip']),
    },
  }),
  (g) => ({
    has: {
      left: CONTEXT,
      attr: g.pick([
        ['rec', 'k'],
        ['rec', 'name', 'x'],
        ['zzz', 'k'],
      ]),
    },
  }),
  (g, sub) => {
    const pattern = Array.from({ length: Math.floor(g.random() * 5) }, () =>
      g.chance(0.45) ? 'Wildcard' : { Literal: g.pick(['a', 'b', 'A', '*', 'é', '🎉']) },
    );
    return { like: { left: sub('string'), pattern } };
  },
  (g, sub) => ({ is: { left: sub('entity'), entity_type: g.pick(['User', 'Doc', 'Team']) } }),
  (g, sub) => ({ is: { left: sub('entity'), entity_type: g.pick(['User', 'Doc']), in: sub('entity') } }),
  (_g, sub) => ({ 'if-then-else': { if: sub('bool'), then: sub('bool'), else: sub('bool') } }),
  (_g, sub) => pair('==', sub('set'), sub('set')),
];
