import {
  isSmallPredicate,
  type Obligation,
  type ObligationOf,
  Obligations,
  parseStrictJson,
  Remedy,
} from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { z } from 'zod';

const LISTED_MAX = 32;
/** More than any annotation needs: what a filter may hold is counted as a filter. */
const ANNOTATION_LIMITS = { bytesMax: 64 * 1024, depthMax: 64 };

/**
 * The obligations of `@obligations("[…]")`, a JSON list. Returns a sentence when they are not what Writ can enforce: a
 * policy whose obligations cannot be enforced is refused at load.
 */
export function readObligations(annotation: string): readonly Obligation[] | string {
  const obligations = readJson('obligations', 'a list of obligations', Obligations, annotation);
  if (typeof obligations === 'string') return obligations;
  if (obligations.length > LISTED_MAX) return `\`@obligations\` lists more than ${LISTED_MAX}`;
  const wrong = obligations.map(wrongIn).findIndex((each) => each !== undefined);
  if (wrong < 0) return mergeObligations([obligations]);
  return `\`@obligations\` ${wrongIn(obligations[wrong] as Obligation)} at \`${wrong}\``;
}

/** The remedy of `@remedy("{…}")`, or a sentence that says why it is none. */
export function readRemedy(annotation: string): Remedy | string {
  return readJson('remedy', 'a remedy', Remedy, annotation);
}

function readJson<T>(name: string, what: string, schema: z.ZodType<T>, annotation: string): T | string {
  let json: unknown;
  try {
    json = parseStrictJson(Buffer.from(annotation), ANNOTATION_LIMITS);
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return `\`@${name}\` is not JSON: ${thrown.message.replace(/^the message is not JSON /, '')}`;
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue === undefined || issue.path.length === 0 ? '' : ` at \`${issue.path.map(String).join('.')}\``;
  return `\`@${name}\` is not ${what}${path}: ${inOurWords(issue?.message ?? 'invalid')}`;
}

/** ``Invalid option: expected one of "a"|"b"`` and its like, as a list of what there is. */
function inOurWords(message: string): string {
  const listed = /^Invalid (?:option: e|discriminator value\. E)xpected (?:one of )?(.*)$/.exec(message)?.[1];
  if (listed === undefined) return message.slice(0, 1).toLowerCase() + message.slice(1);
  return `expected one of ${listed.replaceAll(/["']/g, '`').replaceAll(/ ?\| ?/g, ', ')}`;
}

/** What would make an obligation mean nothing, or more than can be carried out. */
function wrongIn(obligation: Obligation): string | undefined {
  switch (obligation.type) {
    case 'redact':
      return obligation.paths?.length || obligation.detectors?.length ? undefined : 'names neither paths nor detectors';
    case 'limit': {
      const { bytes, rows, ms } = obligation;
      return (bytes ?? rows ?? ms) ? undefined : 'limits neither bytes, rows nor ms';
    }
    case 'filter':
      return isSmallPredicate(obligation.where) ? undefined : 'has too large a filter';
    case 'label':
      return undefined;
  }
}

/**
 * The obligations of several policies as one list, the most restrictive of each: all redactions and filters, all labels, the
 * lowest limits. Whichever policy fires, what another one asks for is done as well.
 */
export function mergeObligations(lists: readonly (readonly Obligation[])[]): readonly Obligation[] {
  const all = lists.flat();
  if (all.length < 2) return all;
  const limits = all.filter(isOf('limit'));
  const labels = all.filter(isOf('label')).flatMap((each) => each.labels);
  const merged = new Map<string, Obligation>();
  for (const obligation of all) {
    if (obligation.type === 'redact' || obligation.type === 'filter')
      merged.set(JSON.stringify(obligation), obligation);
  }
  return [
    ...merged.values(),
    ...(limits.length === 0 ? [] : [lowest(limits)]),
    ...(labels.length === 0 ? [] : [{ type: 'label', labels: [...new Set(labels)].sort() } as const]),
  ];
}

function lowest(limits: readonly ObligationOf<'limit'>[]): Obligation {
  const least = (of: (limit: ObligationOf<'limit'>) => number | undefined): number | undefined => {
    const given = limits.map(of).filter((each) => each !== undefined);
    return given.length === 0 ? undefined : Math.min(...given);
  };
  const [bytes, rows, ms] = [least((each) => each.bytes), least((each) => each.rows), least((each) => each.ms)];
  return {
    type: 'limit',
    ...(bytes !== undefined && { bytes }),
    ...(rows !== undefined && { rows }),
    ...(ms !== undefined && { ms }),
  };
}

function isOf<T extends Obligation['type']>(type: T) {
  return (obligation: Obligation): obligation is ObligationOf<T> => obligation.type === type;
}
