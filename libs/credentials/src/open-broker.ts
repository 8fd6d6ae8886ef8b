import type { Catalogue } from '#writ/catalogue';
import { secretPlace, SecretStore } from '#writ/secrets';
import { CredentialBroker } from './broker.js';
import { processSources } from './sources.js';
import type { SendOwn } from './token-request.js';

/**
 * The broker of an executor: what the configuration declares, from this process, its disk and the store of its data directory. Tokens are
 * asked for through `send`.
 */
export function openBroker(
  { config, baseDirectory }: Catalogue,
  { dataDir, send }: { readonly dataDir: string; readonly send: SendOwn },
): CredentialBroker {
  const store = new SecretStore(secretPlace(config.secrets, { baseDirectory, dataDir }));
  return new CredentialBroker(config.credentials, processSources(baseDirectory, store), {
    send,
    providers: config.secrets.providers,
  });
}
