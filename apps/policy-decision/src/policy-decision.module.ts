import { COMMANDS_STREAM, isReplyRoute, LEDGER_API_PREFIX, parseDecideSubject, subjects } from '#writ/contracts';
import { FAULTS, messageOf } from '#writ/faults';
import { LedgerFollower } from '#writ/ledger-client';
import { publishToStream, StreamReader } from '#writ/nats';
import { RequestServer } from '#writ/nest-transport';
import type { Service, ServiceContext } from '#writ/service-host';
import { openBlock } from '#writ/tlog';
import { Calls } from './calls.js';
import { Deadlines } from './deadlines.js';
import { DECIDE, DecideHandler, LOGGER } from './decide.handler.js';
import { Decider, DECIDER } from './decider.js';
import { LedgerAlarm } from './ledger-alarm.js';
import { openRules } from './open-rules.js';
import { Pools } from './pools.js';
import { REFUSALS_OF, type RefusalsOf } from './refusals-of.js';
import { ShardKeeper } from './shard-keeper.js';
import { ShardOwner } from './shard-owner.js';
import { StoredAnswers } from './stored-answers.js';

const FOLLOW_EVERY_MS = 200;
const SWEEP_EVERY_MS = 500;
const FLUSH_EVERY_MS = 5_000;
const ALARM_EVERY_MS = 10_000;
const ISSUE_TIMEOUT_MS = 3_000;

const failure = (code: 'BUSY' | 'INTERNAL') =>
  JSON.stringify({ v: 1, status: 'refused', code, message: FAULTS[code].means });

/** Wires the decision service: the ledger it follows, the rules it decides by, the shards it owns, the requests it answers. */
export async function policyDecisionService(context: ServiceContext): Promise<Service> {
  const { bus, log, catalogue, settings, blocks } = context;
  const { tenant, shards, limits } = catalogue.config;
  const calls = new Calls(tenant);
  const follower: LedgerFollower = new LedgerFollower({
    blocks,
    authority: context.authority,
    fromSeq: 1,
    pollMs: FOLLOW_EVERY_MS,
    isOwn: (seq) => owner.isOwn(seq),
    onEntries: (entries) => entries.forEach((entry) => calls.apply(entry)),
    onRejected: (seq, reason) => log.error({ seq, reason }, 'a message of the ledger is no authorised block'),
    onLost: (error) => log.error({ detail: messageOf(error) }, 'the ledger cannot be read'),
  });
  const pools = new Pools(Date.now);
  const strategy = requestServer(context, (message) => {
    const address = parseDecideSubject(message.subject);
    log.warn({ subject: message.subject }, 'a request has no reply subject that may be answered');
    if (address === undefined) return;
    void owner.refusalsOf(address)?.record({ agent: address.agent, kind: 'unknown', code: 'INPUT_BAD_REPLY' });
  });
  const rules = await openRules(context, () => owner.all());
  const owner: ShardOwner = new ShardOwner({
    instance: settings.WRIT_INSTANCE,
    calls,
    follower,
    openWriter: context.openWriter,
    serve: (shard) => strategy.serve(subjects.decide(shard), DECIDE),
    onClaimed: (shard) => rules.recordOn(shard),
    now: Date.now,
    log,
  });
  const keeper = new ShardKeeper({
    bus,
    instance: settings.WRIT_INSTANCE,
    shards,
    now: Date.now,
    claim: (shard, onLost) => owner.claim(shard, onLost),
    log,
  });
  const decider = new Decider({
    tenant,
    shards: owner,
    rules: () => rules.current,
    pools,
    stored: new StoredAnswers((entry) => storedValues(context, entry)),
    issue: async (subject, command, id) => {
      const options = { msgId: id, stream: COMMANDS_STREAM, timeoutMs: ISSUE_TIMEOUT_MS };
      await publishToStream(bus, subject, Buffer.from(JSON.stringify(command)), options);
    },
    now: Date.now,
  });
  const deadlines = new Deadlines({
    calls,
    commands: new StreamReader(bus, { apiPrefix: '$JS.API' }),
    appendFor: (producer) => owner.appendFor(producer),
    catchUp: () => follower.catchUp(),
    now: Date.now,
    log,
  });
  const alarm = new LedgerAlarm(new StreamReader(bus, { apiPrefix: LEDGER_API_PREFIX }), log);
  const refusalsOf: RefusalsOf = (address) => owner.refusalsOf(address);
  let timers: NodeJS.Timeout[] = [];
  const every = (ms: number, what: string, run: () => Promise<void>) =>
    setInterval(() => void run().catch((error: unknown) => log.error({ detail: messageOf(error) }, what)), ms);
  let isCaughtUp = false;
  return {
    name: settings.WRIT_INSTANCE,
    log,
    bus,
    strategy,
    module: {
      module: class PolicyDecisionModule {},
      controllers: [DecideHandler],
      providers: [
        { provide: DECIDER, useValue: decider },
        { provide: REFUSALS_OF, useValue: refusalsOf },
        { provide: LOGGER, useValue: log },
      ],
    },
    health: {
      host: settings.WRIT_HEALTH_HOST,
      port: settings.WRIT_HEALTH_PORT,
      isReady: () => isCaughtUp && bus.isConnected,
      details: () => ({
        instance: settings.WRIT_INSTANCE,
        shardsOwned: keeper.owned,
        ledgerPosition: follower.position,
        callsOpen: calls.openCount,
        bundle: rules.current.policies.hash,
        pools: pools.present(),
      }),
    },
    start: async () => {
      pools.listen(bus);
      keeper.listen();
      await follower.catchUp();
      isCaughtUp = true;
      follower.start();
      keeper.start();
      timers = [
        every(SWEEP_EVERY_MS, 'deadlines', () => deadlines.sweep()),
        every(FLUSH_EVERY_MS, 'refusals', () => owner.flushRefusals()),
        every(ALARM_EVERY_MS, 'ledger size', () => alarm.check(owner.first())),
      ];
      rules.watch();
    },
    stop: async () => {
      timers.forEach((timer) => clearInterval(timer));
      rules.close();
      await keeper.stop();
      await follower.stop();
    },
  };

  function requestServer(
    { bus: on }: ServiceContext,
    onUnanswerable: ConstructorParameters<typeof RequestServer>[0]['onUnanswerable'],
  ) {
    return new RequestServer({
      bus: on,
      queue: 'pdp',
      inFlightMax: limits.requestsInFlightMax,
      isReplyAllowed: isReplyRoute,
      onUnanswerable,
      busy: () => failure('BUSY'),
      failed: (error) => {
        log.error({ detail: messageOf(error) }, 'a handler failed');
        return failure('INTERNAL');
      },
    });
  }
}

/** The values behind the commitments of an entry, found through its block. */
async function storedValues(
  { blocks, values }: ServiceContext,
  entry: { readonly seq: number; readonly producer: string; readonly id: string; readonly ts: string },
) {
  const message = await blocks.message(entry.seq);
  if (message === undefined) return undefined;
  const block = openBlock(message.data).hash;
  return values.values({ producer: entry.producer, block, entry: entry.id, writtenAtMs: Date.parse(entry.ts) });
}
