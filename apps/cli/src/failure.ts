import { Fault, messageOf } from '#writ/faults';
import { CommanderError } from 'commander';
import { EXIT } from './exit-codes.js';

/** The command line was used in a way that it cannot be. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What is told of an error, and what the process ends with. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly exit: number;
}

/** Says what an error means to the one who typed the command. */
export function failureOf(error: unknown): Failure {
  if (error instanceof UsageError) return { code: 'USAGE', message: error.message, exit: EXIT.usage };
  if (error instanceof CommanderError) return usageFailure(error);
  if (error instanceof Fault) return { code: error.code, message: sentenceOf(error), exit: exitOf(error.code) };
  // By their names: to import their classes would load the NATS client for every command that needs none.
  switch (error instanceof Error ? error.name : '') {
    case 'BusError':
      return { code: 'CONFIG_NOT_RUNNING', message: messageOf(error), exit: EXIT.unavailable };
    case 'StreamError':
      return { code: 'LEDGER_UNAVAILABLE', message: messageOf(error), exit: EXIT.unavailable };
  }
  return { code: 'INTERNAL', message: messageOf(error), exit: EXIT.no };
}

function usageFailure(error: CommanderError): Failure {
  const message = error.message.replace(/^error: /, '').split('\n')[0] ?? '';
  return { code: 'USAGE', message, exit: EXIT.usage };
}

/** The problems of policies stand in the message already; everywhere else the causes say more. */
function sentenceOf(fault: Fault): string {
  return fault.code.startsWith('POLICY_') ? fault.message : messageOf(fault);
}

function exitOf(code: string): number {
  if (code === 'CONFIG_NOT_RUNNING') return EXIT.unavailable;
  if (code.startsWith('CONFIG_') || code.startsWith('POLICY_')) return EXIT.config;
  if (['INPUT_UNKNOWN_CALL', 'LEDGER_CORRUPT', 'LEDGER_INTEGRITY', 'LEDGER_VALUE_GONE'].includes(code)) return EXIT.no;
  if (code.startsWith('INPUT_')) return EXIT.usage;
  if (code.startsWith('LEDGER_')) return EXIT.unavailable;
  return EXIT.no;
}
