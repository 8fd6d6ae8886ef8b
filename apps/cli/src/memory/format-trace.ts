import type { RecordTrace, RecordUse } from '#writ/operator';
import { printableIn } from '../printable.js';

/** The calls that had to do with a record, a line each, and what nobody can say. */
export function formatTrace(id: string, { uses, unopened, indeterminate }: RecordTrace): string {
  // Agents chose the ids of calls and records.
  const lines = uses.map((use) => formatUse(printableIn(use)));
  const unknown = [
    ...(unopened > 0
      ? [`of ${unopened} more memory calls the values are not stored any more: they may have used it`]
      : []),
    ...(indeterminate > 0 ? [`of ${indeterminate} more memory calls nobody can say whether they ran`] : []),
  ];
  const none = uses.length === 0 ? [`no call on record used a record \`${printableIn(id)}\``] : [];
  return [...none, ...lines, ...unknown].join('\n');
}

function formatUse(use: RecordUse): string {
  const { how, at, namespace, agent, call, entry } = use;
  return `${at}  ${how.padEnd(6)}  ${namespace}  ${agent}  call ${call}  entry ${entry}${detail(use)}`;
}

function detail({ how, owner, writtenBy, deleted, asked }: RecordUse): string {
  switch (how) {
    case 'write':
      return '';
    case 'read':
      return `  of ${owner}${writtenBy === undefined ? '' : `, written in ${writtenBy}`}`;
    case 'delete':
      return `  ${deleted} deleted of ${asked} ids`;
  }
}
