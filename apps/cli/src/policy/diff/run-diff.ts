import { asBefore, askPolicies, changeOf, type FlipGroup, Flips } from '#writ/policy-testing';
import { comparePolicies, type PolicyDifference } from '#writ/policy';
import { type Cli, type CommonOptions, dataDirectory } from '../../cli.js';
import { EXIT } from '../../exit-codes.js';
import { UsageError } from '../../failure.js';
import { type Paint, painter } from '../../paint.js';
import { printableIn } from '../../printable.js';
import { formatFlips } from '../replay/format-flips.js';
import { replayPast } from '../replay/replay-past.js';
import { requireAsked, whyNone } from '../require-asked.js';
import { openTestRules, type TestRules } from '../test-rules.js';
import { findTests } from '../test/find-tests.js';

export interface DiffOptions extends CommonOptions {
  readonly requests?: readonly string[];
  readonly fromLedger?: true;
  readonly oldObligations?: string;
  readonly newObligations?: string;
}

/** The requests that were asked of both sets of policies. */
interface Asked {
  readonly count: number;
  readonly unreplayable: Readonly<Record<string, number>>;
  readonly flips: number;
  readonly groups: readonly FlipGroup[];
}

/**
 * Tells how two folders of policies differ, and which requests they answer differently. Returns the exit code. Throws CONFIG_*, also
 * when there was no request to ask, POLICY_*, LEDGER_*.
 */
export async function runDiff(folders: readonly [string, string], options: DiffOptions, cli: Cli): Promise<number> {
  if (options.fromLedger && options.requests !== undefined) {
    throw new UsageError('give one of --requests and --from-ledger');
  }
  const before = await openTestRules(options, { policies: folders[0], obligations: options.oldObligations });
  const after = await openTestRules(options, { policies: folders[1], obligations: options.newObligations });
  const policies = comparePolicies(before.bundle.policies, after.bundle.policies);
  const asked = options.fromLedger
    ? await askPast(before, after, options, cli)
    : await askTests(before, after, options);
  if (options.json) cli.print(JSON.stringify({ policies, requests: asked }));
  else for (const line of format(policies, asked, painter(cli.isColoured))) cli.print(line);
  return asked.flips === 0 ? EXIT.ok : EXIT.no;
}

async function askTests(before: TestRules, after: TestRules, { requests = [] }: DiffOptions): Promise<Asked> {
  const found =
    requests.length > 0 ? await findTests(requests) : await findTests([after.directory, before.directory], 0);
  // The two folders mostly have the same tests, and what they ask counts once.
  const asked = new Map(found.map((test) => [JSON.stringify([test.request, test.circumstances]), test]));
  const tests = [...asked.values()];
  requireAsked(tests.length, 'neither folder has a `*.test.yaml`; give --requests or --from-ledger');
  const flips = new Flips();
  for (const { name, request, circumstances } of tests) {
    const then = asBefore(askPolicies(request, circumstances, before.rules));
    const now = askPolicies(request, circumstances, after.rules);
    const change = changeOf(then, now);
    if (change !== undefined) flips.add(change, circumstances.agent, { before: then, after: now, example: name });
  }
  return { count: tests.length, unreplayable: {}, flips: flips.count, groups: flips.groups() };
}

async function askPast(before: TestRules, after: TestRules, options: DiffOptions, cli: Cli): Promise<Asked> {
  const { replay } = await replayPast(
    { dataDir: dataDirectory(options), fromSeq: 1, rules: after.rules, against: before.rules },
    cli,
  );
  const { replayed, unreplayable, flips } = replay;
  requireAsked(replayed, whyNone(unreplayable));
  return {
    count: replayed,
    unreplayable: Object.fromEntries(unreplayable),
    flips: flips.count,
    groups: flips.groups(),
  };
}

function format(differences: readonly PolicyDifference[], asked: Asked, paint: Paint): readonly string[] {
  const policies = printableIn(differences);
  const count = (change: PolicyDifference['change']): number =>
    policies.filter((policy) => policy.change === change).length;
  return [
    ...policies.map(({ change, id, effect, at }) => `${SIGNS[change]} ${at} ${effect} ${id}  ${paint('dim', change)}`),
    `policies: ${count('added')} added, ${count('removed')} removed, ${count('changed')} changed`,
    ...formatFlips(asked.groups, paint),
    ...Object.entries(asked.unreplayable).map(([why, of]) => `${of} cannot be replayed: ${why}`),
    `${asked.flips} of ${asked.count} requests flip`,
  ];
}

const SIGNS: Readonly<Record<PolicyDifference['change'], string>> = { added: '+', removed: '-', changed: '~' };
