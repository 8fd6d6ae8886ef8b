import type { DecidedEntry } from '#writ/contracts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { policyTextAt } from './policy-text.js';

/** What is shown, and checked, of one decision: the agent's call and the policy that answered it. */
export interface DecisionView {
  readonly decision: 'allow' | 'deny';
  readonly code: string;
  /** `policies/slack.cedar:19` of the deciding policy, or of the nearest permit when none matched. */
  readonly at: string;
  readonly policy: string;
  readonly text: string;
  /** The clause of the nearest permit that failed; only when no policy matched. */
  readonly failed?: string;
}

/** Reads the policy that a decision names. `folder` is where writ.yaml stands. */
export async function viewDecision(entry: DecidedEntry, folder: string): Promise<DecisionView> {
  const [deciding] = entry.why.pol;
  const [nearest] = entry.why.near ?? [];
  const place = deciding ?? nearest;
  const said = { decision: entry.eff.d, code: entry.why.code };
  if (place === undefined) return { ...said, at: '', policy: '', text: '' };
  const source = await readFile(join(folder, place.file), 'utf8');
  return {
    ...said,
    at: `${place.file}:${place.line}`,
    policy: place.id,
    text: policyTextAt(source, place.line),
    ...(deciding === undefined && nearest !== undefined ? { failed: nearest.failed } : {}),
  };
}

/** The decision as lines for the terminal. */
export function printDecision(agent: string, what: string, view: DecisionView): string {
  const verdict = view.decision === 'allow' ? 'ALLOW' : 'DENY';
  const head = `${agent.padEnd(9)} ${what.padEnd(32)} ${verdict}  (${view.code})`;
  if (view.at === '') return head;
  const reason =
    view.failed === undefined
      ? `${view.at}  ${view.policy}`
      : `no permit matched; nearest: ${view.at}  ${view.policy}\nclause that failed: ${view.failed}`;
  return [head, indented(reason), indented(view.text, '| ')].join('\n');
}

function indented(text: string, mark = ''): string {
  return text.replaceAll(/^/gm, `          ${mark}`);
}
