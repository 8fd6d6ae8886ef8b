const LF = 10;
const CR = 13;

/** Cuts a stream of events behind its blank lines, wherever its chunks end. Each byte is looked at once. */
export class EventBlocks {
  #waiting: Buffer[] = [];
  #isLineEmpty = true;
  #isBehindCr = false;

  /** The bytes up to the last blank line that came, those of earlier chunks too; undefined when none came. */
  push(chunk: Buffer): Buffer | undefined {
    let end = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      const isSecondOfPair = byte === LF && this.#isBehindCr;
      this.#isBehindCr = byte === CR;
      // It belongs to the end of the line before, and goes along with it where that is at hand.
      if (isSecondOfPair) end = end === at && at > 0 ? at + 1 : end;
      else if (byte === LF || byte === CR) {
        if (this.#isLineEmpty) end = at + 1;
        this.#isLineEmpty = true;
      } else this.#isLineEmpty = false;
    }
    if (end === 0) {
      this.#waiting.push(chunk);
      return undefined;
    }
    const whole = Buffer.concat([...this.#waiting, chunk.subarray(0, end)]);
    this.#waiting = end < chunk.length ? [chunk.subarray(end)] : [];
    return whole;
  }
}
