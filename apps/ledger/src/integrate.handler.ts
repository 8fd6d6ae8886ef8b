import type { LedgerMessage } from '#writ/tlog';
import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { Sealing } from './sealing.js';

export const INTEGRATE = 'integrate';

/** Takes the messages of the ledger in stream order: into the tree, into the log, under a checkpoint. An empty batch is time passing. */
@Controller()
export class IntegrateHandler {
  constructor(@Inject(Sealing) private readonly sealing: Sealing) {}

  @MessagePattern(INTEGRATE)
  handle(@Payload() messages: readonly LedgerMessage[]): Promise<void> {
    return this.sealing.take(messages);
  }
}
