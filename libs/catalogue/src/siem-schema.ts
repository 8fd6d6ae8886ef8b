import { z } from 'zod';

const Path = z.string().min(1).max(4096);
const TypePattern = z.string().regex(/^[a-z][a-z._]*\*?$/, 'must be a type such as `tool.call.decided`, or `tool.*`');

/** Members that make a record findable, and that no sink can do without. */
const REMOVABLE = /^(?!(?:v|id|type|ts|ledger)(?:\.|$))[a-z_]+(?:\.[a-z_]+)*$/;

/** What every sink has, whatever it is. */
const sink = {
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/),
  format: z.enum(['ocsf', 'ecs', 'cef', 'raw']).default('ocsf'),
  /** OCSF schema version. */
  version: z.enum(['1.9.0', '1.8.0']).default('1.9.0'),
  /** The exact text of each leaf goes with its record. */
  withLeaf: z.boolean().default(false),
  filter: z
    .strictObject({
      types: z.array(TypePattern).min(1).max(64).optional(),
      agents: z.array(z.string().max(64)).min(1).max(1_000).optional(),
      decisions: z
        .array(z.enum(['allow', 'deny', 'ok', 'error']))
        .min(1)
        .optional(),
    })
    .optional(),
  redact: z
    .strictObject({
      remove: z.array(z.string().regex(REMOVABLE, 'must be a member that a sink can do without')).max(64).optional(),
      /** File with the key of pseudonyms, 32 bytes or more; with it agents have no names in this sink. */
      pseudonymKeyFile: Path.optional(),
    })
    .optional(),
  batchBytesMax: z.int().min(1_000).max(64_000_000).default(1_000_000),
};

const http = {
  url: z.string().max(2_048),
  /** File with one `name: value` a line, such as a token. Read anew for each request; only its owner may read it. */
  headersFile: Path.optional(),
  /** Certificates (PEM) that are trusted instead of the system's. */
  caFile: Path.optional(),
  gzip: z.boolean().default(true),
  timeoutMs: z.int().min(100).max(600_000).default(30_000),
};

const endpoint = {
  host: z.string().min(1).max(253),
  port: z.int().min(1).max(65_535),
  tls: z.strictObject({ caFile: Path.optional(), certFile: Path.optional(), keyFile: Path.optional() }).optional(),
  timeoutMs: z.int().min(100).max(600_000).default(30_000),
};

/** Where the entries of the log go. */
const Sink = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('file'),
    path: Path,
    rotateBytes: z.int().min(1_000).default(100_000_000),
    rotateMinutes: z.int().min(1).default(60),
    ...sink,
  }),
  z.strictObject({ kind: z.literal('stdout'), ...sink }),
  z.strictObject({ kind: z.literal('https'), ...http, ...sink }),
  z.strictObject({
    kind: z.literal('splunk-hec'),
    ...http,
    /** Whether the token has indexer acknowledgement; without it a 200 says that the event was understood, not that it is there. */
    indexerAck: z.boolean().default(true),
    index: z.string().max(256).optional(),
    ...sink,
  }),
  z.strictObject({ kind: z.literal('otlp'), ...http, ...sink }),
  z.strictObject({ kind: z.literal('syslog'), ...endpoint, ...sink }),
  z.strictObject({ kind: z.literal('relp'), ...endpoint, ...sink }),
]);

export const Siem = z.strictObject({ sinks: z.array(Sink).max(16).default([]) });
export type SinkDeclaration = Readonly<z.infer<typeof Sink>>;
