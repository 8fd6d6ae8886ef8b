import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startAgent } from './agent-process.js';
import { startExampleServices, type ExampleServices } from './environment.js';
import { exampleFolder, packageRoot } from './package-root.js';
import { jsonReport, terminalReport, type Report } from './report.js';
import { runStep } from './run-step.js';
import { Start } from './start.js';
import { agentIsKilled } from './steps/agent-killed.js';
import { internGoesAround } from './steps/around-the-bus.js';
import { decisionServiceIsKilled } from './steps/decision-service-killed.js';
import { explainBoth } from './steps/explain.js';
import { loadCustomers } from './steps/load-customers.js';
import { internRunsTheScript, supportRunsTheScript } from './steps/same-script.js';
import { rewrittenHistoryIsRefused } from './steps/rewritten-history.js';
import type { Step, World } from './steps/step.js';
import { everythingStops } from './steps/stop.js';
import { ledgerVerifies, tamperingIsFound } from './steps/verify-ledger.js';

const STEPS: readonly Step[] = [
  loadCustomers,
  supportRunsTheScript,
  internRunsTheScript,
  agentIsKilled,
  internGoesAround,
  decisionServiceIsKilled,
  explainBoth,
  ledgerVerifies,
  tamperingIsFound,
  rewrittenHistoryIsRefused,
  everythingStops,
];

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const keptAt = process.argv.indexOf('--keep');
/** Where everything stays when the demonstration is over; a folder that goes away with it when none is named. */
const kept = keptAt < 0 ? undefined : process.argv[keptAt + 1];
const report = process.argv.includes('--json') ? jsonReport(process.stdout) : terminalReport(process.stdout);
process.exitCode = (await demonstrate(report)) ? 0 : 1;

/** Runs the whole demonstration in a folder of its own and returns whether every step held. */
async function demonstrate(told: Report): Promise<boolean> {
  const begun = performance.now();
  const scratch = kept === undefined ? await mkdtemp(join(tmpdir(), 'writ-demo-')) : await emptyFolder(kept);
  const services = await startExampleServices({ slack: 0, status: 0 });
  const start = new Start(packageRoot(), scratch, services);
  let passed = 0;
  try {
    for (const { name, title, run } of start.steps) {
      if (!(await runStep(told, { name, title }, () => run(told)))) break;
      passed++;
    }
    const { witness, runtime } = start;
    if (witness !== undefined && runtime !== undefined)
      passed += await runAll(worldOf(told, services, { witness, runtime }, scratch));
  } finally {
    await start.end();
    await services.close();
    if (kept === undefined) await rm(scratch, { recursive: true, force: true });
  }
  const failed = STEPS.length + start.steps.length - passed;
  if (kept !== undefined) sayWhatToReplay(told, services, scratch);
  told.close(passed, failed, Math.round(performance.now() - begun));
  return failed === 0;
}

async function emptyFolder(folder: string): Promise<string> {
  const path = resolve(folder);
  await mkdir(path, { recursive: true, mode: 0o700 });
  if ((await readdir(path)).length > 0) throw new Error(`\`${path}\` is not empty`);
  return path;
}

/** The ledger that is left is a past to try other policies on. */
function sayWhatToReplay(told: Report, { slack, status }: ExampleServices, scratch: string): void {
  const variables = `SLACK_URL=${slack.url} STATUS_URL=${status.url}`;
  const config = join(exampleFolder(), 'writ.yaml');
  told.say(
    `kept in ${scratch}; try other policies on what happened:\n` +
      `$ cp -r ${join(exampleFolder(), 'policies')} other-policies   # and change something\n` +
      `$ ${variables} npx writ policy replay --policies other-policies --config ${config} --data ${join(scratch, 'data')}`,
  );
}

function worldOf(
  told: Report,
  services: ExampleServices,
  { witness, runtime }: Pick<World, 'witness' | 'runtime'>,
  scratch: string,
): World {
  const root = packageRoot();
  return {
    report: told,
    services,
    witness,
    runtime,
    ledger: runtime.tail(),
    folder: exampleFolder(),
    scratch,
    startAgent: (agent, task) => startAgent({ root, data: runtime.data, agent, task, statusUrl: services.status.url }),
    calls: new Map(),
  };
}

/** Runs the steps in their order; later ones run even when an earlier one did not hold. Returns how many held. */
async function runAll(world: World): Promise<number> {
  let held = 0;
  for (const step of STEPS) {
    if (await runStep(world.report, step, () => step.run(world))) held++;
  }
  return held;
}
