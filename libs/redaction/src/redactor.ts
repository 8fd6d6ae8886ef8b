import type { Json, Obligation, ObligationOf, RedactAction, Redaction } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { Tokenise } from '#writ/vault';
import { type KeyedHash, strictest, textOf } from './action.js';
import { pathTokens, startOf } from './paths.js';
import { type Place, placeOf } from './place.js';
import type { RuleGroup } from './rule.js';
import { soughtOf } from './sought.js';
import { type Plan, type Seal, Walk } from './walk.js';

export interface Redacted {
  readonly value: Json;
  readonly redactions: readonly Redaction[];
}

interface Redactor {
  /**
   * A copy of the value with everything taken out that the obligations name. The same value always gives the same result. Throws
   * EXECUTOR_REDACTION_FAILED when the value cannot be scanned whole: then it must be withheld. Without `tokenise` what should
   * become a token is masked.
   */
  redact(value: Json, tokenise?: Tokenise): Redacted;
}

/** What a deployment redacts with. */
export interface RedactionMeans {
  readonly hash?: KeyedHash | undefined;
  /** Of the rule file that the configuration names. */
  readonly rules?: RuleGroup | undefined;
}

/**
 * Compiles the redactions that obligations ask for on one side; undefined when they ask for none. Where several ask for the same
 * place or kind the strictest counts. Without `hash` what should be hashed is masked, for a digest without a key can be guessed.
 * The same obligations with the same means are compiled once. Throws EXECUTOR_REDACTION_FAILED when they ask for the rules of a file
 * and there is none.
 */
export function compileRedaction(
  obligations: readonly Obligation[],
  target: ObligationOf<'redact'>['target'],
  means: RedactionMeans = NO_MEANS,
): Redactor | undefined {
  const wanted = obligations.filter(
    (obligation): obligation is ObligationOf<'redact'> => obligation.type === 'redact' && obligation.target === target,
  );
  if (wanted.length === 0) return undefined;
  const compiled = COMPILED.get(means) ?? new Map<string, Redactor | undefined>();
  COMPILED.set(means, compiled);
  const name = JSON.stringify(wanted);
  if (compiled.has(name)) return compiled.get(name);
  const redactor = compile(wanted, means);
  // Policies have a few; after many changes of them those in use are compiled anew.
  if (compiled.size >= COMPILED_MAX) compiled.clear();
  compiled.set(name, redactor);
  return redactor;
}

const NO_MEANS: RedactionMeans = {};
const COMPILED = new WeakMap<RedactionMeans, Map<string, Redactor | undefined>>();
const COMPILED_MAX = 64;

function compile(wanted: readonly ObligationOf<'redact'>[], { hash, rules }: RedactionMeans): Redactor | undefined {
  const pointers = actionsOf(wanted.map(({ paths, action }) => [paths ?? [], action] as const));
  const kinds = actionsOf(wanted.map(({ detectors, action }) => [detectors ?? [], action] as const));
  if (pointers.size === 0 && kinds.size === 0) return undefined;
  if (kinds.has('rule-file') && rules === undefined)
    throw new Fault(
      'EXECUTOR_REDACTION_FAILED',
      'the rules of a file are asked for, and there is none; nothing is given',
    );
  const paths = new Map([...pointers].map(([pointer, action]) => [pathTokens(pointer), action]));
  const plan = planOf(paths, kinds, { hash, rules });
  const stricter = planOf(withoutTokens(paths), withoutTokens(kinds), { hash, rules });
  const start = placeOf(startOf([...paths.keys()]));
  const sealWith = (tokenise: Tokenise): Seal => {
    return (kind, value, place) => tokenise(kind, textOf(leftOf(value, place, stricter)));
  };
  return { redact: (value, tokenise) => redact(value, start, new Walk(plan, tokenise && sealWith(tokenise))) };
}

function planOf(paths: Plan['paths'], kinds: Plan['kinds'], { hash, rules }: RedactionMeans): Plan {
  const names = [...kinds.keys()];
  const split = names.filter((kind) => kind !== 'ipv4' && kind !== 'ipv6');
  return { paths, kinds, hash, sought: soughtOf(names, rules), split: soughtOf(split, rules), keys: new Map() };
}

function withoutTokens<T>(actions: ReadonlyMap<T, RedactAction>): Map<T, RedactAction> {
  return new Map([...actions].filter(([, action]) => action !== 'tokenise'));
}

/** What is left of a value that becomes a token: what one policy wants gone for good is not kept in the token of another. */
function leftOf(value: Json, place: Place, stricter: Plan): Json {
  if (stricter.paths.size === 0 && stricter.kinds.size === 0) return value;
  const cursor = place.cursor.filter(([path]) => stricter.paths.has(path));
  return new Walk(stricter, undefined).whole(value, { ...place, cursor });
}

function actionsOf<T>(asked: readonly (readonly [readonly T[], RedactAction | undefined])[]): Map<T, RedactAction> {
  const actions = new Map<T, RedactAction>();
  for (const [whats, action] of asked)
    for (const what of whats) actions.set(what, strictest([actions.get(what) ?? action, action]));
  return actions;
}

function redact(value: Json, start: Place, walk: Walk): Redacted {
  try {
    const redacted = walk.whole(value, start);
    return { value: redacted, redactions: walk.redactions() };
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    // The cause is dropped, for it may quote the value.
    throw new Fault('EXECUTOR_REDACTION_FAILED', 'the answer could not be scanned, so it is withheld');
  }
}
