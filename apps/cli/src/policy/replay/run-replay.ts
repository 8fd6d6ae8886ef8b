import { type Cli, type CommonOptions, dataDirectory } from '../../cli.js';
import { EXIT } from '../../exit-codes.js';
import { painter } from '../../paint.js';
import { openTestRules } from '../test-rules.js';
import { formatFlips, formatUnreplayable } from './format-flips.js';
import { replayPast } from './replay-past.js';

export interface ReplayOptions extends CommonOptions {
  readonly policies: string;
  readonly from?: number;
}

/** Makes the decisions on record again under other policies and tells what flips. Returns the exit code. Throws CONFIG_*, POLICY_*, LEDGER_*. */
export async function runReplay(options: ReplayOptions, cli: Cli): Promise<number> {
  const { rules, bundle } = await openTestRules(options, options.policies);
  const { from: fromSeq = 1 } = options;
  const { replay, lastSeq, decidingMs } = await replayPast({ dataDir: dataDirectory(options), fromSeq, rules }, cli);
  const { flips, replayed, unreplayable } = replay;
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
