import { printable } from '../printable.js';
import type { DisclosureReport } from './disclose.js';

/** The report on a disclosure for people: what was shown, and by which entries. */
export function formatDisclosureReport({ exit, entries, message }: DisclosureReport): string {
  if (exit === 40) return `INVALID (exit ${exit})\n  ${printable(message ?? '')}`;
  return [
    `${exit === 0 ? 'WITNESSED' : 'valid, not witnessed'} (exit ${exit})`,
    ...entries.flatMap(({ proved: { entry, index, head }, values }) => [
      `  \`${entry.type}\` ${entry.id}, leaf ${index} of ${head.origin}, signed for by ${entry.prod.id} at ${entry.ts}`,
      // Whoever wrote the file chose them.
      ...values.map(({ path, value }) => `    ${printable(path)} = ${printable(JSON.stringify(value))}`),
    ]),
  ].join('\n');
}
