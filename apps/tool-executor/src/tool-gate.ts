import { Fault } from '#writ/faults';

interface Waiting {
  readonly agent: string;
  readonly begin: () => void;
}

/**
 * How many calls of one tool run at once. Of the places, and of those who wait for one, no agent has more than half, so that another
 * gets in; who finds the queue full is told so at once.
 */
export class ToolGate {
  readonly #running = new Map<string, number>();
  #total = 0;
  #waiting: Waiting[] = [];
  readonly #perAgent: number;

  /** `concurrency` calls run, twice as many wait. */
  constructor(private readonly concurrency: number) {
    this.#perAgent = Math.ceil(concurrency / 2);
  }

  /** Does the work when there is a place for it. Throws EXECUTOR_BUSY when the queue is full, EXECUTOR_TIMEOUT when the signal fires first. */
  async pass<T>(agent: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#enter(agent, signal);
    try {
      return await work();
    } finally {
      this.#leave(agent);
    }
  }

  #enter(agent: string, signal: AbortSignal): Promise<void> {
    if (this.#hasPlace(agent)) {
      this.#take(agent);
      return Promise.resolve();
    }
    const ownWaiting = this.#waiting.filter((each) => each.agent === agent).length;
    if (this.#waiting.length >= 2 * this.concurrency || ownWaiting >= this.concurrency)
      return Promise.reject(new Fault('EXECUTOR_BUSY', 'too many calls of the tool run and wait: try again later'));
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting);
        reject(new Fault('EXECUTOR_TIMEOUT', 'the call waited for its tool until its deadline, and did not run'));
      };
      const begin = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const waiting = { agent, begin };
      this.#waiting.push(waiting);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #leave(agent: string): void {
    const left = (this.#running.get(agent) ?? 1) - 1;
    if (left === 0) this.#running.delete(agent);
    else this.#running.set(agent, left);
    this.#total--;
    const at = this.#waiting.findIndex((each) => this.#hasPlace(each.agent));
    const [next] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (next === undefined) return;
    // The place is taken now: whoever comes before the next one has begun finds none.
    this.#take(next.agent);
    next.begin();
  }

  #hasPlace(agent: string): boolean {
    return this.#total < this.concurrency && (this.#running.get(agent) ?? 0) < this.#perAgent;
  }

  #take(agent: string): void {
    this.#total++;
    this.#running.set(agent, (this.#running.get(agent) ?? 0) + 1);
  }
}
