import { readFile } from 'node:fs/promises';
import { eventually, type Gateway } from './gateway.js';

/** What the decision service says of itself on its health page, when it owns its shard. */
export async function decisionHealth(gateway: Gateway): Promise<Readonly<Record<string, unknown>>> {
  return eventually(async () => {
    const service = (await gateway.processes()).find(({ name }) => name === 'pdp-1');
    if (service === undefined || service.healthPort === null) return undefined;
    const answer = await fetch(`http://127.0.0.1:${service.healthPort}/readyz`);
    return (await answer.json()) as Readonly<Record<string, unknown>>;
  }, 'the health of pdp-1');
}

/** Asks the access API of a gateway with the token of one of its clients. */
export async function askAccess(
  gateway: Gateway,
  client: string,
  body: unknown,
  endpoint: 'evaluation' | 'evaluations' = 'evaluation',
) {
  const { accessPort } = await decisionHealth(gateway);
  const token = (await readFile(gateway.paths.accessToken(client), 'utf8')).trim();
  const answer = await fetch(`http://127.0.0.1:${String(accessPort)}/access/v1/${endpoint}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-request-id': 'r-1' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as unknown };
}
