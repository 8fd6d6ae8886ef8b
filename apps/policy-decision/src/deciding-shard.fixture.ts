import type { EntryBody } from '#writ/contracts';
import { Calls, type PolicyEpoch } from './calls.js';
import type { DecidingShard } from './ports.js';

/** What is in force after the first start of a deployment whose policies are those of the files. */
export function firstEpoch(hash: string): PolicyEpoch {
  return { hash, version: 1, highest: 1, isPublished: false, since: '2026-11-22T10:00:00.000Z' };
}

/** A shard, what it recorded, and a ledger that answers when it is told to. */
export class TestShard implements DecidingShard {
  readonly calls = new Calls('default');
  readonly recorded: EntryBody[] = [];
  epoch: PolicyEpoch | undefined;
  rules: DecidingShard['rules'];
  activation: DecidingShard['activation'];
  /** What the next appends come to; without any they succeed at once. */
  readonly outcomes: Promise<void>[] = [];

  readonly tokensOf = (): never => {
    throw new Error('no policy here asks for tokens');
  };

  readonly append: DecidingShard['append'] = async (body) => {
    await this.outcomes.shift();
    this.recorded.push(body);
    if (body.type === 'policy.changed') {
      const { ver: version, author } = body.man;
      const highest = Math.max(version, this.epoch?.highest ?? 0);
      this.epoch = { hash: body.bundle.new, version, highest, isPublished: author !== 'files', since: '' };
    }
    return { seq: this.recorded.length, i: 0, id: '', leaf: Buffer.alloc(32), entry: body as never };
  };

  /** The same chain in the hands of another process, which has nothing of the first in memory. */
  takenOver(): TestShard {
    const next = new TestShard();
    next.epoch = this.epoch;
    return next;
  }

  get codes(): readonly string[] {
    return this.recorded.map((body) => (body.type === 'policy.rejected' ? body.why.code : body.type));
  }
}
