import type { Detector } from '#writ/contracts';
import { type Machine, machineOf, type RuleBits, bitsOf } from './anchors.js';
import { type Glance, glanceAt, signsOf } from './glance.js';
import type { RuleGroup } from './rule.js';
import { OWN_RULES } from './rules.js';

/** What is looked for: rules of Writ's own of some kinds, and the rules of a file. */
export interface Sought extends RuleBits {
  readonly kinds: ReadonlySet<Detector>;
  readonly rules: RuleGroup | undefined;
}

/** The anchors of all of Writ's own rules. */
const OWN_MACHINE: Machine = machineOf(
  OWN_RULES.map(({ anchors, pattern }) => ({ anchors, anyCase: pattern.ignoreCase })),
);

/** Their symbols, with the kinds of characters. */
const OWN_SIGNS = signsOf(OWN_MACHINE);

/** What one pass over a text says of it, to Writ's own rules. */
export const ownGlanceAt = (text: string): Glance => glanceAt(text, OWN_MACHINE, OWN_SIGNS);

/** What is looked for when these kinds are; the rules of a file only when they are among the kinds. */
export function soughtOf(kinds: Iterable<Detector>, rules?: RuleGroup): Sought {
  const all = new Set(kinds);
  let [low, high] = [0, 0];
  for (const [index, rule] of OWN_RULES.entries()) {
    const bits = bitsOf(index);
    if (!all.has(rule.kind)) continue;
    low |= bits.low;
    high |= bits.high;
  }
  return { kinds: all, rules: all.has('rule-file') ? rules : undefined, low, high };
}
