import { type DeploymentPaths, readSigningKey } from '#writ/deployment';
import { Fault, messageOf } from '#writ/faults';
import type { Authority, SigningKey } from '#writ/signing';
import { isInRange } from '#writ/tlog';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

export interface LogKeysOptions {
  readonly paths: DeploymentPaths;
  readonly authority: () => Authority;
  /** Reads the trust bundle again when it has changed. */
  readonly refresh: () => Promise<void>;
  /** Puts the bundle beside the log. */
  readonly show: (bundle: Buffer) => Promise<void>;
  readonly log: { error(fields: Record<string, unknown>, message: string): void };
}

/**
 * The keys that sign checkpoints, as their files and the trust bundle are now. While the key of the log is rotated there are two, and
 * both sign; which of them may sign a tree of a size is the bundle's to say.
 */
export class LogKeys {
  #shown = -1;
  #problem: string | undefined;

  private constructor(
    private readonly options: LogKeysOptions,
    private keys: readonly SigningKey[],
  ) {}

  /** Reads the keys. Throws CONFIG_KEY. */
  static async open(options: LogKeysOptions): Promise<LogKeys> {
    return new LogKeys(options, await readKeys(options.paths));
  }

  /** Name of the log. */
  get origin(): string {
    return this.options.authority().ledger;
  }

  /**
   * Reads keys and bundle again. Call it after messages were read and before they are taken: an entry that ends a key is younger than
   * the bundle which lets it. Never rejects: what cannot be read leaves everything as it was.
   */
  async refresh(): Promise<void> {
    const { paths, authority, refresh, log } = this.options;
    await refresh();
    if (this.#shown === authority().version) return;
    try {
      this.keys = await readKeys(paths);
      await this.showBundle();
      this.#problem = undefined;
    } catch (error) {
      const detail = messageOf(error);
      if (detail !== this.#problem) log.error({ detail }, 'a key of the log cannot be used');
      this.#problem = detail;
    }
  }

  /** Puts the bundle beside the log, before anything is signed that needs it. Throws LEDGER_LOG_UNWRITABLE. */
  async showBundle(): Promise<void> {
    const { paths, authority, show } = this.options;
    const { version } = authority();
    await show(await readFile(paths.trustBundle));
    this.#shown = version;
  }

  /** The keys that may sign a tree of that size. Throws CONFIG_KEY when there is none: nothing is signed that nobody would accept. */
  signers(size: number): readonly SigningKey[] {
    const allowed = this.options.authority().logKeys();
    const signers = this.keys.filter(({ id }) => allowed.some((key) => key.key.id === id && isInRange(key, size)));
    if (signers.length > 0) return signers;
    throw new Fault('CONFIG_KEY', `the trust bundle lets no key that is here sign a tree of ${size} entries`);
  }
}

async function readKeys({ logKey, logNextKey }: DeploymentPaths): Promise<readonly SigningKey[]> {
  const files = [logKey, ...(existsSync(logNextKey) ? [logNextKey] : [])];
  return Promise.all(files.map(readSigningKey));
}
