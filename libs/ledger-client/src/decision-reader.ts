import type { DecidedEntry } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { Authority } from '#writ/signing';
import { parseEntry, type VerifiedBlock } from '#writ/tlog';
import { openAuthorised } from './open-authorised.js';
import type { BlockLog } from './ports.js';

const BLOCKS_CACHED_MAX = 256;

/** An allow, and the leaf hash of its bytes. */
export interface Allow {
  readonly entry: DecidedEntry;
  readonly leaf: Buffer;
}

/**
 * Reads decisions back from the ledger for those who act on them. A verified block is kept, so that one read serves all
 * commands of a block.
 */
export class DecisionReader {
  readonly #blocks = new Map<number, Promise<VerifiedBlock>>();

  constructor(
    private readonly log: BlockLog,
    private readonly authority: () => Authority,
  ) {}

  /**
   * The allow that stands at that place, written by a decision service. Throws COMMAND_NOT_IN_LEDGER when there is no such
   * entry, COMMAND_NOT_AUTHORISED when it is anything but an allow by a decision service.
   */
  async allowAt(seq: number, i: number): Promise<Allow> {
    const block = await this.#block(seq);
    const authentic = block.entries[i];
    const leaf = block.block.leaves[i];
    if (authentic === undefined || leaf === undefined)
      throw new Fault('COMMAND_NOT_IN_LEDGER', `block ${seq} has no entry ${i}`);
    const entry = parseEntry(authentic);
    if (!('eff' in entry) || entry.eff.phase !== 'decided' || entry.eff.d !== 'allow') {
      throw new Fault('COMMAND_NOT_AUTHORISED', `entry ${i} of block ${seq} is not an allow`);
    }
    if (block.key.role !== 'pdp') {
      throw new Fault('COMMAND_NOT_AUTHORISED', `entry ${i} of block ${seq} was not written by a decision service`);
    }
    return { entry: entry as DecidedEntry, leaf };
  }

  #block(seq: number): Promise<VerifiedBlock> {
    const known = this.#blocks.get(seq);
    if (known !== undefined) return known;
    const read = this.#read(seq);
    this.#blocks.set(seq, read);
    read.catch(() => this.#blocks.delete(seq));
    if (this.#blocks.size > BLOCKS_CACHED_MAX) this.#blocks.delete(this.#blocks.keys().next().value ?? seq);
    return read;
  }

  async #read(seq: number): Promise<VerifiedBlock> {
    const message = await this.log.message(seq).catch((cause: unknown) => {
      throw new Fault('LEDGER_UNAVAILABLE', 'the ledger cannot be read', { cause });
    });
    if (message === undefined) throw new Fault('COMMAND_NOT_IN_LEDGER', `the ledger has no block ${seq}`);
    try {
      return openAuthorised(message, this.authority());
    } catch (cause) {
      throw new Fault('COMMAND_NOT_AUTHORISED', `block ${seq} does not verify`, { cause });
    }
  }
}
