import { Fault } from '#writ/faults';
import { z } from 'zod';

/**
 * Names that become subject tokens, inbox prefixes or file names. A dot, a blank or a wildcard would let one name cover
 * others, so nothing but these characters is taken, everywhere.
 */
export const AGENT_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

export const AgentName = z.string().regex(AGENT_NAME, 'must match ^[a-z0-9][a-z0-9_-]{0,62}$');
export const CallId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'must be 1 to 64 of A-Z a-z 0-9 _ . -');
/** Name of a ledger, the origin of its checkpoints: `<deployment>/<tenant>/<shard>`. */
export const LedgerName = z
  .string()
  .regex(/^[A-Za-z0-9.-]+(\/[A-Za-z0-9._-]+)+$/, 'must be names of A-Z a-z 0-9 . _ - with slashes between them')
  .max(256);
/** Tools, namespaces and destinations: dotted names such as `slack.chat.postMessage` or `CRM.customers`. */
export const ResourceName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9][A-Za-z0-9_-]*)*$/, 'must be dot-separated words')
  .max(128);
/** A label of a memory record or of a result. */
export const LabelName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9:_.-]{0,62}$/);
/** What kind of person or thing data is about, such as `customer`. */
export const SubjectType = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'must match ^[a-z][a-z0-9-]{0,62}$');
/** Whom a value is about: erasing a data subject erases every value that is about it. */
export interface DataSubject {
  readonly type: string;
  /** As the request names it, to the letter. */
  readonly id: string;
}
/** The keyed pseudonym of a data subject: all that is known of it outside of the values. */
export const SubjectPseudonym = z.string().regex(/^S-[A-Za-z0-9_-]{43}$/);
export const ProducerName = z.string().regex(/^[a-z0-9-]{1,32}$/);

/** Returns the name, or throws INPUT_BAD_NAME. Call it wherever a name comes from outside, before it is put into a subject. */
export function assertAgentName(name: string): string {
  if (!AGENT_NAME.test(name)) {
    throw new Fault(
      'INPUT_BAD_NAME',
      `the agent name ${JSON.stringify(name.slice(0, 80))} must match ${AGENT_NAME.source}`,
    );
  }
  return name;
}
