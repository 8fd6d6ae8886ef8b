import { detokenise, openOperator, recordedErasures } from '#writ/operator';
import { createInterface } from 'node:readline';
import { UsageError } from '../failure.js';

const TOKENS_MAX = 10_000;

/**
 * The texts in tokens, in their order. Throws VAULT_TOKEN_INVALID, LEDGER_VALUE_GONE when one was erased, CONFIG_* and LEDGER_*; a
 * UsageError when there is none, or too many.
 */
export async function openTokens(tokens: readonly string[], dataDir: string): Promise<readonly string[]> {
  if (tokens.length === 0 || tokens.length > TOKENS_MAX) {
    throw new UsageError(`give 1 to ${TOKENS_MAX} tokens, as arguments or one per line on stdin`);
  }
  const operator = await openOperator({ dataDir, url: process.env['WRIT_NATS_URL'] });
  const { dataKeys: keys, tenantKeys } = operator;
  const recorded = () => recordedErasures(operator);
  return detokenise(tokens, { keys, tenantKeys, recorded }).finally(() => operator.close());
}

/** The lines of an input that are not empty, as far as `openTokens` takes them and one more. */
export async function linesOf(input: NodeJS.ReadableStream): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input })) {
    if (line.trim() !== '') lines.push(line.trim());
    if (lines.length > TOKENS_MAX) break;
  }
  return lines;
}
