import type { Catalogue } from '#writ/catalogue';
import {
  type CommandBody,
  COMMANDS_STREAM,
  type EntryBody,
  type Json,
  LEDGER_API_PREFIX,
  subjects,
} from '#writ/contracts';
import { readSigningKey, readTrustBundle } from '#writ/deployment';
import { BlockWriter, LedgerFollower, NatsBlockLog, type PlacedEntry } from '#writ/ledger-client';
import { type Bus, publishToStream, StreamReader } from '#writ/nats';
import { Authority } from '#writ/signing';
import { commit, newSalt } from '#writ/tlog';
import { setTimeout as sleep } from 'node:timers/promises';
import { Calls } from '../../apps/policy-decision/src/calls.js';
import { Deadlines } from '../../apps/policy-decision/src/deadlines.js';
import { commandMessage } from '../../apps/policy-decision/src/record-decision.js';
import type { TestBus } from './bus.js';

const SWEEP_EVERY_MS = 250;

/** A call to be allowed. */
export interface AllowedCall {
  readonly call: string;
  readonly tool: string;
  readonly takeWithinMs: number;
  readonly finishWithinMs: number;
}

/**
 * What a decision service is to executors, without policies: it puts allows on record, issues their commands, and ends the calls that
 * nobody ended, with the decision service's own code and keys.
 */
export class DecisionDesk implements AsyncDisposable {
  readonly calls = new Calls('default');
  /** Everything in the ledger, as far as it was read. */
  readonly entries: PlacedEntry[] = [];
  /** Blocks that are none, and ends of calls that could not be recorded. */
  readonly problems: string[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #follower: LedgerFollower;

  private constructor(
    private readonly parts: { readonly bus: Bus; readonly writer: BlockWriter; readonly catalogue: Catalogue },
    blocks: NatsBlockLog,
    authority: Authority,
  ) {
    const note = (problem: string) => void this.problems.push(problem);
    this.#follower = new LedgerFollower({
      blocks,
      authority: () => authority,
      fromSeq: 1,
      pollMs: SWEEP_EVERY_MS,
      onEntries: (entries) => {
        this.entries.push(...entries);
        for (const entry of entries) this.calls.apply(entry);
      },
      onRejected: (seq, reason) => note(`block ${seq}: ${reason}`),
      // It is read again at the next pass, and so is the sweep below made again.
      onLost: () => undefined,
    });
    const deadlines = new Deadlines({
      calls: this.calls,
      commands: new StreamReader(parts.bus, { apiPrefix: '$JS.API' }),
      appendFor: () => (body) => parts.writer.append(body),
      catchUp: () => this.#follower.catchUp(),
      now: Date.now,
      log: { error: (fields, message) => note(`${message}: ${JSON.stringify(fields)}`) },
    });
    this.#follower.start();
    this.#timer = setInterval(() => void deadlines.sweep().catch(() => undefined), SWEEP_EVERY_MS);
  }

  static async open(bus: TestBus, catalogue: Catalogue): Promise<DecisionDesk> {
    const { paths } = bus.deployment;
    const connection = await bus.connect('pdp-1');
    const blocks = new NatsBlockLog(connection, LEDGER_API_PREFIX);
    const authority = new Authority(await readTrustBundle(paths));
    const key = await readSigningKey(paths.producerKey('pdp-1'));
    const writer = await BlockWriter.open({
      producer: 'pdp-0',
      blocks,
      key: () => key,
      ledger: authority.ledger,
      tenant: 'default',
      authority: () => authority,
      now: Date.now,
      sleep: (ms) => sleep(ms),
    });
    return new DecisionDesk({ bus: connection, writer, catalogue }, blocks, authority);
  }

  /** Puts the allow on record and issues its command. */
  async allow({ call, tool, takeWithinMs, finishWithinMs }: AllowedCall): Promise<void> {
    const { bus, writer, catalogue } = this.parts;
    const { digest, declaration } = catalogue.tool(tool);
    const nowMs = Date.now();
    const body: CommandBody = {
      tenant: 'default',
      agent: 'a',
      call,
      kind: 'tool.call',
      executor: 'tool',
      delivery: declaration.idempotent ? 'retry' : 'once',
      pool: 'default',
      resource: tool,
      dig: digest,
      args: { call },
      obligations: [],
      takeBy: nowMs + takeWithinMs,
      finishBy: nowMs + finishWithinMs,
      reply: '_R_.nobody.waits',
    };
    const command = { salt: newSalt(), body };
    const at = await writer.append(decided(body, command.salt));
    const subject = subjects.command(body.executor, body.delivery, body.pool);
    const data = Buffer.from(JSON.stringify(commandMessage(command, at)));
    await publishToStream(bus, subject, data, {
      msgId: at.leaf.toString('base64url'),
      stream: COMMANDS_STREAM,
      timeoutMs: 10_000,
    });
  }

  /** Reads what the ledger has got meanwhile. */
  catchUp(): Promise<void> {
    return this.#follower.catchUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#follower.stop();
  }
}

function decided(body: CommandBody, salt: string): EntryBody {
  return {
    type: 'tool.call.decided',
    who: { agent: body.agent },
    act: { kind: body.kind, res: body.resource, dig: body.dig },
    corr: { call: body.call },
    eff: { d: 'allow', phase: 'decided' },
    why: { code: 'permit', bundle: `sha256:${'0'.repeat(64)}`, pol: [] },
    io: { in: commit(salt, '/in', body.args), in_len: 1 },
    cmd: commit(salt, '/cmd', body as unknown as Json),
    run: { delivery: body.delivery, pool: body.pool, take_by: body.takeBy, finish_by: body.finishBy },
  };
}
