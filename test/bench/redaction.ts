import { type Json, OWN_DETECTORS } from '#writ/contracts';
import { compileRedaction } from '#writ/redaction';
import { ownGlanceAt } from '../../libs/redaction/src/sought.js';
import { labelledTexts } from '../vectors/labelled-texts.js';
import { median } from './load.js';

const ROUNDS = 5;
const MEGABYTES = 2;

export interface RedactionRow {
  readonly what: string;
  /** Of JSON, for a second of CPU time, by all detectors together. */
  readonly megabytesPerSecond: number;
  /** The same values copied, and not looked at. */
  readonly floorMegabytesPerSecond: number;
  /** Each string of them looked at once, by the pass that says which rules can match: no rule was run, nothing decoded, joined or copied. */
  readonly onePassMegabytesPerSecond: number;
}

/** What redaction by every detector costs, by what the values hold. */
export function benchRedaction(say: (text: string) => void): readonly RedactionRow[] {
  const { tuning, heldOut } = labelledTexts();
  const labelled = [...tuning, ...heldOut].map(({ text }) => text);
  const kinds: Readonly<Record<string, readonly Json[]>> = {
    'records of a customer base': records(200),
    'lines of a log without secrets': logLines(2_000),
    'the labelled texts: every other one has a secret': labelled,
  };
  return Object.entries(kinds).map(([what, values]) => {
    const row = measure(what, values);
    say(
      `${what}: ${row.megabytesPerSecond} MB/s, copying alone ${row.floorMegabytesPerSecond} MB/s, one pass alone ${row.onePassMegabytesPerSecond} MB/s`,
    );
    return row;
  });
}

function measure(what: string, values: readonly Json[]): RedactionRow {
  const redactor = compileRedaction([{ type: 'redact', target: 'output', detectors: [...OWN_DETECTORS] }], 'output');
  const once = values.reduce<number>((sum, value) => sum + Buffer.byteLength(JSON.stringify(value)), 0);
  const times = Math.ceil((MEGABYTES * 1_000_000) / once);
  const megabytes = (once * times) / 1_000_000;
  const strings = values.flatMap(stringsOf);
  const rate = <T>(given: readonly T[], run: (each: T) => unknown): number => {
    let answered = 0;
    const before = process.cpuUsage();
    // What it gives is used, or the compiler could leave it out.
    for (let n = 0; n < times; n++) for (const each of given) if (run(each) !== undefined) answered += 1;
    const { user, system } = process.cpuUsage(before);
    if (answered < given.length * times) throw new Error('a value without an answer');
    return megabytes / ((user + system) / 1_000_000);
  };
  const rounds = Array.from({ length: ROUNDS }, () => ({
    redaction: rate(values, (value) => redactor?.redact(value)),
    floor: rate(values, (value) => structuredClone(value)),
    onePass: rate(strings, ownGlanceAt),
  }));
  return {
    what,
    megabytesPerSecond: rounded(median(rounds.map(({ redaction }) => redaction))),
    floorMegabytesPerSecond: rounded(median(rounds.map(({ floor }) => floor))),
    onePassMegabytesPerSecond: rounded(median(rounds.map(({ onePass }) => onePass))),
  };
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

function stringsOf(value: Json): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsOf) : [];
}

/** One in ten has something to take out. */
function records(count: number): readonly Json[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `cust-${10_000 + n}`,
    name: `Customer number ${n}`,
    since: '2024-03-17',
    segment: n % 3 === 0 ? 'enterprise' : 'small business',
    revenue: 1_000 * n,
    notes: `Called about the renewal of the contract in ${2020 + (n % 7)}. Wants an offer for ${n} more seats, and a discount.`,
    ...(n % 10 === 0 && { contact: `person.${n}@customer.example` }),
  }));
}

function logLines(count: number): readonly Json[] {
  return Array.from(
    { length: count },
    (_, n) =>
      `2026-11-22T10:${String(n % 60).padStart(2, '0')}:00.123Z INFO worker-${n % 8} request GET /api/v2/orders/${n}/items done in ${n % 400} ms, status 200, ${n * 7} bytes, trace 4bf92f3577b34da6a3ce929d0e0e4736`,
  );
}
