import { Fault } from '#writ/faults';
import { decodeBase64url, type Authority } from '#writ/signing';
import { z } from 'zod';
import type { BlockLine } from './block-line.js';
import { ChainState, isCounting, ProducerChain, stepSentence, type CountingStep } from './chain.js';
import { HASH_BYTES, leafHashOfText } from './hash.js';
import { judgeMessage, type LedgerMessage, type RefusedMessage } from './judge-message.js';
import { frozenBy } from './frozen.js';
import { Frontier } from './merkle.js';
import { rejectedText } from './rejected-leaf.js';
import type { VerifiedBlock } from './verify-block.js';

const Hash = z.string().length(43);

/** All that an integrator needs to go on where another one stopped: bounded by the number of producers, as `ChainState` is. */
export const IntegratorState = z.strictObject({
  v: z.literal(1),
  ledger: z.string(),
  /** Leaves, and the root over them in base64url. */
  size: z.int().min(0),
  root: Hash,
  /** Hashes of the complete subtrees, largest first. */
  frontier: z.array(Hash).max(53),
  /** Highest stream sequence so far, 0 before the first message. */
  seq: z.int().min(0),
  /** Messages so far, which is the number of lines of the block index. */
  messages: z.int().min(0),
  producers: z.record(z.string(), ChainState),
  /** Keys that an entry ended, by their ids: the message after which they count no more. States of earlier releases have none. */
  revoked: z.record(z.string(), z.int().min(1)).optional(),
  /** The ledger that goes on, when this one has ended. */
  frozen: z.string().optional(),
});
export type IntegratorState = z.infer<typeof IntegratorState>;

/** One leaf of the log: the text whose UTF-8 bytes it is, and its hash. */
export interface Leaf {
  readonly text: string;
  readonly hash: Buffer;
}

/** A block that counts, and how it follows the block before it. Any step but `next` is a violation to report. */
export interface AcceptedBlock extends VerifiedBlock {
  readonly step: CountingStep;
}

/** What became of one message of the stream. */
export interface Integrated {
  readonly seq: number;
  /** Index of its first leaf. */
  readonly first: number;
  readonly leaves: readonly Leaf[];
  /** Its line of the block index. */
  readonly line: BlockLine;
  readonly verdict: AcceptedBlock | RefusedMessage;
}

/**
 * Turns the messages of the stream, given in order, into leaves of the tree and lines of the block index. The result is a function
 * of the messages and the authority alone: whoever has both gets the same tree, at once or in any number of runs. It skips nothing:
 * a message that is no good block becomes one `ledger.rejected` leaf. Whether the sequences have holes is the caller's to check. A
 * block with a `ledger.frozen` that the bundle covers is the last: whatever follows it in the stream is no part of this ledger.
 */
export class Integrator {
  readonly #frontier: Frontier;
  readonly #revoked: Map<string, number>;
  readonly #chains: Map<string, ProducerChain>;
  #seq: number;
  #messages: number;
  #frozen: string | undefined;

  /** Starts with nothing, or where `state` was taken. Throws LEDGER_CORRUPT when the state is of another ledger or contradicts itself. */
  constructor(
    private authority: Authority,
    state?: IntegratorState,
  ) {
    if (state !== undefined && state.ledger !== authority.ledger) {
      throw new Fault('LEDGER_CORRUPT', `the state is of another ledger, \`${state.ledger}\``);
    }
    this.#frontier = state === undefined ? new Frontier() : readFrontier(state);
    const chains = Object.entries(state?.producers ?? {});
    this.#chains = new Map(chains.map(([id, chain]) => [id, new ProducerChain(chain)]));
    this.#revoked = new Map(Object.entries(state?.revoked ?? {}));
    this.#seq = state?.seq ?? authority.begins - 1;
    this.#frozen = state?.frozen;
    this.#messages = state?.messages ?? 0;
  }

  /** The ledger that goes on from this one, when this one has ended: no message is taken any more. */
  get frozen(): string | undefined {
    return this.#frozen;
  }

  /** Highest stream sequence so far; before the first message that of the last one of the ledger before, 0 when there is none. */
  get seq(): number {
    return this.#seq;
  }

  get size(): number {
    return this.#frontier.size;
  }

  /** Goes on under a newer trust bundle of the same ledger. */
  trust(authority: Authority): void {
    this.authority = authority;
  }

