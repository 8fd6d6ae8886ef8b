import { type DeploymentPaths, readSigningKey, readTrustBundle } from '#writ/deployment';
import { Fault, messageOf } from '#writ/faults';
import { Authority, type SigningKey } from '#writ/signing';
import { stat } from 'node:fs/promises';

interface Log {
  info(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

/** Whose keys they are, where they lie, and who is told when something is wrong with them. */
interface KeyPlace {
  readonly paths: DeploymentPaths;
  readonly instance: string;
  readonly log: Log;
}

/** A rotated key is in use so long after its file was written. */
const LOOK_EVERY_MS = 500;

/**
 * The trust bundle and the producer's key of one service, as their files are now: a key that is rotated needs no restart. What is
 * older or damaged changes nothing, and is told once.
 */
export class Keyring {
  #timer: NodeJS.Timeout | undefined;
  #refreshing: Promise<void> | undefined;
  #seen = '';
  #problem: string | undefined;

  readonly #inFlight = new Set<() => string | undefined>();

  private constructor(
    private readonly place: KeyPlace,
    private trusted: Authority,
    private own: SigningKey,
  ) {}

  /** Reads both files. Throws CONFIG_KEY, also when the bundle does not let the key write, or no more. */
  static async open(place: KeyPlace): Promise<Keyring> {
    const { paths, instance } = place;
    const own = await readSigningKey(paths.producerKey(instance));
    const authority = new Authority(await readTrustBundle(paths));
    assertInForce(authority, own, instance);
    return new Keyring(place, authority, own);
  }

  /** Looks at the files now and then until `stop`. */
  start(): void {
    this.#timer ??= setInterval(() => void this.refresh(), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  readonly authority = (): Authority => this.trusted;

  /** The key that signs the next block. Throws CONFIG_KEY when the bundle has ended it and no other one is here. */
  readonly key = (): SigningKey => {
    assertInForce(this.trusted, this.own, this.place.instance);
    return this.own;
  };

  /**
   * Has the health page wait for a writer: it gives the id of the key under which a block is on its way. Returns what ends that. A block
   * that the old key signed must be in the stream before the old key is ended.
   */
  awaitWriter(inFlight: () => string | undefined): () => void {
    this.#inFlight.add(inFlight);
    return () => this.#inFlight.delete(inFlight);
  }

  /** For the health page: whoever rotates keys waits until nothing is signed by another key than the new one. */
  get details(): { readonly key: string; readonly bundle: number; readonly keyProblem?: string } {
    const others = [...this.#inFlight].map((inFlight) => inFlight()).filter((key) => key !== undefined);
    const id = others.find((key) => key !== this.own.id) ?? this.own.id;
    return { key: id, bundle: this.trusted.version, ...(this.#problem !== undefined && { keyProblem: this.#problem }) };
  }

  /** Reads again what has changed. Never rejects: what cannot be read leaves everything as it was. */
  async refresh(): Promise<void> {
    // One at a time: of two that overlap the one with the older files could end last.
    this.#refreshing ??= this.#look().finally(() => (this.#refreshing = undefined));
    await this.#refreshing;
  }

  async #look(): Promise<void> {
    try {
      const seen = await this.#fingerprint();
      if (seen === this.#seen) return;
      await this.#takeBundle();
      await this.#takeKey();
      this.#seen = seen;
      this.#problem = undefined;
    } catch (error) {
      const problem = messageOf(error);
      if (problem !== this.#problem) this.place.log.error({ detail: problem }, 'a key of this producer cannot be used');
      this.#problem = problem;
    }
  }

  async #fingerprint(): Promise<string> {
    const { paths, instance } = this.place;
    const files = [paths.trustBundle, paths.producerKey(instance)];
    const found = await Promise.all(files.map((file) => stat(file)));
    return found.map(({ ino, mtimeMs, size }) => `${ino} ${mtimeMs} ${size}`).join(' ');
  }

  async #takeBundle(): Promise<void> {
    const authority = new Authority(await readTrustBundle(this.place.paths));
    const { version } = this.trusted;
    if (authority.version < version) {
      // Under an older bundle a key that was revoked would count again.
      throw new Fault('CONFIG_KEY', `the trust bundle has version ${authority.version}; ${version} is in use`);
    }
    this.trusted = authority;
    if (authority.version > version)
      this.place.log.info({ version: authority.version }, 'a newer trust bundle is in use');
  }

  async #takeKey(): Promise<void> {
    const { paths, instance, log } = this.place;
    const own = await readSigningKey(paths.producerKey(instance));
    assertInForce(this.trusted, own, instance);
    if (own.id === this.own.id) return;
    log.info({ key: own.id, before: this.own.id }, 'another key signs from now on');
    this.own = own;
  }
}

function assertInForce(authority: Authority, { id }: SigningKey, instance: string): void {
  const known = authority.keyOf(id);
  if (known === undefined || known.name !== instance)
    throw new Fault('CONFIG_KEY', `the trust bundle does not know the key \`${id}\` of \`${instance}\``);
  if (known.until === undefined) return;
  throw new Fault(
    'CONFIG_KEY',
    `the key \`${id}\` of \`${instance}\` was revoked: what it signs counts for nothing; put the key in place that follows it`,
  );
}
