import type { DecidedEntry, Json, JsonObject, PayloadValue } from '#writ/contracts';
import { commit, opensTo } from './commitment.js';

/**
 * What stands behind the commitments of a decision. `opens`: what was asked and, of an allow, the command that was approved, both as
 * the entry commits to them. `gone`: no longer stored. `differs`: something is stored and it is not what the entry commits to.
 */
export type DecisionValues =
  | { readonly status: 'opens'; readonly asked: JsonObject; readonly command?: JsonObject }
  | { readonly status: 'gone' | 'differs' };

/** Opens the commitments of a decision with what the payload store has; attacker-controlled until then. All of it opens, or nothing does. */
export function openDecision(
  { io, cmd }: Pick<DecidedEntry, 'io' | 'cmd'>,
  stored: readonly PayloadValue[] | undefined,
): DecisionValues {
  const asked = stored?.find(({ path }) => path === '/in');
  const command = stored?.find(({ path }) => path === '/cmd');
  if (asked === undefined || (cmd !== undefined && command === undefined)) return { status: 'gone' };
  const { value } = asked;
  if (!isObject(value) || !opensTo(io.in, asked, value)) return { status: 'differs' };
  if (cmd === undefined || command === undefined) return { status: 'opens', asked: value };
  // Arguments that no redaction changed are stored once, as what was asked.
  const body = isObject(command.value) ? { args: value, ...command.value } : undefined;
  if (body === undefined || commit(command.salt, command.path, body) !== cmd) return { status: 'differs' };
  return { status: 'opens', asked: value, command: body };
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
