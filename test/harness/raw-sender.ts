import { subjects } from '#writ/contracts';
import { readProfile } from '#writ/deployment';
import { nonceSigner } from '../../libs/nats/src/nkey.js';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { Gateway } from './gateway.js';

/**
 * Speaks the protocol of the bus by hand, as a client does that cares about no limit; gives what the server said until it ended the
 * connection. It says `PONG` once it has accepted the agent; its last words are lost when they cross a large message.
 */
export async function sendRaw(gateway: Gateway, agent: string, operation: string, bytes: number): Promise<string> {
  const { seed } = await readProfile(gateway.paths, agent);
  const signer = nonceSigner(seed);
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  const lines = createInterface({ input: socket });
  const said: string[] = [];
  const publish = () => socket.write(`PUB ${subjects.request(agent, operation)} ${bytes}\r\n${'x'.repeat(bytes)}\r\n`);
  lines.on('line', (line: string) => {
    said.push(line);
    if (line === 'PONG') publish();
    if (!line.startsWith('INFO ') || said.length > 1) return;
    const { nonce } = JSON.parse(line.slice(5)) as { nonce: string };
    const proof = { nkey: signer.publicKey, sig: signer.sign(nonce) };
    socket.write(`CONNECT ${JSON.stringify({ ...proof, verbose: false, lang: 'raw', version: '0' })}\r\nPING\r\n`);
  });
  // A server that ends a connection in the middle of a message is no error here.
  socket.on('error', () => undefined);
  lines.on('error', () => undefined);
  await new Promise((resolve) => socket.once('close', resolve));
  return said.join('\n');
}
