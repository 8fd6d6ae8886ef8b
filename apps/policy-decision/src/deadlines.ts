import { COMMAND_JSON_LIMITS, COMMANDS_STREAM, type EntryBody, parse, parseStrictJson } from '#writ/contracts';
import { messageOf } from '#writ/faults';
import { z } from 'zod';
import type { StreamReader } from '#writ/nats';
import type { Calls, DecisionRecord } from './calls.js';

/** Clocks of the executors may differ from ours by this much before a call is ended that still ran. */
const GRACE_MS = 2_000;
const BATCH = 256;

export interface DeadlinesOptions {
  readonly calls: Calls;
  readonly commands: StreamReader;
  /** Whether this process decides for the shard whose producer made the decision, and how to write for it. */
  readonly appendFor: (producer: string) => ((body: EntryBody) => Promise<unknown>) | undefined;
  /** Reads what the ledger has got meanwhile: the outcome of a late call may stand there. */
  readonly catchUp: () => Promise<void>;
  readonly now: () => number;
  readonly log: { error(fields: Record<string, unknown>, message: string): void };
}

/**
 * Ends calls whose command nobody finished: `expired` when it was never taken, `indeterminate` when nobody can say how far it
 * came. Nothing is ever silent.
 */
export class Deadlines {
  readonly #ending = new Set<string>();

  constructor(private readonly options: DeadlinesOptions) {}

  /** One pass. */
  async sweep(): Promise<void> {
    if (this.#late().length === 0) return;
    const untaken = await this.#untaken();
    // INVARIANT: the ledger is read after COMMANDS, so a call that was taken and has ended is not late any more.
    await this.options.catchUp();
    const now = this.options.now();
    await Promise.all(
      this.#late().map((call) => {
        // A command that may run again stands in COMMANDS while it runs: there it says nothing.
        const isUntaken = call.delivery === 'once' && untaken.has(`${call.seq}.${call.i}`);
        if (isUntaken) return this.#end('call.expired', call);
        return now > call.finishBy + GRACE_MS ? this.#end('call.indeterminate', call) : undefined;
      }),
    );
  }

  #late(): readonly DecisionRecord[] {
    const now = this.options.now();
    return [...this.options.calls.open()].filter(({ takeBy, id }) => now > takeBy + GRACE_MS && !this.#ending.has(id));
  }

  async #end(type: 'call.expired' | 'call.indeterminate', call: DecisionRecord): Promise<void> {
    const append = this.options.appendFor(call.producer);
    if (append === undefined) return;
    this.#ending.add(call.id);
    const body: EntryBody = {
      type,
      who: { agent: call.agent },
      act: { kind: call.kind, res: call.resource },
      corr: { call: call.call },
      dec: { seq: call.seq, i: call.i },
    };
    await append(body).catch((error: unknown) => {
      this.options.log.error({ call: call.call, detail: messageOf(error) }, 'the end of a call could not be recorded');
    });
    this.#ending.delete(call.id);
  }

  /** Decisions, as `seq.i`, whose commands stand in COMMANDS: a command that was taken is gone from there. */
  async #untaken(): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    let fromSeq = 1;
    for (;;) {
      const { messages, upToDate } = await this.options.commands.read(COMMANDS_STREAM, { fromSeq, batch: BATCH });
      for (const { data } of messages) {
        const pointer = pointerOf(data);
        if (pointer !== undefined) found.add(pointer);
      }
      const last = messages.at(-1);
      if (upToDate || last === undefined) return found;
      fromSeq = last.seq + 1;
    }
  }
}

/** What is read of a command: where its decision stands. Whether it is genuine is the executor's matter. */
const Pointer = z.object({ seq: z.int(), i: z.int() });

/** A message that is no command points at nothing: it must not keep the calls of others from ending. */
function pointerOf(data: Uint8Array): string | undefined {
  try {
    const { seq, i } = parse(Pointer, parseStrictJson(data, COMMAND_JSON_LIMITS), 'COMMAND_MALFORMED');
    return `${seq}.${i}`;
  } catch {
    return undefined;
  }
}
