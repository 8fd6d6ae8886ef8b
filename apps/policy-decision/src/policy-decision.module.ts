import { COMMANDS_STREAM, isReplyRoute, LEDGER_API_PREFIX, parseDecideSubject, subjects } from '#writ/contracts';
import { FAULTS, messageOf } from '#writ/faults';
import { LedgerFollower } from '#writ/ledger-client';
import { publishToStream, StreamReader } from '#writ/nats';
import { RequestServer } from '#writ/nest-transport';
import type { Service, ServiceContext } from '#writ/service-host';
import { openBlock } from '#writ/tlog';
import { openAccess, type OpenAccess } from './authzen/open-access.js';
import { CallProgress } from './call-progress.js';
import { Calls, type PolicyEpoch } from './calls.js';
import { Deadlines } from './deadlines.js';
import { DECIDE, DecideHandler, LOGGER } from './decide.handler.js';
import { Decider, DECIDER } from './decider.js';
import { Explainer } from './explainer.js';
import { LedgerAlarm } from './ledger-alarm.js';
import { openRules, type WatchedRules } from './open-rules.js';
import { PolicyErrors } from './policy-errors.js';
import { Pools } from './pools.js';
import { REFUSALS_OF, type RefusalsOf } from './refusals-of.js';
import { openShadow } from './shadow/open-shadow.js';
import type { ShadowLane } from './shadow/shadow-lane.js';
import { ShardKeeper } from './shard-keeper.js';
import { ShardOwner } from './shard-owner.js';
import { StoredAnswers } from './stored-answers.js';

const FOLLOW_EVERY_MS = 200;
const SWEEP_EVERY_MS = 500;
const FLUSH_EVERY_MS = 5_000;
const ALARM_EVERY_MS = 10_000;
const ISSUE_TIMEOUT_MS = 3_000;
/** At the end, for explanations that still wait: a quarter of what a service has to stop in. */
const EXPLAIN_WITHIN_MS = 1_000;

const failure = (code: 'BUSY' | 'INTERNAL') =>
  JSON.stringify({ v: 1, status: 'refused', code, message: FAULTS[code].means });

interface Parts {
  readonly calls: Calls;
  readonly progress: CallProgress;
  readonly follower: LedgerFollower;
  readonly pools: Pools;
  readonly strategy: RequestServer;
  readonly owner: ShardOwner;
  readonly keeper: ShardKeeper;
  readonly rules: WatchedRules;
  readonly shadow: ShadowLane;
  readonly policyErrors: PolicyErrors;
  readonly explainer: Explainer;
}

/** Wires the decision service: the ledger it follows, the rules it decides by, the shards it owns, the requests it answers. */
export async function policyDecisionService(context: ServiceContext): Promise<Service> {
  const { bus, log, settings } = context;
  const parts = await openParts(context);
  const { owner, follower, keeper, rules, shadow, policyErrors, explainer } = parts;
  let timers: NodeJS.Timeout[] = [];
  let isCaughtUp = false;
  let access: OpenAccess | undefined;
  return {
    name: settings.WRIT_INSTANCE,
    log,
    bus,
    keyring: context.keyring,
    strategy: parts.strategy,
    module: moduleOf(context, parts),
    health: {
      host: settings.WRIT_HEALTH_HOST,
      port: settings.WRIT_HEALTH_PORT,
      // A shard of ours without policies in force refuses everything: its owner is not ready.
      isReady: () => isCaughtUp && bus.isConnected && owner.all().every((shard) => shard.rules !== undefined),
      details: () => ({
        ...detailsOf(context, parts),
        ...(access === undefined ? {} : { accessPort: access.port }),
      }),
    },
    start: async () => {
      await follower.catchUp();
      isCaughtUp = true;
      follower.start();
      keeper.start();
      timers = startTimers(context, parts);
      rules.watch();
      access = await openAccess(context, { shard: () => owner.first(), shadow, policyErrors, explainer });
    },
    stop: async () => {
      timers.forEach((timer) => clearInterval(timer));
      rules.close();
      await access?.close();
      shadow.close();
      await keeper.stop();
      // Nobody asks any more, and our writers still write.
      await explainer.close(EXPLAIN_WITHIN_MS);
      await follower.stop();
    },
  };
}

async function openParts(context: ServiceContext): Promise<Parts> {
  const { bus, log, catalogue, settings } = context;
  const { tenant, shards, destinations } = catalogue.config;
  const calls = new Calls(tenant, destinations);
  const progress = new CallProgress(calls);
  const pools = new Pools(Date.now);
  const strategy = requestServer(context, (address) => owner.refusalsOf(address));
  const follower: LedgerFollower = new LedgerFollower({
    blocks: context.blocks,
    authority: context.authority,
    fromSeq: 1,
    pollMs: FOLLOW_EVERY_MS,
    isOwn: (seq) => owner.isOwn(seq),
    onEntries: (entries) => entries.forEach((entry) => calls.apply(entry)),
    onRejected: (seq, reason) => log.error({ seq, reason }, 'a message of the ledger is no authorised block'),
    onLost: (error) => log.error({ detail: messageOf(error) }, 'the ledger cannot be read'),
  });
  let rules: WatchedRules;
  const owner: ShardOwner = new ShardOwner({
    instance: settings.WRIT_INSTANCE,
    calls,
    follower,
    openWriter: context.openWriter,
    serve: (shard) => strategy.serve(subjects.decide(shard), DECIDE),
    canServe: (producer) => rules.isAcceptable(calls.epochOf(producer)),
    onClaimed: (shard) => rules.activateOn(shard),
    now: Date.now,
    log,
  });
  const claim: ShardOwner['claim'] = (shard, onLost) => owner.claim(shard, onLost);
  // A clock that is set back must not make a dead owner look alive.
  const now = () => performance.now();
  const keeper = new ShardKeeper({ bus, instance: settings.WRIT_INSTANCE, shards, now, claim, log });
  // Whoever serves a shard or a pool is heard while this process still reads its policies and the ledger.
  pools.listen(bus);
  progress.listen(bus);
  keeper.listen();
  rules = await openRules(context, () => owner.all());
  const shadow = openShadow(context, () => owner.first());
  const policyErrors = new PolicyErrors(log, Date.now);
  const explainer = new Explainer(log, Date.now);
  return { calls, progress, follower, pools, strategy, owner, keeper, rules, shadow, policyErrors, explainer };
}

