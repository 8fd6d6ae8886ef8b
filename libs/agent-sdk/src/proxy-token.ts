import { hkdfSync } from 'node:crypto';
import type { AgentProfile } from './profile.js';

const LABEL = 'writ egress proxy token v1';
const TOKEN_BYTES = 32;

/**
 * What an agent shows the egress proxy beside its name: 43 characters that follow from its key (HKDF-SHA-256) and from which the key does
 * not follow. Whoever has it can act as the agent through the proxy, and nowhere else; with another key it is another token.
 */
export function proxyToken({ name, seed }: Pick<AgentProfile, 'name' | 'seed'>): string {
  return Buffer.from(hkdfSync('sha256', seed, '', `${LABEL} ${name}`, TOKEN_BYTES)).toString('base64url');
}
