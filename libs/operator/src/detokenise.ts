import { Fault } from '#writ/faults';
import type { KeyLog, StoredKey } from '#writ/ledger-client';
import { dataKeyId, openToken, readToken, type TenantKeys, type Token } from '#writ/vault';
import type { ErasurePorts } from './erasures.js';

/** What tokens are opened with. */
export interface DetokenisePorts extends Pick<ErasurePorts, 'recorded'> {
  readonly keys: Pick<KeyLog, 'keys'>;
  readonly tenantKeys: Pick<TenantKeys, 'unwrap'>;
}

/**
 * The texts in tokens, in their order. All are opened or none: throws VAULT_TOKEN_INVALID when one is no token of this vault, was changed,
 * or is past retention, LEDGER_VALUE_GONE when one was erased, and LEDGER_CORRUPT when its data key does not open. Errors name tokens by
 * their place, from 1 on, and quote none.
 */
export async function detokenise(texts: readonly string[], ports: DetokenisePorts): Promise<readonly string[]> {
  const tokens = texts.map((text, index) => readToken(text) ?? refuse(index, 'that is no token'));
  const erasures = await ports.recorded();
  tokens.forEach(({ keyId }, index) => {
    // A key that came back with a backup, or that an erasure which died has left, opens nothing either.
    const erasure = erasures.get(keyId);
    if (erasure === undefined) return;
    const said = `by ${erasure.by} on ${erasure.ts.slice(0, 10)}`;
    throw new Fault('LEDGER_VALUE_GONE', `token ${index + 1}: the value was erased ${said}`);
  });
  const keys = await storedKeys(tokens, ports);
  return tokens.map((token, index) => {
    const key = keys.get(token.keyId) ?? refuse(index, 'its key is not here, or is past `limits.payloadDays`');
    return openToken(key, token) ?? refuse(index, 'it was changed, or is of another kind');
  });
}

function refuse(index: number, why: string): never {
  throw new Fault('VAULT_TOKEN_INVALID', `token ${index + 1}: ${why}`);
}

/** The data keys of tokens by their ids. A name cannot be told from an id, so all keys are looked at. */
async function storedKeys(tokens: readonly Token[], { keys, tenantKeys }: DetokenisePorts) {
  const wanted = new Set(tokens.map(({ keyId }) => keyId));
  const found = new Map<string, StoredKey>();
  for await (const key of keys.keys('*')) {
    const id = dataKeyId(key.name);
    if (wanted.has(id)) found.set(id, key);
  }
  const opened = ([id, { name, data }]: [string, StoredKey]) =>
    [id, { name, key: tenantKeys.unwrap(name, data) }] as const;
  return new Map([...found].map(opened));
}
