import type { Entry, EntryOf } from '#writ/contracts';
import { messageOf } from '#writ/faults';
import { type Authority, FILES_AUTHOR, type SignedManifest, verifyManifest } from '#writ/signing';

export interface EpochProblem {
  readonly code: 'no_epoch' | 'bad_epoch';
  readonly message: string;
}

interface Epoch {
  readonly hash: string;
  readonly version: number;
  /** The highest version that was ever in force. */
  readonly highest: number;
  /** An operator published it. */
  readonly isPublished: boolean;
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
    if (entry.type === 'producer.carried') this.#carry(entry);
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

  /** Of a ledger that goes on from another one: what a decision service decided by there. Its own chain says everything after it. */
  #carry({ of, epoch }: EntryOf<'producer.carried'>): void {
    if (epoch === undefined || this.authority.closed.length === 0) return;
    if (this.#epochs.has(of) || this.#lost.has(of)) return;
    const { hash, ver: version, highest, published: isPublished } = epoch;
    this.#epochs.set(of, { hash, version, highest, isPublished });
  }

  #activate(entry: EntryOf<'policy.changed'>): EpochProblem | undefined {
    const { prod, bundle, man } = entry;
    const isLost = this.#lost.delete(prod.id);
    const before = isLost ? undefined : this.#epochs.get(prod.id);
    const highest = Math.max(man.ver, this.#epochs.get(prod.id)?.highest ?? 0);
    this.#epochs.set(prod.id, {
      hash: bundle.new,
      version: man.ver,
      highest,
      isPublished: man.author !== FILES_AUTHOR,
    });
    const message = (isLost ? undefined : wrongAfter(before, entry)) ?? this.#wrongManifest(entry, before);
    return message === undefined ? undefined : { code: 'bad_epoch', message };
  }

  #wrongManifest(
    { ledger, bundle, man, prod }: EntryOf<'policy.changed'>,
    before: Epoch | undefined,
  ): string | undefined {
    const { ver: version, author, at, over, key, sig } = man;
    const manifest: SignedManifest = {
      ...{ v: 1, ledger, version, hash: bundle.new, author, at, key, sig },
      ...(over !== undefined && { over }),
    };
    const isOfFiles = author === FILES_AUTHOR;
    try {
      verifyManifest(manifest, this.authority, [isOfFiles ? 'pdp' : 'operator']);
    } catch (error) {
      return `the activation of ${bundle.new} is not authentic: ${messageOf(error)}`;
    }
    if (!isOfFiles) return undefined;
    if (before?.isPublished === true)
      return `${bundle.new} replaces what an operator published, and no operator published it`;
    const isOwnKey = this.authority.keyOf(key)?.producers.has(prod.id) === true;
    return isOwnKey ? undefined : `the activation of ${bundle.new} is signed by the key of another decision service`;
  }
}

/** What is wrong with an activation after the one before it in its chain. */
function wrongAfter(before: Epoch | undefined, { bundle, man }: EntryOf<'policy.changed'>): string | undefined {
  if (bundle.old !== (before?.hash ?? null)) return `the activation of ${bundle.new} names another one before it`;
  if (before === undefined || man.ver > before.highest) return undefined;
  if (man.over === before.version && man.ver < before.version) return undefined;
  return `version ${man.ver} of the policies is not newer than version ${before.highest}, and not forced over what was in force`;
}
