import { messageOf } from '#writ/faults';
import { isBusError } from '#writ/nats';
import type { z } from 'zod';
import { exitOnConfig, loadConfig } from './load-config.js';
import {
  type LedgerContext,
  openLedgerContext,
  openServiceContext,
  type ServiceContext,
  type ServiceSettings,
} from './service-context.js';

/** What sysexits.h calls EX_UNAVAILABLE. */
const EXIT_UNAVAILABLE = 69;

/**
 * The life of a service process: settings, keys, connection, then the service itself. Exits with 78 when it must not start as
 * it is configured, with 69 when the bus does not answer; both say why on stderr.
 */
export function runService<S extends ServiceSettings>(
  schema: z.ZodType<S>,
  start: (context: ServiceContext, settings: S) => Promise<void>,
): Promise<void> {
  return run(schema, async (settings) => start(await openServiceContext(settings), settings));
}

/** The same for a service that has no business with arguments and results. */
export function runLedgerService<S extends ServiceSettings>(
  schema: z.ZodType<S>,
  start: (context: LedgerContext, settings: S) => Promise<void>,
): Promise<void> {
  return run(schema, async (settings) => start(await openLedgerContext(settings), settings));
}

async function run<S>(schema: z.ZodType<S>, start: (settings: S) => Promise<void>): Promise<void> {
  const settings = loadConfig(schema, process.env);
  try {
    await start(settings);
  } catch (error) {
    if (isBusError(error)) {
      process.stderr.write(`${messageOf(error)}\n`);
      process.exit(EXIT_UNAVAILABLE);
    }
    exitOnConfig(error);
  }
}
