import { openOperator, traceRecord } from '#writ/operator';
import { type Cli, type CommonOptions, dataDirectory } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { removedMessages } from '../ledger/removed-messages.js';
import { printable } from '../printable.js';
import { formatTrace } from './format-trace.js';

export interface TraceOptions extends CommonOptions {
  readonly namespace?: string;
  readonly owner?: string;
}

/** Tells which calls wrote, read and deleted a record. Returns the exit code: 1 when none is on record. */
export async function runTrace(id: string, { namespace, owner, ...options }: TraceOptions, cli: Cli): Promise<number> {
  const operator = await openOperator({ dataDir: dataDirectory(options), url: process.env['WRIT_NATS_URL'] });
  try {
    const removed = removedMessages(operator.paths, (line) => cli.note(line));
    const trace = await traceRecord({ ...operator, removed }, { id, namespace, owner }, (seq, reason) =>
      cli.note(printable(`NOT TRUSTED: message ${seq}: ${reason}`)),
    );
    const { uses, unopened, indeterminate } = trace;
    cli.print(options.json === true ? JSON.stringify({ id, uses, unopened, indeterminate }) : formatTrace(id, trace));
    return uses.length > 0 ? EXIT.ok : EXIT.no;
  } finally {
    await operator.close();
  }
}