function moduleOf(context: ServiceContext, parts: Parts): Service['module'] {
  const refusalsOf: RefusalsOf = (address) => parts.owner.refusalsOf(address);
  return {
    module: class PolicyDecisionModule {},
    controllers: [DecideHandler],
    providers: [
      { provide: DECIDER, useValue: deciderOf(context, parts) },
      { provide: REFUSALS_OF, useValue: refusalsOf },
      { provide: LOGGER, useValue: context.log },
    ],
  };
}

function deciderOf(context: ServiceContext, parts: Parts): Decider {
  const { owner, pools, progress, shadow, policyErrors, explainer } = parts;
  return new Decider({
    tenant: context.catalogue.config.tenant,
    shards: owner,
    pools,
    stored: new StoredAnswers(
      (entry) => storedValues(context, entry),
      (decision) => progress.of(decision),
    ),
    issue: async (subject, command, id) => {
      progress.watch(command);
      const options = { msgId: id, stream: COMMANDS_STREAM, timeoutMs: ISSUE_TIMEOUT_MS };
      await publishToStream(context.bus, subject, Buffer.from(JSON.stringify(command)), options);
    },
    policyErrors,
    explainer,
    pseudonym: (subject) => context.tenantKeys.pseudonym(subject),
    redaction: context.redaction,
    now: Date.now,
    shadow,
  });
}

function startTimers({ bus, log }: ServiceContext, { calls, progress, owner, follower }: Parts): NodeJS.Timeout[] {
  const deadlines = new Deadlines({
    calls,
    commands: new StreamReader(bus, { apiPrefix: '$JS.API' }),
    appendFor: (producer) => owner.appendFor(producer),
    catchUp: () => follower.catchUp(),
    now: Date.now,
    log,
  });
  const alarm = new LedgerAlarm(new StreamReader(bus, { apiPrefix: LEDGER_API_PREFIX }), log);
  const every = (ms: number, what: string, run: () => Promise<void>) =>
    setInterval(() => void run().catch((error: unknown) => log.error({ detail: messageOf(error) }, what)), ms);
  return [
    every(SWEEP_EVERY_MS, 'deadlines', () => deadlines.sweep()),
    every(FLUSH_EVERY_MS, 'refusals', () => owner.flushRefusals()),
    setInterval(() => progress.sweep(), FLUSH_EVERY_MS),
    every(ALARM_EVERY_MS, 'ledger size', () => alarm.check(owner.first())),
  ];
}

function detailsOf({ settings }: ServiceContext, parts: Parts) {
  const { keeper, owner, follower, calls, progress, rules, pools, shadow, policyErrors, explainer } = parts;
  return {
    instance: settings.WRIT_INSTANCE,
    shardsOwned: keeper.owned,
    ledgerPosition: follower.position,
    callsOpen: calls.openCount,
    progress: progress.details,
    /** What the files say; what is in force stands in `epochs`, shard by shard. */
    bundle: rules.newest.policies.hash,
    epochs: owner.epochs().map(({ shard, epoch }) => ({ shard, ...(epoch !== undefined && ageOf(epoch)) })),
    /** The change that was not taken, while nothing better has come. */
    refused: rules.refused ?? null,
    agents: rules.newest.agents,
    pools: pools.present(),
    shadow: shadow.details,
    policyErrors: policyErrors.details,
    explanations: explainer.details,
  };
}

/** How long policies have been in force, by this machine's clock. */
function ageOf(epoch: PolicyEpoch) {
  return { ...epoch, ageSeconds: Math.max(0, Math.floor((Date.now() - Date.parse(epoch.since)) / 1_000)) };
}

function requestServer({ bus, log, catalogue }: ServiceContext, refusalsOf: RefusalsOf): RequestServer {
  return new RequestServer({
    bus,
    queue: 'pdp',
    inFlightMax: catalogue.config.limits.requestsInFlightMax,
    senderOf: ({ subject }) => parseDecideSubject(subject)?.agent ?? '',
    isReplyAllowed: isReplyRoute,
    onUnanswerable: ({ subject }) => {
      log.warn({ subject }, 'a request has no reply subject that may be answered');
      const address = parseDecideSubject(subject);
      if (address === undefined) return;
      void refusalsOf(address)?.record({ agent: address.agent, kind: 'unknown', code: 'INPUT_BAD_REPLY' });
    },
    busy: () => failure('BUSY'),
    failed: (error) => {
      log.error({ detail: messageOf(error) }, 'a handler failed');
      return failure('INTERNAL');
    },
  });
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
