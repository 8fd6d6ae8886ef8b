import type { JsonObject } from '#writ/contracts';
import type { AgentProcess } from '../agent-process.js';
import type { AgentTask } from '../agent-task.js';
import type { ExampleServices } from '../environment.js';
import type { LedgerTail } from '../ledger-tail.js';
import type { Report } from '../report.js';
import type { Runtime } from '../runtime.js';
import type { WitnessProcess } from '../witness-process.js';
import { join } from 'node:path';

/** All that a step may look at. Whether a tool ran is read from the services, not from what Writ says. */
export interface World {
  readonly report: Report;
  readonly services: ExampleServices;
  readonly runtime: Runtime;
  /** The witness of the security team. */
  readonly witness: WitnessProcess;
  readonly ledger: LedgerTail;
  /** The folder of writ.yaml. */
  readonly folder: string;
  /** A folder that is removed at the end. */
  readonly scratch: string;
  startAgent(agent: string, task: AgentTask): AgentProcess;
  /** Calls that later steps come back to: `support/slack` → call id. */
  readonly calls: Map<string, string>;
}

/** One thing that the demonstration shows. It throws when it does not hold; what it returns is for machines. */
export interface Step {
  readonly name: string;
  readonly title: string;
  run(world: World): Promise<JsonObject>;
}

/** Where the copy of the log lies that steps look at. */
export function exportFolder({ scratch }: World): string {
  return join(scratch, 'ledger');
}

/** Verifies a log directory under the root key of the deployment. Returns what was said; fails unless it ended with that code. */
export async function verifyLog({ runtime }: World, folder: string, code: number): Promise<string> {
  const root = join(runtime.data, 'keys', 'root.vkey');
  const { stdout } = await runtime.writEndingWith(code, 'ledger', 'verify', folder, '--root', root);
  return stdout.trimEnd();
}
