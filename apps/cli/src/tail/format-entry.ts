import type { CompletedEntry, DecidedEntry, Entry, EntryOf } from '#writ/contracts';
import type { Paint } from '../paint.js';
import { llmText } from '../llm-text.js';
import { printableIn } from '../printable.js';

/** Where the policy stands that made a decision, or that an explanation says came nearest: `policies/slack.cedar:19`. */
export function policyLineOf(entry: Entry): string | undefined {
  if (entry.type === 'decision.explained') return placeOf(entry.near[0]);
  if (!isDecided(entry) && entry.type !== 'access.evaluated') return undefined;
  return placeOf(entry.why.pol[0] ?? entry.why.near?.[0]);
}

function placeOf(place: { readonly file: string; readonly line: number } | undefined): string | undefined {
  return place === undefined ? undefined : `${place.file}:${place.line}`;
}

/** Whether the entry says no to somebody, or explains why somebody was told no. */
export function isDenial(entry: Entry): boolean {
  if (entry.type === 'decision.explained') return true;
  if (isDecided(entry) || entry.type === 'access.evaluated') return entry.eff.d === 'deny';
  return entry.type === 'access.refused' || entry.type === 'request.refused' || entry.type === 'command.refused';
}

/** One entry as a line for people. */
export function formatEntry(recorded: Entry, paint: Paint): string {
  // Other enforcement points name what they ask about as they like.
  const entry = printableIn(recorded);
  const time = paint('dim', entry.ts.slice(11, 23));
  const agent = 'who' in entry ? entry.who.agent : entry.prod.id;
  return `${time}  ${agent.padEnd(12)}  ${describe(entry, paint)}`;
}

function describe(entry: Entry, paint: Paint): string {
  if ('secret' in entry || entry.type === 'credential.rekeyed') return describeSecret(entry);
  if (isDecided(entry)) return describeDecision(entry, paint);
  if (isCompleted(entry)) return describeOutcome(entry, paint);
  switch (entry.type) {
    case 'decision.explained':
      return `${nearestOf(entry.near)}  ${paint('dim', entry.corr.call)}`;
    case 'call.expired':
    case 'call.indeterminate':
      return `${actOf(entry)}  ${paint('yellow', entry.type.slice(5).toUpperCase())}  ${entry.corr.call}`;
    case 'request.refused':
      return `${entry.act.kind.padEnd(32)}  ${paint('red', 'REFUSED')}  ${entry.why.code}${timesOf(entry.n)}`;
    case 'command.refused':
      return `command of ${entry.dec.seq}.${entry.dec.i}  ${paint('red', 'REFUSED')}  ${entry.why.code}`;
    case 'shard.claimed':
      return `${entry.inst} owns shard ${entry.shard}`;
    case 'policy.changed':
      return describeActivation(entry);
    case 'policy.rejected':
    case 'policy.divergence':
    case 'tool.definition.changed':
      return describeAlarm(entry, paint);
    case 'access.evaluated':
      return `${describeReasons(entry, entry.req.eval, paint)}  asked by ${entry.client}`;
    case 'access.refused':
      return `${entry.req.act} ${entry.req.res.type}:${entry.req.res.id} for ${entry.req.sub.type}:${entry.req.sub.id}  ${paint('red', 'REFUSED')}  ${entry.why.code}  asked by ${entry.client}${timesOf(entry.n)}`;
    case 'credential.used':
      return `credential ${entry.cred} used at ${entry.origin}  ${entry.corr.call}`;
    case 'agent.identity.issued':
    case 'agent.identity.revoked':
    case 'producer.enrolled':
    case 'producer.revoked':
    case 'ledger.key.rotated':
      return describeKeys(entry);
    case 'privacy.erased':
    case 'ledger.near_full':
    case 'ledger.integrity.violation':
    case 'ledger.opened':
    case 'ledger.tick':
    case 'ledger.pruned':
    case 'ledger.frozen':
    case 'producer.carried':
      return describeLog(entry, paint);
    case 'export.gap':
    case 'export.replayed':
    case 'admin.sink.changed':
      return describeSink(entry, paint);
  }
}

