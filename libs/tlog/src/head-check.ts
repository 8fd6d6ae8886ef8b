import type { TreeHead } from './checkpoint.js';

import type { ProblemList } from './report.js';

export interface ExpectedHeads {
  /** The signed head that the ledger must end at. Absent: a missing end cannot be noticed, which is a problem by itself. */
  readonly head?: TreeHead | undefined;
  /** A head that the caller remembers from before; the ledger must still contain it. */
  readonly remembered?: TreeHead | undefined;
  /** The caller read the live stream to its end, so there is no signed head to miss. */
  readonly isEndKnown?: boolean | undefined;
}

/** Compares the growing tree with the heads it must pass through. */
export class HeadCheck {
  #isHeadMet = false;
  #isRememberedMet = false;

  constructor(
    private readonly heads: ExpectedHeads,
    private readonly tree: { readonly size: number; root(): Buffer },
    private readonly problems: ProblemList,
  ) {
    this.afterMessage(0);
  }

  /** Call it after the leaves of each message: a head stands between two messages, never inside one. */
  afterMessage(seq: number): void {
    const { head, remembered } = this.heads;
    if (head !== undefined && !this.#isHeadMet && this.tree.size >= head.size) {
      this.#isHeadMet = true;
      this.#meetHead(head, seq);
    }
    if (remembered !== undefined && !this.#isRememberedMet && this.tree.size >= remembered.size) {
      this.#isRememberedMet = true;
      if (this.#isSame(remembered)) return;
      this.problems.add(
        'remembered_root',
        `the first ${remembered.size} entries are not those of the remembered head: this is another history`,
      );
    }
  }

  /** Call it after the last message. `refused`: messages that count as one leaf each instead of their entries. */
  finish(refused: number): void {
    const { head, remembered, isEndKnown } = this.heads;
    const present = `only ${this.tree.size} are present${refused > 0 ? `, ${refused} refused message(s) counted as one each` : ''}`;
    if (head === undefined) {
      if (isEndKnown !== true)
        this.problems.add('no_head', 'there is no signed head, so a missing end cannot be noticed');
    } else if (this.tree.size < head.size) {
      this.problems.add('truncated', `the signed head has ${head.size} entries; ${present}`);
    } else if (this.tree.size > head.size) {
      this.problems.add(
        'past_head',
        `${this.tree.size - head.size} entries stand after the signed head of ${head.size}`,
      );
    }
    if (remembered !== undefined && !this.#isRememberedMet) {
      this.problems.add('remembered_ahead', `the remembered head has ${remembered.size} entries; ${present}`);
    }
  }

  #meetHead(head: TreeHead, seq: number): void {
    if (this.tree.size !== head.size) {
      this.problems.add('head_boundary', `the signed head of ${head.size} entries ends inside message ${seq}`, { seq });
    } else if (!this.#isSame(head)) {
      this.problems.add('head_root', `the root of the first ${head.size} entries is not the one in the signed head`);
    }
  }

  #isSame(head: TreeHead): boolean {
    return this.tree.size === head.size && this.tree.root().toString('base64url') === head.root;
  }
}
