import type { EntryBody } from '#writ/contracts';
import { Fault, toFault } from '#writ/faults';
import { openAuthorised } from '#writ/ledger-client';
import { messagesFrom } from './find-call.js';
import type { Operator } from './open-operator.js';
import { operatorEntries } from './operator-entries.js';
import { RemovedFacts } from './pruning/removed-facts.js';

type Frozen = Extract<EntryBody, { type: 'ledger.frozen' }>;

const ATTEMPTS_MAX = 5;

/**
 * Puts the end of the ledger on record as its last entry, in a block of its own, and returns the message that it is in; when it is there
 * already, that message. Throws LEDGER_*.
 */
export async function recordFrozen(operator: Operator, frozen: Frozen): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await recordOnce(operator, frozen);
    } catch (error) {
      // Another operator wrote at the same time, and the stream took the block of one alone: look again at what is there.
      if (toFault(error).code !== 'LEDGER_FENCED' || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function recordOnce(operator: Operator, frozen: Frozen): Promise<number> {
  // The chain is opened before it is read: if somebody writes in between, our block is fenced and nothing is recorded twice.
  const writer = await operator.openWriter();
  for await (const { seq, entry } of operatorEntries(operator))
    if (entry.type === 'ledger.frozen' && entry.next === frozen.next && entry.key === frozen.key) return seq;
  return (await writer.append(frozen)).seq;
}

/**
 * Says again, in a ledger that goes on from another one, what readers of this one alone need of that one: the keys of agents, and the
 * policies that decision services have in force. What is said twice is the same. Returns the message of the last of it, undefined when
 * there was nothing to say. Throws LEDGER_*.
 */
export async function carryOver(operator: Operator): Promise<number | undefined> {
  const { blocks, authority } = operator;
  const facts = new RemovedFacts(authority.ledger);
  for await (const message of messagesFrom(blocks, 1)) {
    if (message.seq >= authority.begins) break;
    try {
      facts.take(message.seq, openAuthorised(message, authority));
    } catch (error) {
      // What is no block says nothing: it has its leaf in the log of the ledger before.
      if (!(error instanceof Fault)) throw error;
    }
  }
  const carried = [...facts.identities(new Set()), ...facts.carried(() => true)];
  const writer = await operator.openWriter();
  const appended = await Promise.all(carried.map((body) => writer.append(body)));
  return appended.at(-1)?.seq;
}
