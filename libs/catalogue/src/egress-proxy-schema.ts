import { ResourceName } from '#writ/contracts';
import { z } from 'zod';

/** TLS between programs and the egress proxy: agents are known by client certificates too, and tokens go to nobody else. */
const ProxyTls = z.strictObject({
  /** What programs call the proxy: Writ's own authority makes a certificate for these names and addresses. */
  names: z
    .array(z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, 'must be a host name or an address'))
    .min(1)
    .max(16)
    .default(['localhost', '127.0.0.1']),
  /** A certificate of somebody else instead, in PEM with those between it and its authority, relative to the configuration file. */
  certificateFile: z.string().min(1).optional(),
  keyFile: z.string().min(1).optional(),
});

/** The HTTP proxy for programs that know nothing but `HTTPS_PROXY`. Absent: nothing listens. */
export const EgressProxy = z.strictObject({
  listen: z
    .strictObject({ host: z.string().default('127.0.0.1'), port: z.int().min(0).max(65_535).default(3128) })
    .prefault({}),
  /** Absent: plain HTTP. */
  tls: ProxyTls.optional(),
  /** Destinations whose TLS ends at the proxy, so that each request in it is decided by itself. */
  inspect: z.array(ResourceName).default([]),
  connectionsMax: z.int().min(1).max(10_000).default(512),
  /** Requests of one agent that are at work at once. */
  requestsPerAgentMax: z.int().min(1).max(1_000).default(64),
  tunnelsPerAgentMax: z.int().min(1).max(200).default(16),
});
