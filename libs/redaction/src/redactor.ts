import type { Json, Obligation, ObligationOf, Redaction } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { type PathTokens, pathTokens, startOf } from './paths.js';
import { type KnownKeys, Walk } from './walk.js';

export interface Redacted {
  readonly value: Json;
  readonly redactions: readonly Redaction[];
}

interface Redactor {
  /**
   * A copy of the value with everything taken out that the obligations name. The same value always gives the same result. Throws
   * EXECUTOR_REDACTION_FAILED when the value cannot be scanned whole: then it must be withheld.
   */
  redact(value: Json): Redacted;
}

/** Compiles the redactions that obligations ask for on one side; undefined when they ask for none. */
export function compileRedaction(
  obligations: readonly Obligation[],
  target: ObligationOf<'redact'>['target'],
): Redactor | undefined {
  const wanted = obligations.filter(
    (obligation): obligation is ObligationOf<'redact'> => obligation.type === 'redact' && obligation.target === target,
  );
  const paths = [...new Set(wanted.flatMap((obligation) => obligation.paths ?? []))].map(pathTokens);
  const kinds = new Set(wanted.flatMap((obligation) => obligation.detectors ?? []));
  if (paths.length === 0 && kinds.size === 0) return undefined;
  const keys: KnownKeys = new Map();
  return { redact: (value) => redact(value, paths, new Walk(kinds, keys)) };
}

function redact(value: Json, paths: readonly PathTokens[], walk: Walk): Redacted {
  try {
    const redacted = walk.value(value, { cursor: startOf(paths), location: [], depth: 0, json: 0 });
    return { value: redacted, redactions: walk.redactions() };
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    // The cause is dropped, for it may quote the value.
    throw new Fault('EXECUTOR_REDACTION_FAILED', 'the answer could not be scanned, so it is withheld');
  }
}
