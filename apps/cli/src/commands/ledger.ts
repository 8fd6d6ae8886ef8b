import type { Command } from 'commander';
import { join } from 'node:path';
import { type Cli, CODES, type CommonOptions, dataDirectory, helpEnd, withDataAndJson, withOperator } from '../cli.js';
import { UsageError } from '../failure.js';
import { addContinueCommand } from './ledger-continue.js';
import { addPruneCommand } from './ledger-prune.js';
import { addDetokenise, addDisclose, addErase, addRewrap } from './ledger-privacy.js';

/** Of a verification: valid, and nobody outside vouches for it. */
const EXIT_UNWITNESSED = 10;

/** `writ ledger export|verify|prove|disclose|detokenise|erase|rewrap|status|prune|continue` */
export function addLedgerCommand(program: Command, cli: Cli): void {
  const ledger = program
    .command('ledger')
    .description('take the ledger out, verify it offline, disclose, detokenise and erase values, see how full it is');
  addExport(ledger, cli);
  addVerify(ledger, cli);
  addProve(ledger, cli);
  addDisclose(ledger, cli);
  addDetokenise(ledger, cli);
  addErase(ledger, cli);
  addRewrap(ledger, cli);
  addStatus(ledger, cli);
  addPruneCommand(ledger, cli);
  addContinueCommand(ledger, cli);
}

interface ExportOptions extends CommonOptions {
  readonly head?: string;
  readonly log?: string;
}

function addExport(ledger: Command, cli: Cli): void {
  const command = ledger
    .command('export')
    .description('copy the log, as its newest checkpoint has it, into a directory, and verify the copy')
    .argument('<dir>', 'a new or empty directory')
    .option('--log <dir>', 'directory of the log (default: `ledger` in the data directory)')
    .option('--head <file>', 'checkpoint of an earlier export, which the log must contain')
    .addHelpText(
      'after',
      helpEnd(
        [
          CODES.ok,
          '20, 30, 40  copied, and the copy does not verify: see `writ ledger verify`',
          CODES.usage,
          CODES.config,
        ],
        'writ ledger export ledger-2026-11-22',
      ),
    );
  withDataAndJson(command).action(async (directory: string, options: ExportOptions) => {
    const { exportLedger, formatReport } = await import('../ledger-commands.js');
    const { head, log } = options;
    const note = (line: string) => cli.note(line);
    const report = await exportLedger({ directory, dataDir: dataDirectory(options), log, head, note });
    const isGood = report.exit <= EXIT_UNWITNESSED;
    if (options.json) cli.print(JSON.stringify({ directory, report }));
    else if (isGood) cli.print(`${report.entries} entries in ${report.blocks} blocks exported to ${directory}`);
    else cli.print(`exported to ${directory}, and it does NOT verify:\n${formatReport(report)}`);
    cli.exitCode = isGood ? 0 : report.exit;
  });
}

interface VerifyOptions extends CommonOptions {
  readonly root?: string;
  readonly bundle?: string;
  readonly head?: string;
  readonly previous?: readonly string[];
  /** Commander's name for `--no-strict`. */
  readonly strict: boolean;
  readonly asOf?: string;
  readonly maxSilence?: string;
}

function addVerify(ledger: Command, cli: Cli): void {
  const command = ledger
    .command('verify')
    .description('verify a log offline: signatures, authorship, chains, completeness, canonical form')
    .argument(
      '[path]',
      'directory of a log, also one that grows, or a file of `prove` or `disclose`: FILE.tlog-proof, FILE.disclosure (default: `ledger` in the data directory)',
    )
    .option('--root <vkey>', 'the root key as you know it, or a file that holds it')
    .option('--bundle <file>', 'of a proof file: the trust bundle (default: `bundle` beside it)')
    .option('--head <file>', 'a checkpoint that you remember: shows a cut end and a replaced past')
    .option(
      '--previous <dir>',
      'directory of the log of the ledger before, and of those before that: once for each',
      (dir: string, before: readonly string[] = []) => [...before, dir],
    )
    .option('--no-strict', 'roots, block signatures and chains alone: do not look into the entries')
    .option('--max-silence <duration>', 'incomplete (20) when the newest cosignature is older: 90s, 15m, 24h, 7d')
    .option('--as-of <time>', 'how old it was then, such as 2026-11-22T05:30:00Z (default: now)')
    .addHelpText(
      'after',
      helpEnd(
        [
          '0   valid, and cosigned by the quorum of witnesses that the trust bundle names',
          '10  valid, not witnessed',
          '20  incomplete or stale',
          '30  two histories',
          '40  invalid',
          CODES.usage,
          CODES.config,
        ],
        'writ ledger verify ledger-2026-11-22 --root .writ/keys/root.vkey',
        'writ ledger verify --data .writ --max-silence 15m',
        'writ ledger verify --previous .writ/ledgers/writ.example+acme+2026/ledger --root .writ/keys/root.vkey',
        'writ ledger verify proof-call-77/1234.tlog-proof --root .writ/keys/root.vkey',
      ),
    );
  withDataAndJson(command).action(async (given: string | undefined, options: VerifyOptions) => {
    const path = given ?? join(dataDirectory(options), 'ledger');
    if (path.endsWith('.tlog-proof')) await verifyOneProof(path, options, cli);
    else if (path.endsWith('.disclosure')) await verifyOneDisclosure(path, options, cli);
    else await verifyWhole(path, options, cli);
  });
}

