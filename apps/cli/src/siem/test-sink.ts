import {
  askForSinkTest,
  deploymentPaths,
  readSinkTestAnswer,
  type SinkTestAnswer,
  type SinkTestFiles,
  sinkTestFiles,
} from '#writ/deployment';
import { Fault } from '#writ/faults';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertSinkHasRun } from './known-sink.js';

const LOOK_EVERY_MS = 100;

/**
 * Has the exporter that works in this data directory send a marked record to a sink, and resolves with what the sink made of it. Throws
 * UsageError when no such sink ever ran there, and CONFIG_NOT_RUNNING when nobody answers in time.
 */
export async function testSink(dataDir: string, sink: string, withinMs: number): Promise<SinkTestAnswer> {
  const paths = deploymentPaths(dataDir);
  assertSinkHasRun(paths, sink);
  const files = sinkTestFiles(paths, sink);
  const id = `test-${randomBytes(8).toString('hex')}`;
  await askForSinkTest(files, id);
  try {
    return await answerTo(id, files, withinMs);
  } finally {
    // What was given up is not sent later, when nobody looks for it.
    await rm(files.request, { force: true });
    await rm(files.answer, { force: true });
  }
}

async function answerTo(id: string, files: SinkTestFiles, withinMs: number): Promise<SinkTestAnswer> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await readSinkTestAnswer(files);
    // Another one may be the answer to somebody who has gone.
    if (answer?.id === id) return answer;
    if (performance.now() > deadline) {
      throw new Fault(
        'CONFIG_NOT_RUNNING',
        `the exporter did not answer in ${withinMs} ms: it does not run, or waits for the sink to answer a batch`,
      );
    }
    await sleep(LOOK_EVERY_MS);
  }
}
