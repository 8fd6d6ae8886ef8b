import { Answer, type CatalogItem, CatalogPage, parse, parseStrictJson } from '#writ/contracts';
import { messageOf } from '#writ/faults';
import { z } from 'zod';
import { InvalidAnswer, Refused } from './errors.js';

type ItemOf<T extends CatalogItem['type']> = Omit<Extract<CatalogItem, { type: T }>, 'type'>;

/** What an agent could use at all. That something is listed does not permit a call: each is decided when it is made. */
export interface Catalog {
  readonly tools: readonly ItemOf<'tool'>[];
  readonly namespaces: readonly ItemOf<'namespace'>[];
  readonly destinations: readonly ItemOf<'destination'>[];
}

const PAGE_LIMITS = { bytesMax: 131_072, depthMax: 64 };
/** A list of a hundred pages has some ten thousand tools. */
const PAGES_MAX = 100;

/** Asks for page after page. Throws Refused and InvalidAnswer. */
export async function fetchCatalog(ask: (after: string | undefined) => Promise<Uint8Array>): Promise<Catalog> {
  const items: CatalogItem[] = [];
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const listed = readPage(await ask(after));
    items.push(...listed.items);
    if (listed.next === undefined) return sorted(items);
    after = listed.next;
  }
  throw invalid('the list does not end');
}

function sorted(items: readonly CatalogItem[]): Catalog {
  const of = <T extends CatalogItem['type']>(wanted: T): readonly ItemOf<T>[] =>
    items.flatMap(({ type, ...item }) => (type === wanted ? [item as unknown as ItemOf<T>] : []));
  return { tools: of('tool'), namespaces: of('namespace'), destinations: of('destination') };
}

function readPage(bytes: Uint8Array): CatalogPage {
  let answer: CatalogPage | Answer;
  try {
    answer = parse(z.union([CatalogPage, Answer]), parseStrictJson(bytes, PAGE_LIMITS));
  } catch (cause) {
    throw invalid(`the answer cannot be read: ${messageOf(cause)}`, cause);
  }
  if (answer.status === 'listed') return answer;
  if (answer.status !== 'refused') throw invalid('the answer is not a catalogue');
  const { code, message, entry } = answer;
  throw new Refused(message, { code, reason: message, entry });
}

function invalid(message: string, cause?: unknown): InvalidAnswer {
  return new InvalidAnswer(message, { code: 'ANSWER_INVALID', cause });
}