async function verifyWhole(directory: string, options: VerifyOptions, cli: Cli): Promise<void> {
  const { formatChain, readDuration, readTime, rememberedHead, rootVkey, verifyDirectories } =
    await import('../ledger-commands.js');
  const asOf = options.asOf === undefined ? Math.floor(Date.now() / 1_000) : readTime(options.asOf);
  const maxSilence = options.maxSilence === undefined ? undefined : readDuration(options.maxSilence);
  const previous = options.previous ?? [];
  const chain = await verifyDirectories(directory, previous, {
    rootVkey: options.root === undefined ? undefined : await rootVkey(options.root),
    remembered: options.head === undefined ? undefined : await rememberedHead(options.head),
    isStrict: options.strict,
    freshness: { asOf, maxSilence },
    onProgress: (done, size) => cli.note(`${done} of ${size} entries verified`),
  });
  const { report, exit } = chain;
  const json = previous.length === 0 ? report : { ...report, exit, before: chain.previous };
  cli.print(options.json ? JSON.stringify(json) : formatChain(chain, asOf));
  cli.exitCode = exit;
}

async function verifyOneProof(file: string, options: VerifyOptions, cli: Cli): Promise<void> {
  const { formatProofReport, rootVkey, verifyProofFile } = await import('../ledger-commands.js');
  if (options.root === undefined) throw new UsageError('a proof is verified against a root key: give `--root`');
  const report = await verifyProofFile(file, await rootVkey(options.root), options.bundle);
  cli.print(options.json ? JSON.stringify(report) : formatProofReport(report));
  cli.exitCode = report.exit;
}

async function verifyOneDisclosure(file: string, options: VerifyOptions, cli: Cli): Promise<void> {
  const { formatDisclosureReport, rootVkey, verifyDisclosureFile } = await import('../ledger-commands.js');
  if (options.root === undefined) throw new UsageError('a disclosure is verified against a root key: give `--root`');
  const report = await verifyDisclosureFile(file, await rootVkey(options.root));
  cli.print(options.json ? JSON.stringify(report) : formatDisclosureReport(report));
  cli.exitCode = report.exit;
}

interface ProveOptions extends CommonOptions {
  readonly out?: string;
  readonly log?: string;
}

function addProve(ledger: Command, cli: Cli): void {
  const command = ledger
    .command('prove')
    .description('write a proof file (C2SP tlog-proof) for each entry of a call, which anyone verifies without the log')
    .argument('<call>', 'id of the call')
    .option('--out <dir>', 'folder for the files, INDEX.tlog-proof each (default: proof-CALL)')
    .option('--log <dir>', 'directory of the log (default: `ledger` in the data directory, and the ledgers before it)')
    .addHelpText(
      'after',
      helpEnd(
        [CODES.ok, '1   the log is damaged', CODES.usage, '78  the log is not there, or has no entry of that call'],
        'writ ledger prove call-77 --log ledger-2026-11-22',
      ),
    );
  withDataAndJson(command).action(async (call: string, options: ProveOptions) => {
    const { logsOf, writeProofs } = await import('../ledger-commands.js');
    const logs = options.log === undefined ? await logsOf(dataDirectory(options)) : [options.log];
    const files = await writeProofs(call, logs, options.out ?? `proof-${call}`);
    if (options.json) cli.print(JSON.stringify({ call, files }));
    else for (const { file, type, index } of files) cli.print(`${file}  \`${type}\`, leaf ${index}`);
  });
}

function addStatus(ledger: Command, cli: Cli): void {
  const command = ledger
    .command('status')
    .description('how full the streams are, who wrote last, and the key of the log for its witnesses')
    .addHelpText('after', helpEnd([CODES.ok, CODES.usage, CODES.unavailable, CODES.config], 'writ ledger status'));
  withOperator(command).action(async (options: CommonOptions) => {
    const { statusOf } = await import('../ledger-commands.js');
    const status = await statusOf(dataDirectory(options));
    if (options.json) {
      cli.print(JSON.stringify(status));
      return;
    }
    cli.print(`ledger ${status.ledger}`);
    for (const vkey of status.logVkeys) cli.print(`log key ${vkey}`);
    for (const { stream, messages, bytes, bytesMax, firstSeq, lastSeq, isNearlyFull } of status.streams) {
      const share = `${((100 * bytes) / bytesMax).toFixed(1)} % of ${bytesMax} bytes`;
      cli.print(`${stream.padEnd(13)} ${messages} messages, ${firstSeq} to ${lastSeq}, ${bytes} bytes (${share})`);
      if (isNearlyFull) cli.note(`warning: ${stream} is nearly full; full, every call is denied`);
    }
    for (const { producer, lastSeq, lastAt } of status.producers) {
      cli.print(`${producer.padEnd(13)} last block ${lastSeq} at ${lastAt}`);
    }
  });
}
