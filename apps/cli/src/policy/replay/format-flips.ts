import type { FlipGroup, Replay } from '#writ/policy-testing';
import type { Paint } from '../../paint.js';
import { printableIn } from '../../printable.js';

/** Flips for people: change by change, agent and policy line, the largest first. */
export function formatFlips(found: readonly FlipGroup[], paint: Paint): readonly string[] {
  // Policies that are tried out are read before anybody trusts their author.
  const groups = printableIn(found);
  const changes = [...new Set(groups.map(({ change }) => change))];
  return changes.flatMap((change) => {
    const own = groups.filter((group) => group.change === change);
    const count = own.reduce((sum, group) => sum + group.count, 0);
    return [paint('bold', `${change}  ${count}`), ...own.flatMap((group) => formatGroup(group, paint))];
  });
}

function formatGroup(
  { agent, policy, nearest, gained = [], lost = [], count, examples }: FlipGroup,
  paint: Paint,
): readonly string[] {
  const more = count > examples.length ? ', …' : '';
  return [
    `  ${String(count).padStart(6)}  ${agent.padEnd(12)} ${policy}`,
    ...(nearest === undefined ? [] : [`          ${paint('dim', `nearest now: ${nearest}`)}`]),
    ...gained.map((obligation) => `          ${paint('green', `+ ${obligation}`)}`),
    ...lost.map((obligation) => `          ${paint('red', `- ${obligation}`)}`),
    `          ${paint('dim', `such as ${examples.join(', ')}${more}`)}`,
  ];
}

/** What could not be decided again, and why. */
export function formatUnreplayable({ unreplayable }: Replay): readonly string[] {
  return [...unreplayable].map(([why, count]) => `${count} cannot be replayed: ${why}`);
}
