import type { Entry } from '#writ/contracts';

interface AllowedCall {
  readonly kind: string;
  readonly agent: string;
  readonly call: string;
  hasEnded: boolean;
}

export interface HistoryProblem {
  readonly code: 'no_decision' | 'second_outcome';
  readonly message: string;
}

// More than the entries of a block, so that sequence and index make one number.
const INDEX_SPAN = 256;

/**
 * Joins decisions with what became of them: every outcome must point at an earlier allow of the same call, by the same agent and
 * of the same kind. Feed it entries in stream order, each with its author proved.
 */
export class CallHistory {
  readonly #allowed = new Map<number, AllowedCall>();
  #open = 0;
  /** Decisions that stand before this message are not here: they were removed, or are of the ledger before. */
  #firstSeq: number;
  #hasBegun = false;

  /** For a ledger that begins with message `begins` of its stream. */
  constructor(begins: number) {
    this.#firstSeq = begins;
  }

  /** Allowed calls that have not ended. */
  get open(): number {
    return this.#open;
  }

  /** Nothing before message `seq` is there. The first call counts. */
  beginAt(seq: number): void {
    if (!this.#hasBegun) this.#firstSeq = seq;
    this.#hasBegun = true;
  }

  /** Takes the entry at this place; returns what is wrong with it, if anything. */
  take(entry: Entry, seq: number, index: number): HistoryProblem | undefined {
    if ('eff' in entry && 'corr' in entry && entry.eff.phase === 'decided') {
      if (entry.eff.d === 'allow') this.#allow(entry, seq * INDEX_SPAN + index);
      return undefined;
    }
    if ('dec' in entry && 'corr' in entry) return this.#end(entry);
    return undefined;
  }

  #allow(entry: Entry & { who: { agent: string }; corr: { call: string } }, place: number): void {
    const kind = entry.type.slice(0, entry.type.lastIndexOf('.'));
    this.#allowed.set(place, { kind, agent: entry.who.agent, call: entry.corr.call, hasEnded: false });
    this.#open++;
  }

  #end(entry: Extract<Entry, { dec: object; corr: object }>): HistoryProblem | undefined {
    const { dec, corr, who, type } = entry;
    if (dec.seq < this.#firstSeq) return undefined;
    const decision = this.#allowed.get(dec.seq * INDEX_SPAN + dec.i);
    const isSameCall = decision?.call === corr.call && decision.agent === who.agent;
    if (
      decision === undefined ||
      !isSameCall ||
      (type.endsWith('.completed') && type !== `${decision.kind}.completed`)
    ) {
      return {
        code: 'no_decision',
        message: `\`${type}\` of call \`${corr.call}\` points at sequence ${dec.seq} entry ${dec.i}, which is no earlier allow of that call`,
      };
    }
    if (decision.hasEnded)
      return { code: 'second_outcome', message: `call \`${corr.call}\` ended before; only the first end counts` };
    decision.hasEnded = true;
    this.#open--;
    return undefined;
  }
}
