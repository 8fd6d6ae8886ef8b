import type { PolicySource } from './bundle.js';
import { placeOf } from './compile-policy.js';
import { effectOffset } from './policy-text.js';

/** A policy that is not the same in two sets, by its id. */
export interface PolicyDifference {
  readonly change: 'added' | 'removed' | 'changed';
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  /** `policies/slack.cedar:19`, where its effect stands in the newer set; in the older one when it was removed. */
  readonly at: string;
  readonly before?: string;
  readonly after?: string;
}

/** What differs between two sets of policies. The order of policies and the file that they stand in mean nothing. */
export function comparePolicies(
  before: readonly PolicySource[],
  after: readonly PolicySource[],
): readonly PolicyDifference[] {
  const old = new Map(before.map((policy) => [policy.id, policy]));
  const fresh = new Map(after.map((policy) => [policy.id, policy]));
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .toSorted()
    .flatMap((id) => difference(old.get(id), fresh.get(id)));
}

function difference(before: PolicySource | undefined, after: PolicySource | undefined): readonly PolicyDifference[] {
  const shown = after ?? before;
  if (shown === undefined || (before?.text === after?.text && before?.set === after?.set)) return [];
  return [
    {
      change: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed',
      id: shown.id,
      effect: shown.est.effect,
      at: `${shown.file}:${placeOf(shown, effectOffset(shown.text)).line}`,
      ...(before === undefined ? {} : { before: before.text }),
      ...(after === undefined ? {} : { after: after.text }),
    },
  ];
}
