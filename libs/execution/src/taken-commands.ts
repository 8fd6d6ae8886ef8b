import type { Command, Delivery } from '#writ/contracts';
import { Fault } from '#writ/faults';

/**
 * Remembers what this process took until the command's deadline has passed, so that one delivered twice runs once. The bus
 * keeps that promise for all processes: COMMANDS takes one message for a decision (see `verifyCommand`) and delivers it once.
 * This is the second wall, for a bus that was restarted and forgot which messages it took.
 */
export class TakenCommands {
  readonly #finishBy = new Map<string, number>();

  constructor(private readonly now: () => number) {}

  /** Throws COMMAND_REPLAYED. There is no await between the check and the mark. */
  take(command: Command, delivery: Delivery): void {
    // A command of the other kind is delivered again when an executor died at work: running it again is what it is for.
    if (delivery === 'retry') return;
    this.#forget();
    const id = `${command.seq}.${command.i}`;
    if (this.#finishBy.has(id)) {
      throw new Fault('COMMAND_REPLAYED', `the command of call \`${command.body.call}\` was taken before`);
    }
    this.#finishBy.set(id, command.body.takeBy);
  }

  /** After its deadline a command is refused anyway, and need not be remembered. Insertion order is roughly deadline order. */
  #forget(): void {
    const now = this.now();
    for (const [id, takeBy] of this.#finishBy) {
      if (takeBy >= now) return;
      this.#finishBy.delete(id);
    }
  }
}
