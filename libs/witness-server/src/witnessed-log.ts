import { Fault } from '#writ/faults';
import { cosign, type NoteKey, type SigningKey } from '#writ/signing';
import { type ClaimedCheckpoint, judge, type Verdict } from '#writ/witness';
import type { LastCosigned, LogState } from './log-state.js';

/** Requests for one log that may wait for their turn: each waits for a disk, and they come from anybody. */
const WAITING_MAX = 32;
/** A clock that steps back a little is an ordinary clock; one that steps back further makes times that are not true. */
const CLOCK_BACK_SECONDS_MAX = 60;

/** A request's answer: what was made of it, and the line of the cosignature when it was consistent. */
export type Answer = Exclude<Verdict, { readonly status: 'consistent' }> | Cosigned;
export interface Cosigned {
  readonly status: 'cosigned';
  readonly line: string;
}

/** One log that is watched. Requests are served one after another, so that each is judged by what the one before left. */
export class WitnessedLog {
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isUnsure = false;

  constructor(
    readonly origin: string,
    private readonly logKeys: readonly NoteKey[],
    private readonly state: LogState,
    private readonly key: SigningKey,
  ) {}

  /** What was cosigned last and is on the disk. */
  get last(): LastCosigned {
    return this.state.last;
  }

  /** Whether the last write is known to be whole. When it is not, the next request reads the disk first. */
  get isSound(): boolean {
    return !this.#isUnsure;
  }

  /**
   * Judges a request and, when it is consistent, cosigns it at `now()`, in whole seconds since 1970. What is returned as cosigned
   * is on the disk. Throws BUSY when too many wait, CONFIG_DATA_DIR* when the disk fails, CONFIG_INVALID when the clock does.
   */
  async add(request: ClaimedCheckpoint, now: () => number): Promise<Answer> {
    if (this.#waiting >= WAITING_MAX) throw new Fault('BUSY', 'too many requests for this log wait');
    this.#waiting += 1;
    const answer = this.#turn.then(() => this.#serve(request, now));
    this.#turn = answer.catch(() => undefined);
    return answer.finally(() => (this.#waiting -= 1));
  }

  async #serve(request: ClaimedCheckpoint, now: () => number): Promise<Answer> {
    if (this.#isUnsure) await this.state.reload();
    this.#isUnsure = false;
    const verdict = judge(request, this.logKeys, this.last);
    if (verdict.status === 'other_root') {
      // A full disk must not turn this answer into another one; the log has the checkpoint too.
      await this.state.keepFork(request.claim, request.note).catch(() => undefined);
    }
    if (verdict.status !== 'consistent') return verdict;
    const time = timeAfter(this.last.time, now());
    const line = cosign(verdict.text, this.key, time);
    // Only lines of the log's own keys go with it: whoever sends a request does not choose what monitors are shown.
    const lines = [...verdict.signatures.map((signature) => signature.line), line];
    const { size, root } = request.claim;
    const next = { size, root, time, note: `${verdict.text}\n${lines.map((each) => `${each}\n`).join('')}` };
    // The same checkpoint in the same second has the same cosignature, and costs no write: anybody may send it again.
    if (next.note !== this.last.note) await this.#persist(next);
    return { status: 'cosigned', line };
  }

  async #persist(next: LastCosigned): Promise<void> {
    this.#isUnsure = true;
    await this.state.replace(next);
    this.#isUnsure = false;
  }
}

/** The time of the next cosignature: never before the last one, so that the times of a log's cosignatures go one way. */
function timeAfter(last: number, now: number): number {
  if (now < last - CLOCK_BACK_SECONDS_MAX)
    throw new Fault('CONFIG_INVALID', `the clock is ${last - now} s behind the last cosignature`);
  return Math.max(last, now);
}
