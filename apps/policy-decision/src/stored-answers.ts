import { digestOf } from '#writ/authorisation';
import {
  type ActionRequest,
  Answer,
  canonicalJson,
  type JsonObject,
  parse,
  type PayloadValue,
  type Progress,
} from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { CallState, DecisionRecord, EndRecord } from './calls.js';
import type { Shard } from './ports.js';

/** Values behind the commitments of an entry; undefined when they are no longer stored. */
export type ReadValues = (entry: {
  readonly seq: number;
  readonly producer: string;
  readonly id: string;
  readonly ts: string;
}) => Promise<readonly PayloadValue[] | undefined>;

/** Answers again: to a request whose id was used before, and to `call.result`. It never decides and never runs anything. */
export class StoredAnswers {
  constructor(
    private readonly values: ReadValues,
    /** The last that was heard of a call that runs, if it is to be told. */
    private readonly progressOf: (decision: DecisionRecord) => Progress | undefined,
  ) {}

  /** The same request gets the same answer. Throws INPUT_CALL_ID_REUSED when it is another one. */
  async again(shard: Shard, agent: string, request: ActionRequest, digest: string): Promise<Answer> {
    const state = shard.calls.get(agent, request.call);
    const before = state === undefined ? undefined : await this.#digestOf(state);
    if (before === undefined) {
      throw new Fault(
        'INPUT_CALL_ID_REUSED',
        `the call id \`${request.call}\` was used, and with what is no longer stored`,
      );
    }
    if (before !== digest) {
      throw new Fault('INPUT_CALL_ID_REUSED', `the call id \`${request.call}\` was used with other arguments`);
    }
    return this.of(shard, agent, request.call);
  }

  /** What is known of a call now. Throws INPUT_UNKNOWN_CALL. */
  async of(shard: Shard, agent: string, call: string): Promise<Answer> {
    const state = shard.calls.get(agent, call);
    if (state === undefined) throw new Fault('INPUT_UNKNOWN_CALL', `no call \`${call}\` is on record`);
    switch (state.status) {
      case 'deciding':
        return { v: 1, call, status: 'pending' };
      case 'open':
        return this.#open(call, state.decision);
      case 'denied':
        return this.#denied(call, state.decision);
      case 'ended':
        return this.#ended(call, state.end);
    }
  }

  #open(call: string, decision: DecisionRecord): Answer {
    const progress = this.progressOf(decision);
    return { v: 1, call, status: 'pending', ...(progress !== undefined && { progress }), entry: decision.id };
  }

  async #denied(call: string, decision: DecisionRecord): Promise<Answer> {
    const stored = await this.values(decision);
    const [reason, remedies] = ['/reason', '/remedies'].map((at) => stored?.find(({ path }) => path === at)?.value);
    const { code, id: entry } = decision;
    const said = { ...(reason === undefined ? {} : { reason }), ...(remedies === undefined ? {} : { remedies }) };
    return parse(Answer, { v: 1, call, status: 'denied', code, ...said, entry }, 'LEDGER_CORRUPT');
  }

  async #ended(call: string, end: EndRecord): Promise<Answer> {
    const base = { v: 1, call, entry: end.id } as const;
    if (end.type !== 'completed') return { ...base, status: end.type };
    const values = await this.values(end);
    const outcome = values?.find(({ path }) => path === '/out')?.value;
    if (outcome === undefined) {
      // It ran, and its result is past its retention: that it ran can be told, what it gave cannot.
      return { ...base, status: 'failed', code: 'EXECUTOR_FAILED', message: 'the result is no longer stored' };
    }
    return parse(Answer, { ...base, ...(outcome as JsonObject) }, 'LEDGER_CORRUPT');
  }

  /** Known to the process that decided; otherwise computed from the arguments as they were stored. */
  async #digestOf(state: CallState): Promise<string | undefined> {
    if (state.digest !== undefined || state.status === 'deciding') return state.digest;
    const { decision } = state;
    const asked = (await this.values(decision))?.find(({ path }) => path === '/in')?.value;
    return asked === undefined ? undefined : digestOf(decision.kind, decision.resource, canonicalJson(asked));
  }
}
