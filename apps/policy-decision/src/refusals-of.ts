import type { DecideAddress } from '#writ/contracts';
import type { Refusals } from './refusals.js';

/** Where refusals of a request are recorded: by the owner of its shard; undefined when this process is not it. */
export type RefusalsOf = (address: DecideAddress) => Refusals | undefined;
export const REFUSALS_OF = Symbol('refusals-of');
