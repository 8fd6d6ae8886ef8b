import { llmText } from '../llm-text.js';
import type { Json, JsonObject } from '#writ/contracts';
import type { ExplainedClause, ExplainedOutcome, ExplainedValue, Explanation, LedgerPlace } from '#writ/operator';
import type { Paint } from '../paint.js';
import { printable, printableIn } from '../printable.js';
import { blankUnder, cellsOf } from '../terminal-text.js';

const LABEL_WIDTH = 13;
const POLICY_LINES_MAX = 24;
const VALUE_CHARACTERS_MAX = 4_000;
const EVERY_RECORD = '{"op":"true"}';

/** An explanation for people: who, what, why, what came of it, and where that is on record. */
export function formatExplanation(told: Explanation, paint: Paint): string {
  const explained = withPrintableTexts(told);
  const { agent, tenant, kind, resource, call } = explained;
  return [
    line('call', `${call}${explained.session === undefined ? '' : `  session ${explained.session}`}`),
    ...askedBy(explained),
    line('who', `agent ${agent}, tenant ${tenant}`),
    line('what', `${kind} ${resource}`),
    ...formatDecision(explained, paint),
    ...explained.errors.map(({ id, message }) => line('error', `${id}: ${message}`)),
    ...listed(
      'remedy',
      explained.remedies.map(({ policy, kind }) => `${kind}, by ${policy}`),
    ),
    ...listed('obligations', explained.obligations),
    ...listed('redacted in', explained.redactions.input.map(redaction)),
    ...listed('redacted out', explained.redactions.output.map(redaction)),
    ...listed('labels', explained.labels),
    ...explained.values.flatMap((value) => formatValue(value, paint)),
    ...formatCommand(explained),
    line('outcome', formatOutcome(explained.outcome, paint)),
    ...listed(
      'credential',
      explained.credentials.map(
        ({ name, origin, echoed }) => `${name} at ${origin}${echoed ? ', scrubbed from the answer' : ''}`,
      ),
    ),
    ...explained.ledger.flatMap(formatPlace),
    ...explained.rejected.map(({ seq, reason }) => line('NOT TRUSTED', paint('red', `message ${seq}: ${reason}`))),
  ].join('\n');
}

/** Of values, which are printed as JSON, and of the texts of policies, which have lines, each is made printable where it is printed. */
function withPrintableTexts(told: Explanation): Explanation {
  const { policies, held, nearest, values } = told;
  const clause = (each: ExplainedClause): ExplainedClause => ({ ...printableIn(each), read: each.read });
  return {
    ...printableIn(told),
    policies: policies.map((policy) => ({
      ...printableIn(policy),
      ...(policy.text !== undefined && { text: policy.text }),
    })),
    held: held.map(clause),
    nearest: nearest.map(clause),
    values,
  };
}

function askedBy({ askedBy: by }: Explanation): string[] {
  if (by === undefined) return [];
  return [
    line('asked by', `${by.client}${by.requestId === undefined ? '' : `, request ${by.requestId}`}, over AuthZEN`),
  ];
}

function formatDecision(explained: Explanation, paint: Paint): string[] {
  const verdict = explained.decision === 'allow' ? paint('green', 'ALLOW') : paint('red', 'DENY');
  const lines = [line('decision', `${verdict}  ${explained.code}  ${explained.decidedAt}`)];
  for (const { id, effect, at, text } of explained.policies) {
    lines.push(line('policy', `${at}  ${effect} ${id}`), ...block(text, paint));
  }
  if (explained.decision === 'deny' && explained.policies.length === 0) {
    lines.push(line('policy', explained.code === 'no_policy_permits' ? 'no permit matched' : 'none'));
  }
  lines.push(...formatHeld(explained.held, paint));
  for (const miss of explained.nearest) lines.push(...formatNearMiss(miss, paint));
  for (const { at, effect, id } of explained.logged)
    lines.push(line('log only', `${at}  ${effect} ${id} would have fired`));
  lines.push(...formatBundle(explained.bundle));
  return lines;
}

function formatBundle({ hash, onDisk, texts }: Explanation['bundle']): string[] {
  const shown = {
    decided: 'texts as it decided',
    now: 'texts as the files are now; the bundle that decided is no longer here',
  }[texts];
  const now = {
    same: 'the policy files are still these',
    other: 'the policy files have CHANGED since',
    unknown: 'whether the policy files changed since is not known',
  }[onDisk];
  return [line('policies', `${hash.slice(0, 19)}…  ${shown}`), indent(now)];
}

function formatNearMiss(miss: ExplainedClause, paint: Paint): string[] {
  return [line('nearest', `${miss.at}  permit ${miss.id}`), ...formatClause(`failed: ${miss.clause}`, miss, paint)];
}

/** The clauses of each deciding forbid, under the policy that they are of. */
function formatHeld(held: readonly ExplainedClause[], paint: Paint): string[] {
  return held.flatMap((clause) => [
    line('held', `${clause.at}  ${clause.id}`),
    ...formatClause(clause.clause, clause, paint),
  ]);
}

function formatClause(said: string, { clause, col, source, read }: ExplainedClause, paint: Paint): string[] {
  const lines = [indent(printable(said))];
  if (source !== undefined) {
    lines.push(indent(`| ${printable(source)}`), indent(`| ${paint('red', caret(source, col, clause))}`));
  }
  for (const [path, value] of Object.entries(read))
    lines.push(indent(printable(`${path} was ${JSON.stringify(value)}`)));
  return lines;
}

