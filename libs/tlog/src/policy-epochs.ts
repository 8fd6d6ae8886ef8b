import type { Entry, EntryOf } from '#writ/contracts';
import { messageOf } from '#writ/faults';
import { type Authority, type SignedManifest, verifyManifest } from '#writ/signing';

export interface EpochProblem {
  readonly code: 'no_epoch' | 'bad_epoch';
  readonly message: string;
}

interface Epoch {
  readonly hash: string;
  readonly version: number;
}

/**
 * What each decision service decides by, as its own chain says: every decision cites the bundle that was activated last, and every
 * activation follows the one before it under a manifest that somebody signed who may. Feed it entries in stream order.
 */
export class PolicyEpochs {
  readonly #epochs = new Map<string, Epoch>();
  /** Producers of which something is missing: what they activated meanwhile is not known. */
  readonly #lost = new Set<string>();

  constructor(private readonly authority: Authority) {}

  /** Takes an entry; returns what is wrong with it, if anything. */
  take(entry: Entry): EpochProblem | undefined {
    if (entry.type === 'policy.changed') return this.#activate(entry);
    if (!('eff' in entry) || entry.eff.phase === 'executed') return undefined;
    const { bundle } = entry.why as EntryOf<'tool.call.decided'>['why'];
    const active = this.#epochs.get(entry.prod.id)?.hash;
    if (active === bundle || this.#lost.has(entry.prod.id)) return undefined;
    // Told once: what follows is a consequence.
    this.#lost.add(entry.prod.id);
    const said = active === undefined ? 'none was activated' : `${active} is in force`;
    return { code: 'no_epoch', message: `the decision was made under ${bundle}, but ${said}` };
  }

  /** Something of the producer is missing or was refused: its next activation starts over. */
  lose(producer: string): void {
    this.#lost.add(producer);
  }

  #activate({ prod, ledger, bundle, man }: EntryOf<'policy.changed'>): EpochProblem | undefined {
    const before = this.#epochs.get(prod.id);
    this.#epochs.set(prod.id, { hash: bundle.new, version: man.ver });
    const bad = (message: string): EpochProblem => ({ code: 'bad_epoch', message });
    const isLost = this.#lost.delete(prod.id);
    if (!isLost && bundle.old !== (before?.hash ?? null))
      return bad(`the activation of ${bundle.new} names another one before it`);
    if (!isLost && man.ver <= (before?.version ?? 0) && man.force !== true) {
      return bad(`version ${man.ver} of the policies is not newer than the one before it, and not forced`);
    }
    try {
      const { ver: version, author, at, force, key, sig } = man;
      const manifest: SignedManifest = {
        v: 1,
        ledger,
        version,
        hash: bundle.new,
        author,
        at,
        ...(force && { force }),
        key,
        sig,
      };
      verifyManifest(manifest, this.authority, ['pdp', 'operator']);
      return undefined;
    } catch (error) {
      return bad(`the activation of ${bundle.new} is not authentic: ${messageOf(error)}`);
    }
  }
}
