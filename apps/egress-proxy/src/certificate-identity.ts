import type { TLSSocket } from 'node:tls';
import type { Agents, ProxiedAgent } from './ports.js';

/** Whose requests come on a connection, when that is known before the first of them. Asked for each request. */
export type Identity = () => ProxiedAgent | undefined;

/**
 * Who a client is by the certificate that it showed when it connected; undefined when it showed none. One that does not count makes it
 * nobody for as long as it is connected, also with a good token beside it.
 */
export function certificateIdentity(
  socket: Pick<TLSSocket, 'authorized' | 'getPeerX509Certificate'>,
  agents: Pick<Agents, 'byCertificate'>,
  now: () => number,
): Identity | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const { authorized } = socket;
  const { subjectAltName, validTo } = certificate;
  if (!authorized || subjectAltName === undefined) return () => undefined;
  const untilMs = Date.parse(validTo);
  // A connection may last longer than its certificate, and longer than its agent.
  return () => (now() < untilMs ? agents.byCertificate(subjectAltName) : undefined);
}
