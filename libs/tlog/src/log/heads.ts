import { Fault, messageOf } from '#writ/faults';
import { cosignedBy, type Cosigner } from '#writ/signing';
import { EXPIRED_LOG_KEY, openCheckpoint, type TreeHead } from '../checkpoint.js';
import type { ProblemPlace } from '../report.js';
import { CHECKPOINTS_FOLDER, LOG_FILES, type Evidence, type Trust } from './evidence.js';

/** A head that the log signed, and who cosigned it. */
export interface SignedHead extends TreeHead {
  readonly file: string;
  readonly cosigners: readonly Cosigner[];
}

const SIZE = /^(0|[1-9][0-9]{0,15})$/;

/** The heads of a log directory in order of their sizes; the last is the newest. Each that does not open is a problem. */
export async function readHeads(evidence: Evidence, trust: Trust): Promise<readonly SignedHead[]> {
  const { problems } = evidence;
  const sizes = (await evidence.list(CHECKPOINTS_FOLDER)).filter((name) => SIZE.test(name));
  // After the list: a log that grows shows its newest head before it keeps it among the earlier ones.
  const current = await readHead(evidence, trust, LOG_FILES.checkpoint);
  const heads: SignedHead[] = [];
  for (const name of sizes.toSorted((a, b) => Number(a) - Number(b))) {
    const head = await readHead(evidence, trust, `${CHECKPOINTS_FOLDER}/${name}`);
    if (head === undefined) continue;
    if (String(head.size) === name) heads.push(head);
    else problems.add('bad_head', `the checkpoint \`${head.file}\` is of size ${head.size}`, { file: head.file });
  }
  checkWitnessTimes(evidence, heads);
  if (current === undefined) return heads;
  const newest = heads.at(-1);
  if (newest !== undefined && newest.size > current.size) {
    const message = `the log went back: its checkpoint has ${current.size} entries, and it signed one of ${newest.size} before`;
    problems.add('rolled_back', message, { file: current.file });
  }
  const same = heads.find(({ size }) => size === current.size);
  if (same !== undefined && same.root !== current.root)
    problems.add('two_heads', `the log signed two roots for ${current.size} entries`, { file: same.file });
  return [...heads, current].toSorted((a, b) => a.size - b.size);
}

async function readHead(evidence: Evidence, trust: Trust, file: string): Promise<SignedHead | undefined> {
  const note = (await evidence.find(file))?.toString('utf8');
  if (note === undefined) return undefined;
  try {
    const { size, root } = openCheckpoint(note, trust.authority.ledger, trust.authority.logKeys());
    return { size, root, file, cosigners: cosignedBy(note, trust.witnesses.witnesses) };
  } catch (thrown) {
    const isExpired = thrown instanceof Fault && thrown.cause === EXPIRED_LOG_KEY;
    evidence.problems.add(isExpired ? 'expired_log_key' : 'bad_head', messageOf(thrown), { file });
    return undefined;
  }
}

/** A witness signs later what it saw later. */
function checkWitnessTimes({ problems }: Evidence, heads: readonly SignedHead[]): void {
  const times = new Map<string, number>();
  for (const { cosigners, file } of heads) {
    for (const { name, time } of cosigners) {
      if (time < (times.get(name) ?? 0))
        problems.add('witness_time', `the witness \`${name}\` cosigned it before it cosigned a smaller one`, { file });
      times.set(name, time);
    }
  }
}

/** Compares the growing tree with the heads that it must pass through, each at the end of a block. */
export class HeadPassage {
  #next = 0;

  constructor(
    private readonly heads: readonly (TreeHead & { readonly file?: string })[],
    private readonly tree: { readonly size: number; root(): Buffer },
    private readonly evidence: Evidence,
  ) {}

  /** Call it before the first block, and after each. */
  afterBlock(place: ProblemPlace = {}): void {
    for (let head = this.heads[this.#next]; head !== undefined && head.size <= this.tree.size;) {
      this.#meet(head, place);
      head = this.heads[++this.#next];
    }
  }

  #meet({ size, root, file }: TreeHead & { readonly file?: string }, place: ProblemPlace): void {
    const { problems } = this.evidence;
    const named = { ...place, ...(file !== undefined && { file }) };
    const isRemembered = file === undefined;
    if (size < this.tree.size) {
      problems.add('head_boundary', `a head of ${size} entries ends inside a block`, named);
    } else if (this.tree.root().toString('base64url') !== root) {
      const message = isRemembered
        ? `the first ${size} entries are not those of the remembered head: this is another history`
        : `the root of the first ${size} entries is not the one in the signed head`;
      problems.add(isRemembered ? 'remembered_root' : 'head_root', message, named);
    }
  }
}
