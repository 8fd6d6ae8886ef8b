import type { Entry, EntryOf } from '#writ/contracts';
import {
  entriesOfCall,
  entryById,
  explainCall,
  explainEvaluation,
  type Explanation,
  explanationOf,
  type Located,
  type LocatedEntry,
  openOperator,
  placeOf,
} from '#writ/operator';
import { type Cli, type CommonOptions, dataDirectory } from '../cli.js';
import { removedMessages } from '../ledger/removed-messages.js';
import { painter } from '../paint.js';
import { formatExplanation } from './format-explanation.js';
import { sourcesOf } from './explain-sources.js';

export interface ExplainOptions extends CommonOptions {
  readonly agent?: string;
}

const ENTRY_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/** Explains the call with that id, or the one that an entry with that id is about. Throws INPUT_UNKNOWN_CALL. */
export async function runExplain(asked: string, options: ExplainOptions, cli: Cli): Promise<void> {
  const operator = await openOperator({ dataDir: dataDirectory(options), url: process.env['WRIT_NATS_URL'] });
  try {
    const { blocks, authority, paths } = operator;
    const ledger = { blocks, authority, removed: removedMessages(paths, (line) => cli.note(line)) };
    const about = ENTRY_ID.test(asked) ? await entryById(ledger, asked) : undefined;
    const named = about === undefined ? { call: asked, agent: options.agent } : callOf(about.entry);
    if (about !== undefined && named === undefined) {
      tellEntry(about, options, cli);
      return;
    }
    const wanted = named ?? { call: asked };
    const found = await entriesOfCall(ledger, wanted.call);
    const sources = await sourcesOf(operator, options);
    const evaluation = evaluationIn(found.entries, about);
    const explained =
      evaluation === undefined
        ? await explainCall(found, wanted, sources)
        : await explainEvaluation(evaluation, found, sources);
    tell(explained, options, cli);
  } finally {
    await operator.close();
  }
}

/** The call, or the evaluation of another enforcement point, that an entry is about; undefined when it is about neither. */
function callOf(entry: Entry): { readonly call: string; readonly agent: string } | undefined {
  if (entry.type === 'access.evaluated') return { call: entry.req.eval, agent: entry.who.agent };
  return 'corr' in entry ? { call: entry.corr.call, agent: entry.who.agent } : undefined;
}

/** The evaluation that is asked for, by its own entry, that of its explanation, or its name when no call of an agent has it. */
function evaluationIn(entries: readonly LocatedEntry[], about: LocatedEntry | undefined): Evaluation | undefined {
  const isDecided = entries.some(({ entry }) => entry.type.endsWith('.decided'));
  return entries.filter(isEvaluation).find((evaluation) => {
    if (about === undefined) return !isDecided;
    const ids = [evaluation.entry.id, explanationOf(entries, evaluation)?.entry.id];
    return ids.includes(about.entry.id);
  });
}

type Evaluation = Located<EntryOf<'access.evaluated'>>;
const isEvaluation = (located: LocatedEntry): located is Evaluation => located.entry.type === 'access.evaluated';

function tell(explained: Explanation, { json }: ExplainOptions, cli: Cli): void {
  cli.print(json ? JSON.stringify(explained) : formatExplanation(explained, painter(cli.isColoured)));
}

/** An entry that is about no call, such as a refused request. */
function tellEntry(located: LocatedEntry, { json }: ExplainOptions, cli: Cli): void {
  const place = placeOf(located);
  cli.print(JSON.stringify({ entry: located.entry, ledger: place }, null, json ? undefined : 2));
}
