import type { MessageHandler } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';

/** What a Nest handler answers: Nest may wrap a handler's promise into an observable. */
export async function answerOf(handler: MessageHandler, payload: unknown): Promise<unknown> {
  const answer: unknown = await handler(payload);
  return isObservable(answer) ? lastValueFrom(answer, { defaultValue: undefined }) : answer;
}
