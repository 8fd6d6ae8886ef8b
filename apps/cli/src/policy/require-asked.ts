import { Fault } from '#writ/faults';
import type { Replay } from '#writ/policy-testing';

/** A comparison that asked nothing proves nothing: throws CONFIG_NOT_FOUND, which says what was missing. */
export function requireAsked(count: number, why: string): void {
  if (count === 0) throw new Fault('CONFIG_NOT_FOUND', `nothing was asked: ${why}`);
}

/** Why a replay made no decision again. */
export function whyNone(unreplayable: Replay['unreplayable']): string {
  const reasons = [...unreplayable].map(([reason, count]) => `${reason}: ${count}`);
  if (reasons.length === 0) return 'no decision is on record there';
  return `no decision on record can be made again (${reasons.join(', ')})`;
}
