import { randomBytes } from 'node:crypto';
import { subjects } from '#writ/contracts';
import type { TenantKeys } from '#writ/vault';
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

interface HeldKey {
  readonly made: Promise<DataKey>;
  /** When it was known to be stored. */
  checkedMs: number;
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
    const groups = [...byHolder].map(async ([holder, members]) => ({
      ...(await this.#dataKey(holder, nowMs)),
      members,
    }));
    return writePayload(block, await Promise.all(groups));
  }

  async #dataKey(holder: string, nowMs: number): Promise<DataKey> {
    const day = new Date(nowMs).toISOString().slice(0, 10);
    if (day !== this.#day) {
      this.#keys.clear();
      this.#day = day;
    }
    const known = this.#keys.get(holder);
    if (known === undefined) return this.#newKey(holder, day, nowMs);
    this.#hold(holder, known);
    const made = await known.made;
    if (nowMs - known.checkedMs < CHECKED_FOR_MS) return made;
    if ((await this.log.key(made.name)) !== undefined) {
      known.checkedMs = nowMs;
      return made;
    }
    // It was erased. Another caller may have seen that first and made the next one.
    const next = this.#keys.get(holder);
    return next === undefined || next === known ? this.#newKey(holder, day, nowMs) : next.made;
  }

  #newKey(holder: string, day: string, nowMs: number): Promise<DataKey> {
    const made = this.#makeKey(holder, day);
    const held = { made, checkedMs: nowMs };
    this.#hold(holder, held);
    // A key that could not be stored is not used: the next value tries again with a new one.
    made.catch(() => {
      if (this.#keys.get(holder) === held) this.#keys.delete(holder);
    });
    return made;
  }

  #hold(holder: string, held: HeldKey): void {
    this.#keys.delete(holder);
    this.#keys.set(holder, held);
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > KEYS_HELD_MAX && oldest !== undefined) this.#keys.delete(oldest);
  }

  async #makeKey(holder: string, day: string): Promise<DataKey> {
    const key = randomBytes(KEY_BYTES);
    const nonce = randomBytes(NAME_BYTES).toString('hex');
    const name = subjects.payloadKey(this.writer.tenant, holder, `${day}-${nonce}`, this.writer.producer);
    await this.log.appendKey(name, this.tenantKeys.wrap(name, key));
    return { name, key };
  }
}
