import type { JsonObject } from '#writ/contracts';
import type { Report } from './report.js';

/** A step of the demonstration before it has what it works on. */
interface NamedStep {
  readonly name: string;
  readonly title: string;
}

/** Runs one step, reports it, and returns whether it held. A step that throws did not hold. */
export async function runStep(
  report: Report,
  { name, title }: NamedStep,
  run: () => Promise<JsonObject>,
): Promise<boolean> {
  const begun = performance.now();
  report.begin(name, title);
  const outcome = await run().then(
    (facts) => ({ ok: true, facts }),
    (error: unknown) => ({ ok: false, facts: {}, error: error instanceof Error ? error.message : String(error) }),
  );
  report.end({ step: name, ms: Math.round(performance.now() - begun), ...outcome });
  return outcome.ok;
}
