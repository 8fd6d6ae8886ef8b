import type { PayloadValue } from '#writ/contracts';
import type { TenantKeys } from '#writ/vault';
import { openGroup, readPayload } from './payload-message.js';
import type { PayloadLog } from './ports.js';

/** An entry's time is its producer's; the message is looked for from a little before it. */
const SKEW_MS = 5_000;

/** An entry, and where its values are looked for. */
export interface ValuesPlace {
  readonly producer: string;
  /** Hash of its block. */
  readonly block: string;
  readonly entry: string;
  /** The entry's own time. */
  readonly writtenAtMs: number;
}

/**
 * What the vault has of an entry. `erased`: values are there that nobody can open any more, because their keys, which are named, were
 * destroyed; those of the entry are among them. `gone`: past retention, or there never were any.
 */
export type StoredValues =
  | { readonly status: 'stored'; readonly values: readonly PayloadValue[]; readonly key: string }
  | { readonly status: 'erased'; readonly keys: readonly string[] }
  | { readonly status: 'gone' };

/** Opens values again, for the operator and for answers to repeated calls. */
export class PayloadOpener {
  /** For reading the past as a whole, see `open`. */
  readonly #keys = new Map<string, Buffer>();

  constructor(
    private readonly log: PayloadLog,
    private readonly tenantKeys: TenantKeys,
  ) {}

  /** The values of one entry, or undefined when they are erased or past retention. Throws LEDGER_CORRUPT. */
  async values(where: ValuesPlace): Promise<readonly PayloadValue[] | undefined> {
    const found = await this.find(where);
    return found.status === 'stored' ? found.values : undefined;
  }

  /**
   * The values of one entry, or what became of them. The key is read anew each time: what was erased a moment ago is erased here too.
   * Throws LEDGER_CORRUPT when what is stored was changed since it was written.
   */
  async find(where: ValuesPlace): Promise<StoredValues> {
    for await (const message of this.log.since(where.producer, where.writtenAtMs - SKEW_MS)) {
      const { block, boxes } = readPayload(message);
      if (block !== where.block) continue;
      const erased: string[] = [];
      for (const { key: name, box } of boxes) {
        const key = await this.#storedKey(name);
        if (key === undefined) {
          erased.push(name);
          continue;
        }
        const found = openGroup(block, name, { key, box }).find(({ entry }) => entry === where.entry);
        if (found !== undefined) return { status: 'stored', values: found.values, key: name };
      }
      return erased.length > 0 ? { status: 'erased', keys: erased } : { status: 'gone' };
    }
    return { status: 'gone' };
  }

  /**
   * Everything in one payload message that still opens, by entry: an erased key takes its values with it. Keys are kept from one
   * message to the next, so this is for who reads the past once and ends. Throws LEDGER_CORRUPT when the message or a key was changed
   * since it was written.
   */
  async open(message: Uint8Array): Promise<ReadonlyMap<string, readonly PayloadValue[]>> {
    const { block, boxes } = readPayload(message);
    const opened = new Map<string, readonly PayloadValue[]>();
    for (const { key: name, box } of boxes) {
      const key = this.#keys.get(name) ?? (await this.#storedKey(name));
      if (key === undefined) continue;
      this.#keys.set(name, key);
      for (const { entry, values } of openGroup(block, name, { key, box })) opened.set(entry, values);
    }
    return opened;
  }

  async #storedKey(name: string): Promise<Buffer | undefined> {
    const stored = await this.log.key(name);
    return stored === undefined ? undefined : this.tenantKeys.unwrap(name, stored);
  }
}
