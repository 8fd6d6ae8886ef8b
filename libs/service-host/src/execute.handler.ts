import { type Delivery, type ExecutorKind, subjects } from '#writ/contracts';
import { executeCommand, type ExecutorDependencies } from '#writ/execution';
import type { PulledMessage } from '#writ/nats';
import { Controller, Inject, type Type } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';

export const EXECUTOR = Symbol('executor');
export const POOL = 'default';
const ACK_TIMEOUT_MS = 2_000;

/** The controller of an executor of that kind: takes commands that run at most once, and those that may run again. */
export function executeHandlerFor(kind: ExecutorKind): Type<unknown> {
  @Controller()
  class ExecuteHandler {
    constructor(@Inject(EXECUTOR) private readonly executor: ExecutorDependencies) {}

    @MessagePattern(subjects.commandConsumer(kind, 'once', POOL))
    once(@Payload() message: PulledMessage): Promise<void> {
      return this.#execute(message, 'once');
    }

    @MessagePattern(subjects.commandConsumer(kind, 'retry', POOL))
    retry(@Payload() message: PulledMessage): Promise<void> {
      return this.#execute(message, 'retry');
    }

    #execute(message: PulledMessage, delivery: Delivery): Promise<void> {
      return executeCommand(
        {
          delivery,
          data: message.data,
          deliveries: message.deliveries,
          msgId: message.msgId,
          ack: () => message.ack(),
          ackConfirmed: () => message.ackConfirmed(ACK_TIMEOUT_MS),
          term: () => message.term(),
          retry: (delayMs) => message.nak(delayMs),
          working: () => message.working(),
        },
        this.executor,
      );
    }
  }
  return ExecuteHandler;
}
