import type { LlmPrices, ToolDeclaration } from '#writ/catalogue';
import type { Json, JsonObject, LlmCost } from '#writ/contracts';
import { calcPrice } from '@pydantic/genai-prices';

type LlmDeclaration = NonNullable<ToolDeclaration['llm']>;

interface Tokens {
  /** Those that were cached included. */
  readonly in: number;
  readonly out: number;
  readonly cached: number;
  /** Written to a cache, which some providers sell at a price of its own. */
  readonly written: number;
}

const TOKENS_MAX = 1_000_000_000;
const MICRO = 1_000_000;
const MODEL = /^[\x21-\x7e]{1,128}$/;

/**
 * What a call of a language model took, as the answer of its provider says: tokens in the words of OpenAI or Anthropic, and money by the
 * configured prices or the table that came with this release. A model without a price has none: null, never zero.
 */
export function llmCost(answer: Json, declaration: LlmDeclaration, prices: LlmPrices): LlmCost {
  const { provider, modelFrom, usageFrom } = declaration;
  const named = at(answer, modelFrom);
  const model = typeof named === 'string' && MODEL.test(named) ? named : undefined;
  const tokens = tokensOf(at(answer, usageFrom));
  if (tokens === undefined) return { provider, ...(model !== undefined && { model }), usd_micro: null };
  const price = model === undefined ? undefined : priceOf(tokens, { provider, model, prices });
  return {
    provider,
    ...(model !== undefined && { model }),
    in: tokens.in,
    out: tokens.out,
    cached: tokens.cached,
    // Rounded up: many small calls must not look free.
    usd_micro: price === undefined ? null : Math.ceil(Number(price.toFixed(3))),
  };
}

/** In millionths of a dollar; undefined when nobody knows it. */
function priceOf(
  tokens: Tokens,
  { provider, model, prices }: { readonly provider: string; readonly model: string; readonly prices: LlmPrices },
): number | undefined {
  const name = `${provider}/${model}`;
  const own = Object.hasOwn(prices, name) ? prices[name] : undefined;
  // A dollar for a million tokens is a millionth of a dollar for one.
  if (own !== undefined)
    return (
      (tokens.in - tokens.cached) * own.input + tokens.cached * (own.cached ?? own.input) + tokens.out * own.output
    );
  const usage = {
    input_tokens: tokens.in,
    output_tokens: tokens.out,
    cache_read_tokens: tokens.cached,
    cache_write_tokens: tokens.written,
  };
  try {
    const price = calcPrice(usage, model, { providerId: provider })?.total_price;
    return price === undefined || !Number.isFinite(price) ? undefined : price * MICRO;
  } catch {
    // The table has no rule for what the provider said.
    return undefined;
  }
}

/** The usage that an answer states. It is attacker-controlled: what is no number of tokens, or does not add up, is no usage. */
function tokensOf(usage: Json | undefined): Tokens | undefined {
  if (!isObject(usage)) return undefined;
  const isChat = 'prompt_tokens' in usage;
  const details = usage[isChat ? 'prompt_tokens_details' : 'input_tokens_details'];
  const given = count(usage[isChat ? 'prompt_tokens' : 'input_tokens']);
  const out = count(usage[isChat ? 'completion_tokens' : 'output_tokens']);
  const cachedInside = count((isObject(details) ? details['cached_tokens'] : undefined) ?? 0);
  // Anthropic counts these beside its input tokens, OpenAI inside of them.
  const cachedBeside = count(usage['cache_read_input_tokens'] ?? 0);
  const written = count(usage['cache_creation_input_tokens'] ?? 0);
  if (given === undefined || out === undefined || cachedInside === undefined) return undefined;
  if (cachedBeside === undefined || written === undefined || cachedInside > given) return undefined;
  const all = given + cachedBeside + written;
  return all > TOKENS_MAX ? undefined : { in: all, out, cached: cachedInside + cachedBeside, written };
}

function count(value: Json | undefined): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= TOKENS_MAX ? value : undefined;
}

function at(value: Json, pointer: string): Json | undefined {
  let found: Json | undefined = value;
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(found)) found = /^\d+$/.test(name) ? (found as readonly Json[])[Number(name)] : undefined;
    else found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  return found;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