type Alarm = 'policy.rejected' | 'policy.divergence' | 'tool.definition.changed';

function describeAlarm(entry: EntryOf<Alarm>, paint: Paint): string {
  switch (entry.type) {
    case 'policy.rejected':
      return `${paint('red', 'policies rejected')}  ${entry.why.code} at ${entry.at}  ${shortHash(entry.kept)} stay in force`;
    case 'policy.divergence':
      return describeDivergence(entry, paint);
    case 'tool.definition.changed':
      return paint(
        'red',
        `${entry.tool} DISABLED: ${entry.server} offers ${shortHash(entry.new)}, not what is approved`,
      );
  }
}

function describeDivergence({ corr, writ, cedar }: EntryOf<'policy.divergence'>, paint: Paint): string {
  const both = `${verdictOf(writ)} here, ${verdictOf(cedar)} there`;
  return paint('red', `the evaluator and Cedar DIFFER on ${corr.call}: ${both}`);
}

type AboutTheLog =
  | `ledger.${'near_full' | 'integrity.violation' | 'opened' | 'tick' | 'pruned' | 'frozen'}`
  | 'producer.carried'
  | 'privacy.erased';

function describeLog(entry: EntryOf<AboutTheLog>, paint: Paint): string {
  switch (entry.type) {
    case 'privacy.erased':
      return paint('yellow', `${entry.n} values ERASED by ${entry.by}: ${entry.basis}`);
    case 'ledger.near_full':
      return paint('yellow', `the ledger is nearly full: ${entry.used} of ${entry.max} bytes`);
    case 'ledger.integrity.violation':
      return paint('red', `INTEGRITY  ${entry.why.code}  ${entry.why.text}`);
    case 'ledger.opened':
      return entry.prev === undefined
        ? `the log goes on from ${entry.size} entries`
        : `the log begins: it goes on from ${entry.prev.ledger}, which ended with ${entry.prev.size} entries`;
    case 'ledger.tick':
      return paint('dim', `the log has ${entry.size} entries, root ${entry.root.slice(0, 12)}…`);
    case 'ledger.pruned':
      return `the ${entry.of} begins with message ${entry.seq} now, leaf ${entry.leaf}`;
    case 'ledger.frozen':
      return paint(
        'yellow',
        `the ledger ENDS here and goes on as ${entry.next}, by ${entry.by}${reasonOf(entry.reason)}`,
      );
    case 'producer.carried':
      return paint('dim', `carried over: ${entry.of}`);
  }
}

function reasonOf(reason: string | undefined): string {
  return reason === undefined ? '' : `: ${reason}`;
}

function describeSink(entry: EntryOf<'export.gap' | 'export.replayed' | 'admin.sink.changed'>, paint: Paint): string {
  switch (entry.type) {
    case 'export.gap':
      return paint(
        'red',
        `sink ${entry.sink} will never have ${entry.first} to ${entry.last}${entry.of === undefined ? '' : ` of ${entry.of}`}: ${entry.why.code}`,
      );
    case 'export.replayed':
      return `sink ${entry.sink} gets ${entry.first} to ${entry.last} once more`;
    case 'admin.sink.changed':
      return `sink ${entry.sink} ${entry.new === null ? 'was taken away' : `changed to ${shortHash(entry.new)}`}`;
  }
}

type AboutKeys = `agent.identity.${'issued' | 'revoked'}` | `producer.${'enrolled' | 'revoked'}` | 'ledger.key.rotated';

