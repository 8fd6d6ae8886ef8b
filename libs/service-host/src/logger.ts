import type { LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';

/** Lines leave in one write when so many bytes have come together, or after that time: a system call costs more than a line. */
const LINES_BYTES = 4_096;
const FLUSH_MS = 50;

/** One structured line per thing that happened, on stderr. Never a payload. */
export function createLogger(service: string, level: string): Logger {
  return pino(
    { name: service, level, base: { service, pid: process.pid } },
    pino.destination({ fd: 2, sync: false, minLength: LINES_BYTES, periodicFlush: FLUSH_MS }),
  );
}

/** Nest's own messages in the same log, as `debug`, its warnings and errors as they are. */
export function nestLogger(log: Logger): LoggerService {
  const text = (message: unknown) => (typeof message === 'string' ? message : JSON.stringify(message));
  return {
    log: (message: unknown) => log.debug(text(message)),
    error: (message: unknown) => log.error(text(message)),
    warn: (message: unknown) => log.warn(text(message)),
  };
}
