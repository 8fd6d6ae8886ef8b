interface CertifiedAgent {
  readonly tenant: string;
  readonly name: string;
  /** The public key of the agent on the bus. */
  readonly key: string;
}

/**
 * What a client certificate of the egress proxy says of its agent, as its one alternative name. It has the agent's key, so that it says
 * nothing of an agent of that name with another one.
 */
export function agentUri({ tenant, name, key }: CertifiedAgent): string {
  return `writ://${tenant}/agent/${name}/${key}`;
}
