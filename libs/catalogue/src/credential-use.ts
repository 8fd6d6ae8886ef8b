import type { WritConfig } from './schema.js';
import type { ConfigPath, FaultAt } from './yaml-source.js';

interface CredentialUse {
  readonly credential?: string | undefined;
  readonly origin: string;
  readonly path: ConfigPath;
  readonly faultAt: FaultAt;
}

/** Checks that a credential is declared and may go to that origin. */
export function checkCredential(config: WritConfig, { credential: name, origin, path, faultAt }: CredentialUse): void {
  if (name === undefined) return;
  const credential = Object.hasOwn(config.credentials, name) ? config.credentials[name] : undefined;
  if (credential === undefined) {
    throw faultAt([...path, 'credential'], `no credential \`${name}\` is declared under \`credentials\``);
  }
  if (!credential.origins.includes(origin)) {
    throw faultAt(
      [...path, 'credential'],
      `the credential \`${name}\` may not go to \`${origin}\`; see its \`origins\``,
    );
  }
}
