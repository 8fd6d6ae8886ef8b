import { type Cli, type CommonOptions, dataDirectory } from '../../cli.js';
import { EXIT } from '../../exit-codes.js';
import { UsageError } from '../../failure.js';
import { painter } from '../../paint.js';
import { requireAsked, whyNone } from '../require-asked.js';
import { openTestRules } from '../test-rules.js';
import { formatFlips, formatUnreplayable } from './format-flips.js';
import { replayPast } from './replay-past.js';

export interface ReplayOptions extends CommonOptions {
  readonly policies?: string;
  readonly obligations?: string;
  readonly from?: number;
}

/**
 * Makes the decisions on record again under other policies and tells what flips. Returns the exit code. Throws CONFIG_*, also when no
 * decision could be made again, POLICY_*, LEDGER_*.
 */
export async function runReplay(options: ReplayOptions, cli: Cli): Promise<number> {
  const { policies, obligations, from: fromSeq = 1 } = options;
  if (policies === undefined && obligations === undefined) {
    throw new UsageError('give --policies, --obligations, or both');
  }
  const { rules, bundle } = await openTestRules(options, { policies, obligations });
  const { replay, lastSeq, decidingMs } = await replayPast({ dataDir: dataDirectory(options), fromSeq, rules }, cli);
  const { flips, replayed, unreplayable } = replay;
  requireAsked(replayed, whyNone(unreplayable));
  if (options.json) {
    cli.print(
      JSON.stringify({
        policies: bundle.hash,
        from: fromSeq,
        to: lastSeq,
        replayed,
        unreplayable: Object.fromEntries(unreplayable),
        flips: flips.count,
        groups: flips.groups(),
        decidingMs: Math.round(decidingMs),
      }),
    );
  } else {
    for (const line of formatFlips(flips.groups(), painter(cli.isColoured))) cli.print(line);
    for (const line of formatUnreplayable(replay)) cli.print(line);
    const range = `blocks ${fromSeq} to ${lastSeq}`;
    cli.print(`${flips.count} of ${replayed} decisions flip (${range}, decided in ${Math.round(decidingMs)} ms)`);
  }
  return flips.count === 0 ? EXIT.ok : EXIT.no;
}
