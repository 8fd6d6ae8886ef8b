import {
  type ActionRequest,
  type Answer,
  CallResultRequest,
  CATALOG_LIST,
  type CatalogPage,
  CatalogRequest,
  type DecideAddress,
  isRequestKind,
  parse,
  parseActionRequest,
  parseDecideSubject,
  parseStrictJson,
} from '#writ/contracts';
import { Fault, FAULTS, messageOf, toFault } from '#writ/faults';
import type { BusMessage } from '#writ/nats';
import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Logger } from 'pino';
import { DECIDER, type Decider } from './decider.js';
import { inTime } from './in-time.js';
import { REFUSALS_OF, type RefusalsOf } from './refusals-of.js';

export const DECIDE = 'decide';
export const LOGGER = Symbol('logger');

const RECORD_WITHIN_MS = 1_000;
const IDENTITY_CLAIMS = ['agent', 'tenant', 'principal', 'user', 'who'] as const;

/** Answers agents' requests: read who asks from the subject, parse, decide. Every request gets an answer, or a command does. */
@Controller()
export class DecideHandler {
  constructor(
    @Inject(DECIDER) private readonly decider: Decider,
    @Inject(REFUSALS_OF) private readonly refusalsOf: RefusalsOf,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @MessagePattern(DECIDE)
  async handle(@Payload() message: BusMessage): Promise<string | undefined> {
    const startedMs = performance.now();
    const address = parseDecideSubject(message.subject);
    if (address === undefined) return undefined;
    let call: string | undefined;
    let outcome = 'unknown';
    try {
      const body = parseStrictJson(message.data);
      call = callOf(body);
      const answer = await this.#answer(address, body, message.reply ?? '');
      outcome = answer?.status ?? 'commanded';
      return answer === undefined ? undefined : JSON.stringify(answer);
    } catch (error) {
      const fault = toFault(error);
      outcome = fault.code;
      if (FAULTS[fault.code].log === 'error') {
        this.log.error({ code: fault.code, call, detail: messageOf(fault) }, 'a request failed');
      }
      return JSON.stringify(await this.#refuse(address, call, fault));
    } finally {
      this.log.info(
        { subject: message.subject, call, outcome, ms: Math.round((performance.now() - startedMs) * 100) / 100 },
        'request',
      );
    }
  }

  async #answer(address: DecideAddress, body: unknown, reply: string): Promise<Answer | CatalogPage | undefined> {
    assertNoIdentityClaim(body);
    if (address.operation === CATALOG_LIST) return this.decider.catalog(address, parse(CatalogRequest, body));
    if (address.operation === 'call.result') {
      return this.decider.result(address, parse(CallResultRequest, body));
    }
    return this.decider.decide(address, parseRequest(address, body), reply);
  }

  async #refuse(address: DecideAddress, call: string | undefined, fault: Fault): Promise<Answer> {
    const isKnown = isRequestKind(address.operation) || address.operation === CATALOG_LIST;
    const kind = isKnown ? address.operation : 'unknown';
    const recorded = this.refusalsOf(address)?.record({ agent: address.agent, kind, code: fault.code });
    // A ledger that hangs must not keep the answer back: nothing runs on a refusal, and it is recorded when the ledger is back.
    const entry = recorded && (await inTime(recorded, RECORD_WITHIN_MS, () => undefined));
    return {
      v: 1,
      ...(call === undefined ? {} : { call }),
      status: 'refused',
      code: fault.code,
      message: fault.isToldToSender ? fault.message : FAULTS[fault.code].means,
      ...(fault.code === 'RATE_LIMITED' && { retryAfterMs: fault.transient?.afterMs }),
      ...(entry === undefined ? {} : { entry }),
    };
  }
}

function parseRequest(address: DecideAddress, body: unknown): ActionRequest {
  const { operation } = address;
  if (!isRequestKind(operation)) {
    throw new Fault('INPUT_UNKNOWN_OPERATION', `no operation is called \`${operation.slice(0, 64)}\``);
  }
  return parseActionRequest(operation, body);
}

/** Identity is read from the subject that the bus authorised. A body that brings its own is refused, whatever it says. */
function assertNoIdentityClaim(body: unknown): void {
  const claim = IDENTITY_CLAIMS.find((name) => typeof body === 'object' && body !== null && Object.hasOwn(body, name));
  if (claim !== undefined) {
    throw new Fault('INPUT_IDENTITY_MISMATCH', `the message claims \`${claim}\`; identity is read from the subject`);
  }
}

/** The call id for the refusal, when it has the form of one. */
function callOf(body: unknown): string | undefined {
  const result = CallResultRequest.shape.call.safeParse((body as { call?: unknown } | null)?.call);
  return result.success ? result.data : undefined;
}
