import { randomBytes } from 'node:crypto';
import { subjects } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { type TenantKeys, type Tokenise, tokeniserOf } from '#writ/vault';
import { writePayload } from './payload-message.js';
import type { PayloadLog } from './ports.js';

/** The values of one entry, sealed under the data key of their holder and day. */
export interface EntryValues {
  readonly entry: string;
  /** The pseudonym of the data subject that they are about; the agent, when none is named. */
  readonly holder: string;
  /** JSON of an array of `PayloadValue`. */
  readonly values: string;
}

interface DataKey {
  readonly name: string;
  readonly key: Buffer;
}

interface HeldKey extends DataKey {
  readonly holder: string;
  /** Resolves when it is stored. */
  readonly stored: Promise<void>;
  /** When it was known to be stored. */
  checkedMs: number;
}

/** Tokens that are made before it is known that the key which opens them is stored. */
export interface HeldTokens {
  readonly tokenise: Tokenise;
  /** Resolves when it is: before that no token may be given out. Throws LEDGER_UNAVAILABLE when it is not, or was erased meanwhile. */
  stored(): Promise<void>;
}

const NAME_BYTES = 12;
const KEY_BYTES = 32;
/** What is sealed within this time after its key was destroyed is erased with it: nobody can open it. */
const CHECKED_FOR_MS = 2_000;
/** An agent chooses whom its calls are about. One that is forgotten gets another key when it comes again. */
const KEYS_HELD_MAX = 10_000;

/**
 * Seals values for one producer boot. A data key is random, per holder and UTC day; it is stored, wrapped by the tenant key, before
 * the first value under it. Deleting the wrapped key erases the values, and what comes later gets another key.
 */
export class PayloadSealer {
  /** By holder, of one day; the longest unused first. */
  readonly #keys = new Map<string, HeldKey>();
  #day = '';

  constructor(
    private readonly log: PayloadLog,
    private readonly tenantKeys: TenantKeys,
    private readonly writer: { readonly tenant: string; readonly producer: string },
  ) {}

  /** One payload message for a block. Resolves when the data keys that it needs are durable. */
  async seal(block: string, entries: readonly EntryValues[], nowMs: number): Promise<Uint8Array> {
    const byHolder = new Map<string, string[]>();
    for (const { entry, holder, values } of entries) {
      const members = byHolder.get(holder) ?? [];
      members.push(`{"entry":"${entry}","values":${values}}`);
      byHolder.set(holder, members);
    }
    const groups = [...byHolder].map(async ([holder, members]) => {
      const { name, key } = await this.#dataKey(holder, nowMs);
      return { name, key, members };
    });
    return writePayload(block, await Promise.all(groups));
  }

  /** Makes tokens of the values of a holder, under the data key that seals them too. Rejects when it cannot be stored. */
  async tokeniser(holder: string, nowMs: number): Promise<Tokenise> {
    return tokeniserOf(await this.#dataKey(holder, nowMs));
  }

  /** The same at once, for who makes tokens where nothing can be awaited. */
  heldTokens(holder: string, nowMs: number): HeldTokens {
    const held = this.#heldKey(holder, nowMs);
    // Asked of this very key: another may be held by now, after midnight or when many holders came between, and this one still opens them.
    const stored = async () => {
      if (!(await this.#isStored(held, nowMs).catch(() => false)))
        throw new Fault('LEDGER_UNAVAILABLE', 'the key of the tokens is not stored');
    };
    return { tokenise: tokeniserOf(held), stored };
  }

  async #dataKey(holder: string, nowMs: number): Promise<DataKey> {
    const held = this.#heldKey(holder, nowMs);
    if (await this.#isStored(held, nowMs)) return held;
    // It was erased. Another caller may have seen that first and made the next one.
    const key = this.#keys.get(holder) ?? this.#newKey(holder, nowMs);
    await key.stored;
    return key;
  }

  /** False when it was erased. Rejects when it could not be stored. */
  async #isStored(held: HeldKey, nowMs: number): Promise<boolean> {
    await held.stored;
    if (nowMs - held.checkedMs < CHECKED_FOR_MS) return true;
    if ((await this.log.key(held.name)) === undefined) {
      this.#forget(held);
      return false;
    }
    held.checkedMs = nowMs;
    return true;
  }

  /** The key of the day, stored or about to be. */
  #heldKey(holder: string, nowMs: number): HeldKey {
    const day = dayOf(nowMs);
    if (day !== this.#day) {
      this.#keys.clear();
      this.#day = day;
    }
    const held = this.#keys.get(holder);
    if (held === undefined) return this.#newKey(holder, nowMs);
    this.#hold(holder, held);
    return held;
  }

  #newKey(holder: string, nowMs: number): HeldKey {
    const key = randomBytes(KEY_BYTES);
    const nonce = randomBytes(NAME_BYTES).toString('hex');
    const { tenant, producer } = this.writer;
    const name = subjects.payloadKey(tenant, holder, `${dayOf(nowMs)}-${nonce}`, producer);
    const stored = this.log.appendKey(name, this.tenantKeys.wrap(name, key));
    const held: HeldKey = { holder, name, key, stored, checkedMs: nowMs };
    this.#hold(holder, held);
    // A key that could not be stored is not used: the next value tries again with a new one.
    stored.catch(() => this.#forget(held));
    return held;
  }

  #forget(held: HeldKey): void {
    if (this.#keys.get(held.holder) === held) this.#keys.delete(held.holder);
  }

  #hold(holder: string, held: HeldKey): void {
    this.#keys.delete(holder);
    this.#keys.set(holder, held);
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > KEYS_HELD_MAX && oldest !== undefined) this.#keys.delete(oldest);
  }
}

/** In UTC. */
const dayOf = (nowMs: number): string => new Date(nowMs).toISOString().slice(0, 10);
