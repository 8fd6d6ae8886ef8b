import type { Json, JsonObject } from '#writ/contracts';
import { Gateway, type GatewayOptions } from '../harness/gateway.js';

const marker = { type: 'object', required: ['marker'], properties: { marker: { type: 'string', maxLength: 40_000 } } };

/** An HTTP tool that takes a `marker`, by which its effect is found at the outside service. */
export function actingTool(url: string, more: JsonObject = {}): JsonObject {
  return { kind: 'http', method: 'POST', url, internal: true, input: marker, ...more };
}

/** What most stories play in: `alice` of the staff, `gus` of the guests, a tool that acts once, one that may act again. */
export function smallOffice(
  outside: { readonly url: string },
  more: Readonly<Record<string, unknown>> = {},
): JsonObject {
  const { tools = {}, ...rest } = more as Record<string, Json>;
  return {
    agents: { alice: { teams: ['staff'] }, gus: { teams: ['guests'] } },
    limits: { ledgerBytesMax: 100_000_000, payloadBytesMax: 100_000_000 },
    ...rest,
    tools: {
      act: actingTool(`${outside.url}/act`),
      'act.again': actingTool(`${outside.url}/act`, { idempotent: true }),
      'act.slowly': actingTool(`${outside.url}/hold`, { timeoutMs: 20_000 }),
      echo: { kind: 'function', function: 'echo', input: marker },
      ...(tools as JsonObject),
    },
  };
}

export const STAFF_ACTS = `@id("staff-acts")
permit (
  principal in Team::"staff",
  action in [Action::"act", Action::"act.again", Action::"act.slowly", Action::"echo"],
  resource
);
`;

/** Starts the small office, or another deployment that is given in part. */
export function startOffice(
  outside: { readonly url: string },
  { config = {}, policies = { 'staff.cedar': STAFF_ACTS }, env = {} }: Partial<GatewayOptions> = {},
): Promise<Gateway> {
  return Gateway.start({ config: smallOffice(outside, config), policies, env });
}

/** Everything on record about one call, in order. */
export async function recordOf(gateway: Gateway, call: string) {
  const entries = (await gateway.ledger()).map(({ entry }) => entry);
  return entries.filter((entry) => 'corr' in entry && entry.corr.call === call);
}

/** The types of what is on record about one call, in order. */
export async function storyOf(gateway: Gateway, call: string): Promise<readonly string[]> {
  return (await recordOf(gateway, call)).map(({ type }) => type);
}
