import { AgentName, SubjectType } from '#writ/contracts';
import { Fault } from '#writ/faults';
import {
  commitmentsUnder,
  dayOf,
  eraseKeys,
  type ErasurePorts,
  type ErasureTarget,
  keysOfTarget,
  openOperator,
  type Operator,
  recordedErasures,
  repeatErasures,
} from '#writ/operator';
import { UsageError } from '../failure.js';

const DAY = /^\d{4}-\d\d-\d\d$/;
/** Shorter ones stand in every other word. */
const NAMED_CHARACTERS_MIN = 4;

export interface EraseRequest {
  readonly dataDir: string;
  readonly target: ErasureTarget;
  readonly by: string;
  readonly basis: string;
  /** Asked before anything is destroyed; `false` destroys nothing. */
  readonly confirm: (plan: ErasurePlan) => Promise<boolean>;
}

/** What an erasure destroys. */
export interface ErasurePlan {
  readonly keys: number;
  readonly commitments: number;
  /** In UTC, in order. */
  readonly days: readonly string[];
}

/** Whom or what the options name. Throws UsageError. */
export function targetOf(options: {
  readonly subject?: string;
  readonly agent?: string;
  readonly day?: string;
}): ErasureTarget {
  const { subject, agent, day } = options;
  if ((subject === undefined) === (agent === undefined)) throw new UsageError('give either `--subject` or `--agent`');
  if (day !== undefined && (agent === undefined || !DAY.test(day))) {
    throw new UsageError('`--day` goes with `--agent`, such as `--day 2026-11-22`');
  }
  if (subject !== undefined) {
    const colon = subject.indexOf(':');
    const [type, id] = [subject.slice(0, Math.max(0, colon)), subject.slice(colon + 1)];
    if (!SubjectType.safeParse(type).success || id === '') {
      throw new UsageError('a subject is its type and its id, such as `customer:4711`');
    }
    return { subject: { type, id } };
  }
  if (!AgentName.safeParse(agent).success) throw new UsageError('`--agent` is no name of an agent');
  return { agent: agent ?? '', day };
}

/**
 * Destroys the data keys of a subject or an agent, and says so in the ledger. Returns what was destroyed; no keys when there was nothing,
 * undefined when it was not confirmed. Throws CONFIG_*, LEDGER_*, and CONFIG_INVALID when the reason would name the subject.
 */
export async function erase(request: EraseRequest): Promise<ErasurePlan | undefined> {
  const { dataDir, target, by, basis } = request;
  assertNamesNobody(target, [by, basis]);
  const operator = await openOperator({ dataDir, url: process.env['WRIT_NATS_URL'] });
  try {
    const ports = portsOf(operator);
    const keys = await keysOfTarget(target, { keys: operator.dataKeys, tenantKeys: operator.tenantKeys });
    const days = [...new Set(keys.map(({ name }) => dayOf(name)))].toSorted();
    const plan = { keys: keys.length, commitments: await ports.count(keys), days };
    if (keys.length === 0) return plan;
    if (!(await request.confirm(plan))) return undefined;
    await eraseKeys(keys, { by, basis }, ports);
    return plan;
  } finally {
    await operator.close();
  }
}

/** Carries out again every erasure on record, as after a backup was restored. Returns how many keys were there. Throws CONFIG_*, LEDGER_*. */
export async function eraseAgain(dataDir: string): Promise<number> {
  const operator = await openOperator({ dataDir, url: process.env['WRIT_NATS_URL'] });
  return repeatErasures(portsOf(operator)).finally(() => operator.close());
}

function portsOf(operator: Operator): ErasurePorts {
  const { dataKeys: keys, tenantKeys, payloads } = operator;
  return {
    keys,
    recorded: () => recordedErasures(operator),
    openWriter: () => operator.openWriter(),
    count: (stored) => commitmentsUnder(stored, { payloads, tenantKeys }),
  };
}

/** What stands in the ledger cannot be erased. */
function assertNamesNobody(target: ErasureTarget, texts: readonly string[]): void {
  if (!('subject' in target) || target.subject.id.length < NAMED_CHARACTERS_MIN) return;
  const id = target.subject.id.toLowerCase();
  if (texts.some((text) => text.toLowerCase().includes(id))) {
    throw new Fault(
      'CONFIG_INVALID',
      'the reason names the subject, and the ledger would keep it: name a ticket instead',
    );
  }
}