  root(): Buffer {
    return this.#frontier.root();
  }

  state(): IntegratorState {
    return {
      v: 1,
      ledger: this.authority.ledger,
      size: this.size,
      root: this.root().toString('base64url'),
      frontier: this.#frontier.subtrees.map((hash) => hash.toString('base64url')),
      seq: this.#seq,
      messages: this.#messages,
      producers: Object.fromEntries([...this.#chains].map(([id, chain]) => [id, chain.state()])),
      ...(this.#revoked.size > 0 && { revoked: Object.fromEntries(this.#revoked) }),
      ...(this.#frozen !== undefined && { frozen: this.#frozen }),
    };
  }

  /** Takes the next message. Never throws for what an outsider wrote; LEDGER_INTEGRITY when the ledger has ended. */
  integrate(message: LedgerMessage): Integrated {
    if (this.#frozen !== undefined)
      throw new Fault('LEDGER_INTEGRITY', `the ledger \`${this.authority.ledger}\` has ended: nothing is added to it`);
    const judged = judgeMessage(message, this.authority, (key) => this.#revoked.has(key));
    const verdict = 'refusal' in judged ? judged : this.#chained(judged);
    const first = this.size;
    const { leaves, line } =
      'refusal' in verdict
        ? rejected(message, verdict, this.authority.ledger, first)
        : accepted(message, verdict, first);
    for (const { hash } of leaves) this.#frontier.append(hash);
    if (!('refusal' in verdict)) {
      this.#revoke(verdict, message.seq);
      this.#frozen = frozenBy(verdict.entries.at(-1), this.authority);
    }
    this.#seq = Math.max(this.#seq, message.seq);
    this.#messages++;
    return { seq: message.seq, first, leaves, line, verdict };
  }

  /**
   * Ends the keys whose end the block says. The bundle, which the root key signed, must name the key that takes their place: whoever
   * holds the operator's key alone ends nobody's.
   */
  #revoke({ entries }: VerifiedBlock, seq: number): void {
    for (const { type, key, next } of entries) {
      if (type !== 'producer.revoked' || typeof key !== 'string' || this.#revoked.has(key)) continue;
      const successor = this.authority.keyOf(key)?.next;
      if (successor !== undefined && successor === next) this.#revoked.set(key, seq);
    }
  }

  #chained(verified: VerifiedBlock): AcceptedBlock | RefusedMessage {
    const { block } = verified;
    const known = this.#chains.get(block.producer);
    const chain = known ?? new ProducerChain();
    if (known === undefined) this.#chains.set(block.producer, chain);
    const step = chain.accept(block);
    if (isCounting(step)) return { ...verified, step };
    return { refusal: step, message: stepSentence(block, step), block, isAuthentic: true };
  }
}

function accepted(
  { seq }: LedgerMessage,
  { block }: VerifiedBlock,
  first: number,
): Pick<Integrated, 'leaves' | 'line'> {
  const { boot, key, ledger, n, prev, producer, root, sig, entries } = block;
  const header = { boot, key, ledger, n, prev, producer, root };
  return {
    leaves: entries.map((text, index) => ({ text, hash: block.leaves[index] ?? leafHashOfText(text) })),
    line: { seq, first, count: entries.length, header, sig },
  };
}

function rejected(
  message: LedgerMessage,
  refused: RefusedMessage,
  ledger: string,
  first: number,
): Pick<Integrated, 'leaves' | 'line'> {
  const text = rejectedText(message, ledger, refused);
  const subject = message.subject.toWellFormed();
  return {
    leaves: [{ text, hash: leafHashOfText(text) }],
    line: { seq: message.seq, first, count: 1, rejected: true, subject },
  };
}

function readFrontier({ size, frontier, root }: IntegratorState): Frontier {
  const subtrees = frontier.map((hash) => decodeBase64url(hash, HASH_BYTES)).filter((hash) => hash !== undefined);
  try {
    const tree = new Frontier(size, subtrees);
    if (tree.root().toString('base64url') === root) return tree;
  } catch (cause) {
    throw new Fault('LEDGER_CORRUPT', 'the state of the log has no tree of its size', { cause });
  }
  throw new Fault('LEDGER_CORRUPT', 'the root in the state of the log is not that of its tree');
}
