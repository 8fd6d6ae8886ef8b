import type { Entry, EntryBody, EntryOf } from '#writ/contracts';
import { FILES_AUTHOR } from '#writ/signing';
import { parseEntry, type VerifiedBlock } from '#writ/tlog';

type IdentityBody = Extract<EntryBody, { type: 'agent.identity.issued' | 'agent.identity.revoked' }>;
type Epoch = NonNullable<EntryOf<'producer.carried'>['epoch']>;

/**
 * What the beginning of the stream says that is needed behind it: the last block of each producer, the policies that decision services
 * have in force, which keys agents had, and calls without an end. Feed it blocks in stream order.
 */
export class RemovedFacts {
  readonly #blocks = new Map<string, string>();
  readonly #epochs = new Map<string, Epoch>();
  readonly #identities = new Map<string, IdentityBody>();
  /** Sequence of the decision, by its place, of allowed calls that have no end. */
  readonly #open = new Map<string, number>();

  /** Of the ledger with that name: the chains of the ledgers before it ended with them. */
  constructor(private readonly ledger: string) {}

  /** Takes a block that belongs to the beginning. */
  take(seq: number, { block, entries }: VerifiedBlock): void {
    const isOwn = block.ledger === this.ledger;
    if (isOwn) this.#blocks.set(block.producer, block.hash);
    for (const [i, authentic] of entries.entries()) {
      const entry = parseEntry(authentic);
      if (entry.type === 'producer.carried') this.#carry(entry, isOwn);
      else this.#takeEntry(entry, `${seq}.${i}`, seq);
    }
  }

  /** Takes a block behind the beginning: it may have the ends of calls. */
  takeLater({ entries }: VerifiedBlock): void {
    for (const authentic of entries) this.#end(parseEntry(authentic));
  }

  /** The first message with a decision whose call has not ended; undefined when there is none. */
  get firstOpen(): number | undefined {
    return this.#open.size === 0 ? undefined : Math.min(...this.#open.values());
  }

  /** Agents whose last identity stands in the beginning, as entries that say the same again; those named in `later` left out. */
  identities(later: ReadonlySet<string>): readonly IdentityBody[] {
    return [...this.#identities].flatMap(([agent, body]) => (later.has(agent) ? [] : [body]));
  }

  /** Producers that the beginning says something of. */
  get producers(): readonly string[] {
    return [...new Set([...this.#blocks.keys(), ...this.#epochs.keys()])].toSorted();
  }

  /** What has to be carried over of each producer. `isBehind` says whether it has a block behind the beginning. */
  carried(isBehind: (producer: string) => boolean): readonly EntryBody[] {
    return this.producers.flatMap((of) => {
      const prev = isBehind(of) ? undefined : this.#blocks.get(of);
      const epoch = this.#epochs.get(of);
      if (prev === undefined && epoch === undefined) return [];
      return [
        { type: 'producer.carried', of, ...(prev !== undefined && { prev }), ...(epoch !== undefined && { epoch }) },
      ];
    });
  }

  #takeEntry(entry: Entry, place: string, seq: number): void {
    if ('eff' in entry && 'corr' in entry && entry.eff.phase === 'decided' && entry.eff.d === 'allow')
      this.#open.set(place, seq);
    this.#end(entry);
    if (entry.type === 'policy.changed') this.#activate(entry);
    else if (entry.type === 'agent.identity.issued' || entry.type === 'agent.identity.revoked') {
      const { type, who, key } = entry;
      this.#identities.set(who.agent, { type, who, key });
    }
  }

  #end(entry: Entry): void {
    if ('dec' in entry && 'corr' in entry) this.#open.delete(`${entry.dec.seq}.${entry.dec.i}`);
  }

  #activate({ prod, bundle, man, ts }: EntryOf<'policy.changed'>): void {
    const highest = Math.max(man.ver, this.#epochs.get(prod.id)?.highest ?? 0);
    const published = man.author !== FILES_AUTHOR;
    this.#epochs.set(prod.id, { hash: bundle.new, ver: man.ver, highest, published, since: ts });
  }

  /** From a removal before: what the producer says itself stands behind what was carried, and is newer. */
  #carry({ of, prev, epoch }: EntryOf<'producer.carried'>, isOwn: boolean): void {
    if (isOwn && prev !== undefined && !this.#blocks.has(of)) this.#blocks.set(of, prev);
    if (epoch === undefined) return;
    const known = this.#epochs.get(of);
    const highest = Math.max(epoch.highest, known?.highest ?? 0);
    this.#epochs.set(of, { ...(known ?? epoch), highest });
  }
}
