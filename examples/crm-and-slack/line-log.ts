/** Values that a process printed, in order. They are kept, so what came before somebody waited for it is not missed. */
export class LineLog {
  readonly lines: unknown[] = [];
  #ending: string | undefined;
  readonly #waiting = new Set<() => void>();

  append(line: unknown): void {
    this.lines.push(line);
    this.#wake();
  }

  /** No more lines will come; whoever still waits is told why. */
  end(why: string): void {
    this.#ending = why;
    this.#wake();
  }

  /** Resolves with what `select` makes of the first line, past or to come, that it does not map to undefined. */
  first<T>(select: (line: unknown) => T | undefined, withinMs: number): Promise<T> {
    let seen = 0;
    let timer: NodeJS.Timeout | undefined;
    let wake: () => void = () => undefined;
    return new Promise<T>((resolve, reject) => {
      wake = () => {
        try {
          for (; seen < this.lines.length; seen++) {
            const selected = select(this.lines[seen]);
            if (selected !== undefined) return resolve(selected);
          }
          if (this.#ending !== undefined) reject(new Error(this.#ending));
        } catch (error) {
          reject(error);
        }
      };
      timer = setTimeout(() => reject(new Error(`nothing of the kind within ${withinMs} ms`)), withinMs);
      this.#waiting.add(wake);
      wake();
    }).finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(wake);
    });
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}
