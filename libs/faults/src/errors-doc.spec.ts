import { readFileSync, writeFileSync } from 'node:fs';
import { FAULTS, type FaultCode } from './table.js';

const PAGE = new URL('../../../docs/errors.md', import.meta.url);

/** What the codes of a family have in common, and what whoever meets one does. */
const FAMILIES: readonly (readonly [prefix: string, title: string, text: string])[] = [
  [
    'INPUT_',
    'The sender broke the contract',
    'Nothing ran. The agent gets `refused` with the code and a sentence. On record as `request.refused`. Correct the request; the same call id may be used.',
  ],
  [
    'BUSY',
    'Too much at once',
    'Nothing ran and nothing is on record. Send the request again, with the same call id, after a pause.',
  ],
  [
    'RATE_LIMITED',
    'Too often',
    'Nothing ran. The agent gets `refused` with `retryAfterMs`; the same call id may be used then. On record as `request.refused`.',
  ],
  [
    'ACCESS_',
    'An enforcement point asked wrongly',
    'Nothing was evaluated and nothing is on record. HTTP 401, 403, or 404, 405, 413 or 415; see [authzen.md](authzen.md).',
  ],
  [
    'PROXY_',
    'A program asked the egress proxy wrongly',
    'Nothing was asked for and nothing is on record. HTTP 407 or 403, and the connection is closed; see [egress-proxy.md](egress-proxy.md).',
  ],
  [
    'COMMAND_',
    'A command that is not one of ours',
    'Nothing ran. Nobody is told; on record as `command.refused`. A look at the executor is due: somebody could publish a command, or clocks differ.',
  ],
  [
    'POLICY_',
    'Policies that cannot be used',
    'At the start the service does not run (exit 78). At a reload the last good set stays in force; on record as `policy.rejected`. The message has `file:line:col` of every problem. `POLICY_LOADER_FAILED` says nothing of the policies, so the same is tried again: three times at the start, else for as long as it fails. Of all these an agent hears `POLICY_UNAVAILABLE` alone, and only where no policies are in force: nothing ran, on record as `request.refused`; the same call id may be used.',
  ],
  [
    'LEDGER_',
    'The record cannot be written or read',
    'Nothing is approved. The agent gets `refused` with the code alone. After `LEDGER_UNAVAILABLE` the decision may be on record: ask again with the same call id.',
  ],
  [
    'VAULT_',
    'A token that does not open',
    'Nothing was printed. It was made up, cut or changed, moved from another deployment or kind, or is past `limits.payloadDays`; which one cannot always be told. An erased value is `LEDGER_VALUE_GONE`.',
  ],
  [
    'EXECUTOR_',
    'The action failed',
    'It was permitted and tried. The agent gets `failed` with the code; the outcome is on record.',
  ],
  [
    'TOOL_',
    'The tool may not run as it is',
    'It was permitted and did not run. The agent gets `failed` with the code; the outcome is on record, and so is the change, as `tool.definition.changed`.',
  ],
  [
    'CONFIG_',
    'The process must not start, or the command cannot work',
    'One line on stderr. Exit 78; 69 when nothing runs there.',
  ],
  ['INTERNAL', 'A bug', 'The agent gets the code alone; the log of the service has the detail. Please report it.'],
];

function renderPage(): string {
  const codes = Object.keys(FAULTS) as FaultCode[];
  const sections = FAMILIES.map(([prefix, title, text]) => {
    const rows = codes
      .filter((code) => code.startsWith(prefix))
      .map((code) => {
        const { means, log, settlement, told } = FAULTS[code];
        return [`\`${code}\``, means, told ? 'code and sentence' : 'code', log, settlement];
      });
    return `## ${title}\n\n${text}\n\n${table(['code', 'means', 'the sender is told', 'log', 'message'], rows)}\n`;
  });
  return [INTRODUCTION, ...sections, CLIENT_CODES()].join('\n');
}

const INTRODUCTION = `# Errors

Generated from \`libs/faults/src/table.ts\`; a test fails when they differ. Codes are stable, messages are for people. What to do as an
operator: [runbook.md](runbook.md#what-to-do-by-code).

A denial is no error: its codes, in lower case, are in [protocol.md](protocol.md#answers).

The last column says what becomes of the bus message: \`ack\` it is done with, \`term\` never again, \`retry\` again after a pause, \`none\` there is none.
`;

const CLIENT_CODES = () => `## Codes of the SDK and the command line

${table(
  ['code', 'means', 'class'],
  [
    ['`PROFILE_INVALID`', 'the profile file cannot be read, or is none', '`WritError`'],
    ['`KEY_REFUSED`', 'the bus does not know the key, or no longer', '`NotPermitted`'],
    ['`NOT_PERMITTED`', 'the bus does not let this agent send that', '`NotPermitted`'],
    ['`BUS_UNREACHABLE`', 'no bus answers; nothing was done', '`Unavailable`'],
    ['`DECISION_UNAVAILABLE`', 'nobody decides at the moment; nothing was done', '`Unavailable`'],
    ['`UNANSWERED`', 'no answer in time: it may have been done; ask again with the same call id', '`Unanswered`'],
    ['`EXPIRED`', 'permitted, never taken', '`Expired`'],
    ['`INDETERMINATE`', 'permitted and taken, and nobody can say whether it ran', '`Indeterminate`'],
    ['`ANSWER_INVALID`', 'the answer is none that Writ gives', '`InvalidAnswer`'],
    ['`USAGE`', 'the command line is wrong (exit 64)', '–'],
  ],
)}
`;

/** A table as prettier writes it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

describe('docs/errors.md', () => {
  it('says what the table of faults says (run with WRIT_WRITE_DOCS=1 to write it)', () => {
    if (process.env['WRIT_WRITE_DOCS'] === '1') writeFileSync(PAGE, renderPage());
    expect(readFileSync(PAGE, 'utf8')).toBe(renderPage());
  });

  it('has every code once, in one family', () => {
    const page = renderPage();
    for (const code of Object.keys(FAULTS)) expect(page.split(`| \`${code}\` `)).toHaveLength(2);
  });
});
