import { parse } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { z } from 'zod';

/** What sysexits.h calls EX_CONFIG. */
const EXIT_CONFIG = 78;

/** Reads settings from the environment, once. A wrong value is told on stderr and ends the process with exit code 78. */
export function loadConfig<T>(schema: z.ZodType<T>, environment: NodeJS.ProcessEnv): T {
  try {
    return parse(schema, environment, 'CONFIG_INVALID');
  } catch (error) {
    return exitOnConfig(error);
  }
}

/** Ends the process when the fault says that it must not start; anything else is thrown on. */
export function exitOnConfig(error: unknown): never {
  if (error instanceof Fault && /^(CONFIG|POLICY)_/.test(error.code)) {
    process.stderr.write(`${error.code}: ${error.message}\n`);
    process.exit(EXIT_CONFIG);
  }
  throw error;
}
