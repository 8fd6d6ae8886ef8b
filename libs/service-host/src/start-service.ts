import { messageOf } from '#writ/faults';
import type { Bus } from '#writ/nats';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { CustomTransportStrategy, MicroserviceOptions } from '@nestjs/microservices';
import type { Logger } from 'pino';
import { type Health, portOf, serveHealth } from './health.js';
import type { Keyring } from './keyring.js';
import { nestLogger } from './logger.js';

export interface Service {
  readonly name: string;
  readonly log: Logger;
  readonly bus: Bus;
  readonly keyring: Keyring;
  readonly module: DynamicModule;
  readonly strategy: CustomTransportStrategy;
  readonly health: Health & { readonly host: string; readonly port: number };
  /** Begins the work, when everything is wired and listening. */
  readonly start: () => Promise<void>;
  /** Ends the work, after the strategy has settled what was in flight and before the connection is drained. */
  readonly stop: () => Promise<void>;
}

const STOP_WITHIN_MS = 4_000;
const EXIT_BUS_LOST = 69;

/**
 * Runs a service until SIGTERM or SIGINT: stop taking, finish what is in flight, drain, close. When the connection to the bus
 * is over for good the process ends, so that whoever supervises it starts a fresh one. Says `ready` to a parent process.
 */
export async function startService(service: Service): Promise<void> {
  const { log, bus, keyring } = service;
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(service.module, {
    strategy: service.strategy,
    logger: nestLogger(log),
    abortOnError: false,
  });
  await app.listen();
  const details = () => ({ ...service.health.details(), ...keyring.details });
  const health = await serveHealth({ isReady: service.health.isReady, details }, service.health);
  keyring.start();
  await service.start();

  let isStopping = false;
  const stop = async (why: string, exitCode: number) => {
    if (isStopping) return;
    isStopping = true;
    log.info({ why }, 'stopping');
    const force = setTimeout(() => process.exit(exitCode || 1), STOP_WITHIN_MS);
    health.close();
    keyring.stop();
    await app.close().catch((error: unknown) => log.error({ detail: messageOf(error) }, 'closing failed'));
    await service.stop().catch((error: unknown) => log.error({ detail: messageOf(error) }, 'stopping failed'));
    await bus.drain().catch(() => undefined);
    clearTimeout(force);
    log.flush(() => process.exit(exitCode));
  };
  process.once('SIGTERM', () => void stop('SIGTERM', 0));
  process.once('SIGINT', () => void stop('SIGINT', 0));
  // A supervisor that dies closes the channel: nothing is left running behind it.
  process.once('disconnect', () => void stop('the supervisor is gone', 0));
  void bus.closed().then((error) => {
    if (!isStopping)
      log.error({ detail: error === undefined ? undefined : messageOf(error) }, 'the bus is lost for good');
    void stop('the bus connection is over', EXIT_BUS_LOST);
  });
  log.info({ healthPort: portOf(health) }, 'ready');
  process.send?.({ ready: true, healthPort: portOf(health) });
}
