import { messageOf } from '#writ/faults';
import type { Integrated } from '#writ/tlog';
import type { Append } from './ports.js';

interface Log {
  error(fields: Record<string, unknown>, message: string): void;
}

const TELL_EVERY_MS = 1_000;
const TEXT_CHARACTERS_MAX = 512;
const PRODUCERS_MAX = 1_024;

/**
 * Tells of messages that are not as they must be: in the log of the process always, and as an entry where a key was needed for it.
 * A message that anybody could have left there is on record by its own leaf; an entry for each would double a flood.
 */
export class Violations {
  /** Messages that were refused, by reason, since the start. */
  readonly refused = new Map<string, number>();
  readonly #toldMs = new Map<string, number>();

  constructor(
    private readonly append: Append,
    private readonly log: Log,
    /** In milliseconds, of a clock that nobody sets. */
    private readonly elapsed: () => number,
  ) {}

  /** Call it for each message that enters the tree. */
  note({ seq, verdict }: Integrated): void {
    if ('refusal' in verdict) {
      const { refusal, message, block, isAuthentic } = verdict;
      this.refused.set(refusal, (this.refused.get(refusal) ?? 0) + 1);
      // Somebody has a key that is no longer in use, or a service was not told of the new one: both need a person.
      const isAboutKey = refusal === 'fork' || refusal === 'expired_key';
      if (isAboutKey && isAuthentic) this.#record(refusal, message, { seq, by: block?.producer ?? '' });
      else this.#tell(refusal, { seq, refusal, detail: message }, 'a message of the ledger was refused');
      return;
    }
    const { step, block } = verdict;
    if (step === 'next') return;
    const text = `block ${block.n} of \`${block.producer}\` does not follow the one before it`;
    this.#record(step, text, { seq, by: block.producer });
  }

  #record(code: string, text: string, where: { readonly seq: number; readonly by: string }): void {
    if (!this.#tell(`${code} ${where.by}`, { code, ...where, detail: text }, 'INTEGRITY VIOLATION')) return;
    const why = { code, text: text.slice(0, TEXT_CHARACTERS_MAX) };
    void this.append({ type: 'ledger.integrity.violation', why, ...where }).catch((error: unknown) => {
      this.log.error({ code, detail: messageOf(error) }, 'an integrity violation could not be recorded');
    });
  }

  /** Logs it unless the same was told within the last second. */
  #tell(key: string, fields: Record<string, unknown>, message: string): boolean {
    const nowMs = this.elapsed();
    if (nowMs - (this.#toldMs.get(key) ?? -Infinity) < TELL_EVERY_MS) return false;
    if (this.#toldMs.size >= PRODUCERS_MAX) this.#toldMs.clear();
    this.#toldMs.set(key, nowMs);
    this.log.error(fields, message);
    return true;
  }
}
