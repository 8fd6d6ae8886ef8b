import { randomInt } from 'node:crypto';

/** At least so many calls are remembered, and at most twice as many. */
const CALLS_REMEMBERED = 250_000;
const SLOTS = 2 ** 19;

/**
 * Which calls were there before, of the last some hundred thousand. It keeps fingerprints of 64 bits instead of strings: half a million
 * of those cost more in garbage collection than the decisions that they belong to. Two of half a million calls have the same
 * fingerprint about once in a hundred million ledgers, and the seeds are new in every process, so that nobody can choose ids for it.
 */
export class SeenCalls {
  #young = new Fingerprints();
  #old = new Fingerprints();
  readonly #seeds = [randomInt(2 ** 32), randomInt(2 ** 32)] as const;

  constructor(private readonly remembered = CALLS_REMEMBERED) {}

  /** Whether the call is a new one. It is remembered from now on. */
  add(agent: string, call: string): boolean {
    let [one, two] = this.#seeds;
    for (const text of [agent, ' ', call]) {
      for (let at = 0; at < text.length; at++) {
        const unit = text.charCodeAt(at);
        one = Math.imul(one ^ unit, 0x01_00_01_93);
        two = Math.imul(two ^ (two >>> 15) ^ unit, 0x85_eb_ca_6b);
      }
    }
    // Zeros are an empty slot.
    two |= 1;
    if (this.#young.has(one, two) || this.#old.has(one, two)) return false;
    if (this.#young.size === this.remembered) {
      [this.#old, this.#young] = [this.#young, this.#old];
      this.#young.clear();
    }
    this.#young.add(one, two);
    return true;
  }
}

/** A set of pairs of 32 bits in a table of fixed size, of which at most half is used. */
class Fingerprints {
  readonly #pairs = new Int32Array(2 * SLOTS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(one: number, two: number): boolean {
    return this.#pairs[this.#slotOf(one, two) + 1] !== 0;
  }

  add(one: number, two: number): void {
    const slot = this.#slotOf(one, two);
    this.#pairs[slot] = one;
    this.#pairs[slot + 1] = two;
    this.#size += 1;
  }

  clear(): void {
    this.#pairs.fill(0);
    this.#size = 0;
  }

  /** Where the pair is, or where it would go. */
  #slotOf(one: number, two: number): number {
    let slot = (one ^ (one >>> 13)) & (SLOTS - 1);
    for (;;) {
      const at = 2 * slot;
      const found = this.#pairs[at + 1];
      if (found === 0 || (found === two && this.#pairs[at] === one)) return at;
      slot = (slot + 1) & (SLOTS - 1);
    }
  }
}
