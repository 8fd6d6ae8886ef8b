import { Fault } from '#writ/faults';
import type { ParsedDestination } from './parse-destination.js';

/** What a declared destination says about URLs; the catalogue's declaration has these members. */
export interface DestinationRule {
  readonly origin: string;
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  readonly internal: boolean;
}

type Mismatch = 'host.not_allowed' | 'scheme.plaintext' | 'scheme' | 'port' | 'path.not_allowed' | 'method.not_allowed';

/** From far to near: the message names how near the nearest destination came. */
const MISMATCHES: readonly Mismatch[] = [
  'host.not_allowed',
  'scheme',
  'scheme.plaintext',
  'port',
  'path.not_allowed',
  'method.not_allowed',
];

/** The canonical origins of the destinations that are declared internal, for `parseDestination`. */
export function internalOrigins(destinations: Readonly<Record<string, DestinationRule>>): ReadonlySet<string> {
  return new Set(
    Object.values(destinations)
      .filter(({ internal }) => internal)
      .filter(({ origin }) => URL.canParse(origin))
      .map(({ origin }) => new URL(origin).origin),
  );
}

/**
 * The name of the declared destination that covers a request: the same origin, a listed method, and a listed path or one below it.
 * Of several, the one with the longest path, then the first by name. Throws INPUT_UNKNOWN_DESTINATION otherwise.
 */
export function matchDestination(
  parsed: ParsedDestination,
  method: string,
  destinations: Readonly<Record<string, DestinationRule>>,
): string {
  let best: { readonly name: string; readonly length: number } | undefined;
  let nearest = 0;
  for (const { name, origin, rule } of rulesByHost(destinations).get(parsed.host) ?? []) {
    const mismatch = mismatchOf(parsed, method, { origin, rule });
    if (mismatch !== undefined) nearest = Math.max(nearest, MISMATCHES.indexOf(mismatch));
    else {
      const length = Math.max(...rule.paths.filter((prefix) => covers(prefix, parsed.path)).map((path) => path.length));
      if (best === undefined || length > best.length) best = { name, length };
    }
  }
  if (best !== undefined) return best.name;
  throw new Fault(
    'INPUT_UNKNOWN_DESTINATION',
    `\`${MISMATCHES[nearest]}\`: no declared destination covers that request`,
  );
}

interface NamedRule {
  readonly name: string;
  readonly rule: DestinationRule;
  readonly origin: URL;
}

/** By the host of their origin, in the order of their names. INVARIANT: declarations never change; others are another object. */
const known = new WeakMap<Readonly<Record<string, DestinationRule>>, ReadonlyMap<string, readonly NamedRule[]>>();

function rulesByHost(destinations: Readonly<Record<string, DestinationRule>>) {
  const found = known.get(destinations);
  if (found !== undefined) return found;
  const byHost = new Map<string, NamedRule[]>();
  for (const [name, rule] of Object.entries(destinations).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (!URL.canParse(rule.origin)) continue;
    const origin = new URL(rule.origin);
    const list = byHost.get(origin.hostname);
    if (list === undefined) byHost.set(origin.hostname, [{ name, rule, origin }]);
    else list.push({ name, rule, origin });
  }
  known.set(destinations, byHost);
  return byHost;
}

/** Why a destination of the host does not cover a request. */
function mismatchOf(
  parsed: ParsedDestination,
  method: string,
  { origin, rule }: Pick<NamedRule, 'origin' | 'rule'>,
): Mismatch | undefined {
  if (origin.protocol !== `${parsed.scheme}:`) return parsed.scheme === 'http' ? 'scheme.plaintext' : 'scheme';
  if (origin.origin !== parsed.origin) return 'port';
  if (!rule.paths.some((prefix) => covers(prefix, parsed.path))) return 'path.not_allowed';
  return rule.methods.includes(method) ? undefined : 'method.not_allowed';
}

/** Prefixes end at the border of a segment: `/v1` covers `/v1` and `/v1/x`, not `/v10`. */
function covers(prefix: string, path: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}