/** Marks the clause on its line: a caret where it starts, and waves as far as it goes on this line. */
export function caret(source: string, col: number, failed: string): string {
  const clause = failed.replace(/^(when|unless) /, '');
  const rest = source.slice(col - 1);
  let length = 1;
  while (length < clause.length && length < rest.length && rest[length] === clause[length]) length++;
  const cells = cellsOf(printable(rest.slice(0, length)));
  return `${blankUnder(source.slice(0, col - 1))}^${'~'.repeat(Math.max(0, cells - 1))}`;
}

function formatValue({ name, value, commitment, erasure }: ExplainedValue, paint: Paint): string[] {
  // The command repeats the arguments as they were sent; that it is the committed one is told below.
  if (name === 'command') return [];
  const label = name === 'arguments' ? 'asked' : 'answered';
  switch (commitment) {
    case 'gone':
      return [line(label, 'the value is no longer stored')];
    case 'lost':
      return [line(label, paint('red', 'the key of the value is MISSING, and no erasure of it is on record'))];
    case 'erased':
      return [
        line(label, `${paint('yellow', 'erased')} by ${erasure?.by} on ${erasure?.at.slice(0, 10)}: ${erasure?.basis}`),
        ...(erasure === undefined ? [] : [indent(`entry ${erasure.entry}`)]),
      ];
    case 'differs':
      return [line(label, `${paint('red', 'NOT the committed value')}  ${shown(value)}`)];
    case 'opens':
      return [line(label, shown(value))];
  }
}

function shown(value: Json | undefined): string {
  // An agent chose it.
  const text = printable(JSON.stringify(value) ?? '');
  const left = text.length - VALUE_CHARACTERS_MAX;
  return left <= 0 ? text : `${text.slice(0, VALUE_CHARACTERS_MAX)}… (${left} more characters; --json shows all)`;
}

function formatCommand({ command, values }: Explanation): string[] {
  if (command === undefined) return [];
  const stored = values.find(({ name }) => name === 'command');
  const said = {
    opens: 'is the committed one',
    differs: 'DIFFERS from the committed one',
    gone: 'is no longer stored',
    erased: 'was erased',
    lost: 'does not open: its key is missing',
  };
  const { delivery, pool, takeBy, finishBy } = command;
  return [
    line('command', `delivery ${delivery}, pool ${pool}; the stored command ${said[stored?.commitment ?? 'gone']}`),
    indent(`to be taken by ${takeBy}, finished by ${finishBy}`),
    ...formatFilter(stored),
  ];
}

/** Which records of a memory the executor was told to touch. */
function formatFilter(command: ExplainedValue | undefined): string[] {
  const { value } = command ?? {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const filter = (value as JsonObject)['filter'];
  if (filter === undefined) return [];
  return [indent(JSON.stringify(filter) === EVERY_RECORD ? 'on every record' : `on records where ${shown(filter)}`)];
}

function formatOutcome({ status, code, at, ms, bytes, attempts, llm, cut }: ExplainedOutcome, paint: Paint): string {
  switch (status) {
    case 'none':
      return 'nothing ran';
    case 'open':
      return paint('yellow', 'not ended yet');
    case 'expired':
      return `${paint('yellow', 'expired')}  no executor took it in time, so it never ran  ${at}`;
    case 'indeterminate':
      return `${paint('yellow', 'indeterminate')}  nobody can say whether it ran  ${at}`;
    case 'completed':
    case 'failed':
      return `${status === 'completed' ? paint('green', status) : paint('yellow', `${status} ${code}`)}  ${ms} ms${bytes === undefined ? '' : `, ${bytes} bytes`}${attempts === undefined ? '' : `, ${attempts} attempts`}${cut ? ', cut' : ''}${llm === undefined ? '' : `, ${llmText(llm)}`}  ${at}`;
  }
}

function formatPlace(place: LedgerPlace): string[] {
  return [
    line('ledger', `${place.type}  entry ${place.entry}`),
    indent(
      `message ${place.seq}, entry ${place.i}, producer ${place.producer}, signed by ${place.signedBy} (${place.key})`,
    ),
    indent(`leaf ${place.leaf}, block ${place.block}`),
  ];
}

function block(text: string | undefined, paint: Paint): string[] {
  if (text === undefined) return [indent(paint('dim', 'the file has no policy there any more'))];
  const lines = text.split(/\r?\n/);
  const more = lines.length > POLICY_LINES_MAX ? [indent(`| … ${lines.length - POLICY_LINES_MAX} more lines`)] : [];
  return [...lines.slice(0, POLICY_LINES_MAX).map((each) => indent(`| ${printable(each)}`)), ...more];
}

const redaction = ({ path, kind, n }: { readonly path: string; readonly kind: string; readonly n: number }): string =>
  `${path === '' ? 'the whole' : path} (${kind}${n > 1 ? `, ${n} times` : ''})`;

const listed = (label: string, items: readonly string[]): string[] =>
  items.length === 0 ? [] : [line(label, items.join(', '))];

const line = (label: string, text: string): string => `${label.padEnd(LABEL_WIDTH)}${text}`;
const indent = (text: string): string => ' '.repeat(LABEL_WIDTH) + text;
