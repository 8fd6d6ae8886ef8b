import type { DecidedEntry, EntryOf } from '#writ/contracts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { policyTextAt } from './policy-text.js';

/** A policy that a decision names: where it stands and what it says. */
export interface PolicyView {
  readonly id: string;
  /** `policies/slack.cedar:19` */
  readonly at: string;
  readonly text: string;
}

/** What is shown, and checked, of one decision. */
export interface DecisionView {
  readonly decision: 'allow' | 'deny';
  readonly code: string;
  /** The permits of an allow, the forbids of a denial; for a default deny none. */
  readonly deciding: readonly PolicyView[];
  /** Forbids that an allow was narrowed by: what they forbid is left out of the search. */
  readonly narrowing: readonly PolicyView[];
  /** For a default deny: the permit that came nearest, and the clause of it that failed. */
  readonly nearest: (PolicyView & { readonly failed: string }) | undefined;
}

/**
 * Reads the policies that a decision names, and of a default deny the one that its explanation says came nearest. `folder` is where
 * writ.yaml stands.
 */
export async function viewDecision(
  entry: DecidedEntry,
  folder: string,
  explained?: Pick<EntryOf<'decision.explained'>, 'near'>,
): Promise<DecisionView> {
  const view = async ({ id, file, line }: { id: string; file: string; line: number }): Promise<PolicyView> => ({
    id,
    at: `${file}:${line}`,
    text: policyTextAt(await readFile(join(folder, file), 'utf8'), line),
  });
  const wanted = entry.eff.d === 'allow' ? 'permit' : 'forbid';
  const near = explained?.near[0];
  return {
    decision: entry.eff.d,
    code: entry.why.code,
    deciding: await Promise.all(entry.why.pol.filter(({ effect }) => effect === wanted).map(view)),
    narrowing: await Promise.all(entry.why.pol.filter(({ effect }) => effect !== wanted).map(view)),
    nearest: near === undefined ? undefined : { ...(await view(near)), failed: near.failed },
  };
}

/** The decision as lines for the terminal. */
export function printDecision(agent: string, what: string, view: DecisionView): string {
  const lines = [
    `${agent.padEnd(9)} ${what.padEnd(36)} ${view.decision === 'allow' ? 'ALLOW' : 'DENY'}  (${view.code})`,
  ];
  for (const policy of view.deciding) lines.push(`${policy.at}  ${policy.id}`, quoted(policy.text));
  for (const policy of view.narrowing) lines.push(`narrowed by ${policy.at}  ${policy.id}`, quoted(policy.text));
  if (view.deciding.length === 0 && view.nearest !== undefined) {
    const { at, id, failed, text } = view.nearest;
    lines.push(`no permit matched; the nearest is ${at}  ${id}`, `what failed: ${failed}`, quoted(text));
  }
  return lines.join('\n').replaceAll('\n', '\n          ');
}

function quoted(text: string): string {
  return text.replaceAll(/^/gm, '| ');
}
