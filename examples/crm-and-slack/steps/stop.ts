import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Step } from './step.js';

const STOP_WITHIN_MS = 5000;

/** Ctrl-C ends everything within five seconds and leaves no process behind. */
export const everythingStops: Step = {
  name: 'stop',
  title: 'Ctrl-C: everything stops, nothing is left running',
  run: async ({ runtime, ledger, report }) => {
    const processes = await runtime.processes();
    await ledger.stop();
    const code = await Promise.race([runtime.stop(), sleep(STOP_WITHIN_MS, 'late' as const, { ref: false })]);
    assert.notEqual(code, 'late', `\`writ up\` did not stop within ${STOP_WITHIN_MS} ms`);
    assert.equal(code, 0, `\`writ up\` ended with ${String(code)}`);
    const left = processes.filter(({ pid }) => isAlive(pid)).map(({ name }) => name);
    assert.deepEqual(left, [], `still running: ${left.join(', ')}`);
    report.say(`${processes.length} processes have ended`);
    return { processes: processes.length };
  },
};

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
