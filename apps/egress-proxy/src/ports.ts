import type { Completed, EgressInit } from '#writ/agent-sdk';

/** An agent as the proxy acts for it: by its own key, so that it may do what the agent may and nothing else. */
export interface ProxiedAgent {
  readonly name: string;
  /** The agent's ordinary request. Throws a WritError when it did not complete. */
  fetch(url: string, init: EgressInit, call: string): Promise<Completed>;
  /** Asks for a tunnel. Resolves when it is over; throws a WritError when it was not opened. */
  connect(host: string, port: number, call: string): Promise<Completed>;
}

/** What a program shows of itself: a token, and the name of the agent that it says it is, when it says one. */
export interface Claim {
  readonly agent: string | undefined;
  readonly token: string;
}

/** The agents that the proxy can act for now. */
export interface Agents {
  /** The agent whose token it is; undefined when it is nobody's, or another one's than it says. */
  byClaim(claim: Claim): ProxiedAgent | undefined;
  byName(name: string): ProxiedAgent | undefined;
  /** The agent whose name and present key a certificate says, by its alternative names as Node writes them; undefined when it says anything else. */
  byCertificate(subjectAltName: string): ProxiedAgent | undefined;
}

export interface ProxyLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}
