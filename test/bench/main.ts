import { Command } from 'commander';
import { benchAppend } from './append.js';
import { benchDecide } from './decide/bench-decide.js';
import { benchEgress } from './egress.js';
import { governedCall, loadAverage } from './governed-call.js';
import { benchLedger } from './ledger.js';
import { benchLoadPolicies } from './load-policies.js';
import { benchMemory } from './memory/bench-memory.js';
import { benchRedaction } from './redaction.js';
import { benchReplay } from './replay/bench-replay.js';
import { benchSiem } from './siem.js';

// `npm run bench -- <name> [--json]`. Numbers are compared with the floor of the same run, never with another day's.

const program = new Command('bench').description('Measures Writ against a floor in the same run.').showHelpAfterError();
const say = (text: string) => void process.stderr.write(`${text}\n`);

interface BenchOptions {
  readonly json?: boolean;
  readonly large?: boolean;
}

type Run = (options: BenchOptions) => Promise<readonly object[]> | readonly object[];

function bench(name: string, description: string, run: Run): Command {
  return program
    .command(name)
    .description(description)
    .option('--json', 'one JSON object on stdout')
    .action(async ({ json, large }: BenchOptions) => {
      const rows = await run({ ...(large !== undefined && { large }) });
      const machine = { node: process.version, loadAverage: await loadAverage() };
      if (json === true) process.stdout.write(`${JSON.stringify({ bench: name, rows, machine })}\n`);
      else console.table(rows.map((row) => flat(row)));
    });
}

function flat(row: object, prefix = ''): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).flatMap(([key, value]: [string, unknown]) =>
      typeof value === 'object' && value !== null
        ? Object.entries(flat(value, `${prefix}${key}.`))
        : [[prefix + key, value]],
    ),
  );
}

bench('governed-call', 'calls/s, latency and CPU of a governed call, with fsync on', () => governedCall(say));
bench('decide', 'decisions per second by number of policies, in process', () => benchDecide(say));
bench('load', 'time from policy files to a set that decides, cold and from the cache', () => benchLoadPolicies(say));
bench('replay', 'decisions on record made again under other policies, in process', () => benchReplay(say));
bench('ledger', 'CPU of integrating, proving and verifying a log of 100,000 entries', () => benchLedger(say));
bench('append', 'entries made durable per second', () => benchAppend(say));
bench('siem', 'entries/s and CPU of the SIEM feed, from sealed messages to a sink', () => benchSiem(say));
bench('redaction', 'megabytes of values per second of CPU, by all detectors', () => benchRedaction(say));
bench('egress', 'requests/s, p99 and CPU through the egress proxy, beside Squid and a direct client', () =>
  benchEgress(say),
);
bench('memory', 'latency and CPU of reading, writing and searching a memory, on each store', ({ large }) =>
  benchMemory(say, large === true),
).option('--large', 'with 100,000 records too, which takes minutes');
await program.parseAsync();
