import { type Exported, operationOf, unmappedOf } from './exported.js';

/** The Elastic Common Schema version that the names are taken from. The `gen_ai` fields are beta there. */
const ECS_VERSION = '9.4.0';

/** The leaf as an ECS document, with everything that ECS has no field for under `writ`. */
export function toEcs(exported: Exported): Record<string, unknown> {
  const { leaf, facts, row } = exported;
  return {
    '@timestamp': new Date(leaf.timeMs).toISOString(),
    ecs: { version: ECS_VERSION },
    message: row.title,
    event: eventOf(exported),
    observer: { vendor: 'Writ', product: 'Writ', ...(facts.prod !== undefined && { name: facts.prod.id }) },
    ...(facts.ten !== undefined && { organization: { id: facts.ten } }),
    ...(facts.corr?.sess !== undefined && { session: { id: facts.corr.sess } }),
    ...(facts.corr?.trace !== undefined && { trace: { id: facts.corr.trace } }),
    ...ruleOf(exported),
    ...genAiOf(exported),
    writ: { log_name: leaf.logName, ...unmappedOf(exported), ...policiesOf(exported) },
  };
}

function eventOf({ leaf, facts, row, type, hashes, raw }: Exported): Record<string, unknown> {
  const { code, text } = facts.why ?? {};
  const outcome = row.isSuccess ?? (row.control?.[0] === 1 ? true : undefined);
  return {
    module: 'writ',
    dataset: 'writ.ledger',
    kind: row.ecs.kind,
    category: [row.ecs.category],
    type: [row.ecs.type],
    action: type,
    severity: row.severity,
    outcome: outcome === undefined ? 'unknown' : outcome ? 'success' : 'failure',
    ...(facts.id !== undefined && { id: facts.id }),
    ...(leaf.index !== undefined && { sequence: leaf.index }),
    ...(hashes !== undefined && { hash: hashes.raw }),
    ...(raw !== undefined && { original: raw }),
    ...(code !== undefined && { code, reason: text ?? code }),
    ...(facts.cost?.ms !== undefined && { duration: facts.cost.ms * 1_000_000 }),
    ...(facts.risk?.score !== undefined && { risk_score: facts.risk.score }),
  };
}

function ruleOf({ facts }: Exported): Record<string, unknown> {
  const { pol, bundle } = facts.why ?? {};
  if (pol === undefined || pol.length === 0) return {};
  return { rule: { name: pol.flatMap(({ id }) => id ?? []), ...(bundle !== undefined && { version: bundle }) } };
}

function policiesOf({ facts }: Exported): Record<string, unknown> {
  const { pol } = facts.why ?? {};
  return pol === undefined ? {} : { policies: pol.map(({ id, effect, file, line }) => ({ id, effect, file, line })) };
}

function genAiOf(exported: Exported): Record<string, unknown> {
  const { facts } = exported;
  const agent = facts.who?.agent;
  if (agent === undefined) return {};
  const call = facts.corr?.call;
  const isTool = facts.act?.kind === 'tool.call';
  return {
    gen_ai: {
      agent: { id: agent, name: agent },
      ...(isTool && {
        tool: { name: operationOf(exported), ...(call !== undefined && { call: { id: call } }) },
      }),
    },
  };
}