function describeKeys(entry: EntryOf<AboutKeys>): string {
  switch (entry.type) {
    case 'agent.identity.issued':
      return `key issued  ${entry.key}`;
    case 'agent.identity.revoked':
      return `key revoked  ${entry.key}`;
    case 'producer.enrolled':
      return `${entry.instance} signs with key ${entry.key}`;
    case 'producer.revoked':
      return `key ${entry.key} of ${entry.instance} counts no more; ${entry.next} takes its place`;
    case 'ledger.key.rotated':
      return entry.phase === 'begun'
        ? `the log is signed by key ${entry.new} as well, from ${entry.size} entries on`
        : `the log is signed by key ${entry.new} alone; key ${entry.old} counts up to ${entry.size} entries`;
  }
}

function describeSecret(entry: Extract<Entry, { secret: string } | { type: 'credential.rekeyed' }>): string {
  switch (entry.type) {
    case 'credential.set':
      return `secret ${entry.secret} is set, version ${entry.ver}`;
    case 'credential.rotated':
      return `secret ${entry.secret} has version ${entry.ver}${entry.kept === 0 ? '' : `; version ${entry.kept} is still taken out of answers`}`;
    case 'credential.removed':
      return `secret ${entry.secret} is removed`;
    case 'credential.rekeyed':
      return `the secret store has another key, ${entry.new}; ${entry.count} values are sealed anew`;
  }
}

/** How many an entry stands for, when it is not one alone. */
function timesOf(n = 1): string {
  return n > 1 ? `  ${n} times` : '';
}

function describeActivation({ policies, bundle, man, diff }: EntryOf<'policy.changed'>): string {
  const changes = diff === undefined ? '' : `  +${diff.added.length} -${diff.removed.length} ~${diff.changed.length}`;
  return `${policies} policies in force  version ${man.ver} by ${man.author}${man.over === undefined ? '' : `, FORCED over version ${man.over}`}${changes}  ${shortHash(bundle.new)}`;
}

function describeDecision(entry: DecidedEntry, paint: Paint): string {
  return describeReasons(entry, entry.corr.call, paint);
}

function describeReasons(entry: DecidedEntry | EntryOf<'access.evaluated'>, call: string, paint: Paint): string {
  const isAllow = entry.eff.d === 'allow';
  const verdict = isAllow ? paint('green', 'ALLOW  ') : paint('red', 'DENY   ');
  const head = `${actOf(entry)}  ${verdict}  ${entry.why.code}`;
  const [policy] = entry.why.pol;
  if (policy !== undefined) return `${head}  ${policyLineOf(entry)} ${policy.id}  ${paint('dim', call)}`;
  const rest = `${head}  ${paint('dim', call)}`;
  // Earlier releases recorded the near misses in the decision itself.
  return entry.why.near === undefined ? rest : `${rest}\n${' '.repeat(28)}${nearestOf(entry.why.near)}`;
}

function nearestOf(near: EntryOf<'decision.explained'>['near']): string {
  const [first] = near;
  return first === undefined ? '' : `nearest permit ${placeOf(first)} ${first.id}: ${first.failed}`;
}

function describeOutcome(entry: CompletedEntry, paint: Paint): string {
  const isOk = entry.eff.d === 'ok';
  const verdict = isOk ? paint('green', 'DONE   ') : paint('yellow', 'FAILED ');
  const code = isOk ? '' : `  ${entry.why.code}`;
  const { ms, llm } = entry.cost;
  const cost = `${ms} ms${entry.io.cut ? ', cut' : ''}${llm === undefined ? '' : `, ${llmText(llm)}`}`;
  return `${actOf(entry)}  ${verdict}${code}  ${cost}  ${paint('dim', entry.corr.call)}`;
}

const isDecided = (entry: Entry): entry is DecidedEntry => entry.type.endsWith('.decided');
const isCompleted = (entry: Entry): entry is CompletedEntry => entry.type.endsWith('.completed');
const actOf = ({ act }: { readonly act: { readonly kind: string; readonly res: string } }): string =>
  `${act.kind} ${act.res}`.padEnd(32);
const verdictOf = ({ d, pol }: EntryOf<'policy.divergence'>['writ']): string => [d, ...pol].join(' ');
const shortHash = (hash: string): string => hash.slice(0, 19);
