import { answerSinkTest, readSinkTest, type SinkTestFiles } from '#writ/deployment';
import { messageOf } from '#writ/faults';
import type { SiemRecord } from '#writ/siem';
import { rm } from 'node:fs/promises';
import type { Delivery, Log, Sink, Tests } from './ports.js';

const WHY_CHARACTERS_MAX = 500;

/** Tests that are asked for, and answered, by files in the data directory. */
export function fileTests(files: SinkTestFiles, kind: string): Tests {
  return {
    asked: () => readSinkTest(files),
    answer: async (id, delivery) => {
      const why = 'why' in delivery ? { why: delivery.why.slice(0, WHY_CHARACTERS_MAX) } : {};
      await answerSinkTest(files, { v: 1, id, kind, status: delivery.status, ...why });
      // If the process dies here the sink gets the test once more, and the answer is the same.
      await rm(files.request, { force: true });
    },
  };
}

export interface SinkTesterOptions {
  readonly sink: Sink;
  readonly tests: Tests;
  readonly log: Log;
  /** A record that any sink takes, marked with that id. */
  readonly record: (id: string) => SiemRecord;
}

/** Sends a marked record when somebody asks for it, once, and says what the sink made of it. */
export class SinkTester {
  #problem: string | undefined;

  constructor(private readonly options: SinkTesterOptions) {}

  /** Call it only while nothing else is being sent: a sink takes one batch at a time. Never throws; a problem is logged once. */
  async step(): Promise<void> {
    const { sink, tests, log, record } = this.options;
    try {
      const id = await tests.asked();
      if (id === undefined) return;
      const delivery = await sink
        .send([record(id)])
        .catch((error: unknown): Delivery => ({ status: 'again', why: messageOf(error) }));
      log.info({ id, ...delivery }, 'a sink was tested');
      await tests.answer(id, delivery);
      this.#problem = undefined;
    } catch (error) {
      const problem = messageOf(error);
      if (problem !== this.#problem) log.error({ detail: problem }, 'a test of a sink failed');
      this.#problem = problem;
    }
  }
}
