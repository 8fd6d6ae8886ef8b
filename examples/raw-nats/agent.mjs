// An agent without the SDK: a plain NATS client, one request, its answer.
//
//   node agent.mjs PROFILE OPERATION BODY
//   node agent.mjs .writ/agents/assistant.json tool.call '{"tool":"demo.echo","args":{"text":"hello"}}'
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
// In a project of your own: import { connect, nkeyAuthenticator } from '@nats-io/transport-node'.
import { connect, nkeyAuthenticator } from 'nats';

const [profilePath, operation, body] = process.argv.slice(2);
const profile = JSON.parse(await readFile(profilePath, 'utf8'));

const bus = await connect({
  servers: profile.url,
  name: profile.name,
  authenticator: nkeyAuthenticator(new TextEncoder().encode(profile.seed)),
  // The only subjects that this agent may subscribe to begin with this.
  inboxPrefix: profile.inboxPrefix,
});

/** Sends one message on the agent's own subject and reads the one answer. */
async function ask(operationName, message) {
  // Longer than the 25 s after which a call that still runs is answered with `pending`.
  const options = { timeout: 35_000 };
  const answer = await bus.request(`req.${profile.name}.${operationName}`, JSON.stringify(message), options);
  return answer.json();
}

/** The same call id never has a second effect, so a request that got no answer is simply sent again. */
async function askAgain(operationName, message) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask(operationName, message);
    } catch (error) {
      if (attempt === 3) throw error;
      await delay(500 * attempt);
    }
  }
}

const call = randomUUID();
let answer = await askAgain(operation, { v: 1, call, ...JSON.parse(body) });
while (answer.status === 'pending') {
  await delay(1_000);
  answer = await askAgain('call.result', { v: 1, call });
}
process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
await bus.close();
process.exitCode = answer.status === 'completed' ? 0 : 1;
