import { AgentName, JsonRecord, LedgerName, ResourceName, TENANT } from '#writ/contracts';
import { z } from 'zod';
import { Credential } from './credential-schema.js';
import { Secrets } from './provider-schema.js';
import { EgressProxy } from './egress-proxy-schema.js';
import { CredentialName, Origin, Tls } from './schema-parts.js';
import { Siem } from './siem-schema.js';
import { Containment, DataSubjectPlace, McpServer, Milliseconds, Tool } from './tool-schema.js';

/** What a request may have, beyond where it goes. Absent is not limited. */
const RequestRules = z.strictObject({
  /** Of the body, in UTF-8. */
  bodyBytesMax: z.int().min(0).max(49_152).optional(),
  mediaTypes: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/))
    .max(32)
    .optional(),
  /** Names of headers that an agent may set, in lower case. */
  headers: z
    .array(z.string().regex(/^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/))
    .max(64)
    .optional(),
  /** JSON Schema of a body, an object schema, closed as that of a tool is. Only where JSON is the one media type. */
  schema: JsonRecord.optional(),
});

/** Requests to a destination that are allowed to one agent in any stretch of that length. */
const RateLimit = z.strictObject({
  requests: z.int().min(1).max(10_000),
  /** At most a day: so much of the ledger is always there to count again from. */
  perSeconds: z.int().min(1).max(86_400),
});

export const Destination = z.strictObject({
  origin: Origin,
  methods: z.array(z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])).default(['GET']),
  /** Path prefixes that may be asked for. */
  paths: z.array(z.string().startsWith('/')).default(['/']),
  credential: CredentialName.optional(),
  internal: z.boolean().default(false),
  timeoutMs: Milliseconds.default(10_000),
  responseBytesMax: z.int().min(1).max(262_144).default(131_072),
  request: RequestRules.optional(),
  rateLimit: RateLimit.optional(),
  tls: Tls.optional(),
  /** HTTP/2 is offered to the server, which may still choose HTTP/1.1. */
  http2: z.boolean().default(false),
  /** Lets the egress proxy carry tunnels there: what is said in one is not seen, so methods, paths and credentials do not hold in it. */
  tunnel: z
    .strictObject({
      /** For both ways together. */
      bytesMax: z.int().min(1).max(10_000_000_000).default(100_000_000),
      ageMsMax: Milliseconds.default(600_000),
    })
    .optional(),
});

export const Namespace = z.strictObject({
  description: z.string().optional(),
  /** Whom a written record is about. The records of one request are about one subject. */
  dataSubject: DataSubjectPlace.optional(),
  /** A record that was written longer ago is not there any more. At most ten years. */
  ttlSeconds: z.int().min(1).max(315_360_000).optional(),
  /** How many records one agent may have there. */
  recordsPerAgentMax: z.int().min(1).max(10_000_000).optional(),
});

export const Embedder = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('hashing'), dimensions: z.int().min(8).max(4096).default(1024) }),
  /** Word vectors in a local text file, relative to the configuration. */
  z.strictObject({ kind: z.literal('words'), file: z.string().min(1) }),
  z.strictObject({
    kind: z.literal('openai'),
    url: z.string(),
    model: z.string(),
    dimensions: z.int().min(8).max(4096),
    credential: CredentialName.optional(),
    internal: z.boolean().default(false),
  }),
]);

const Dollars = z.number().min(0).max(1_000_000);

const LlmPrice = z.strictObject({
  input: Dollars,
  output: Dollars,
  /** Of tokens that were cached. Absent: as `input`. */
  cached: Dollars.optional(),
});

const Word = z.string().min(1).max(128);

/** The AuthZEN Authorization API for enforcement points outside of Writ. Absent: nothing listens. */
export const AuthZen = z.strictObject({
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      /** Of the first decision service; the next one takes the next port. */
      port: z.int().min(0).max(65_535).default(4290),
    })
    .prefault({}),
  /** The address that enforcement points know, when it is not the one that is listened on. */
  publicUrl: Origin.optional(),
  clients: z
    .record(CredentialName, z.strictObject({ rights: z.array(z.enum(['evaluate', 'explain'])).default(['evaluate']) }))
    .refine((clients) => Object.keys(clients).length > 0, 'name at least one client'),
  requestsInFlightMax: z.int().min(1).max(1_000).default(64),
  /** Subjects of other systems, by type and id, and the agents that they are. */
  subjects: z.array(z.strictObject({ type: Word, id: z.string().min(1).max(256), agent: AgentName })).default([]),
  /** Actions of other systems, and the tools that they are; each argument is found by a JSON Pointer into the request. */
  actions: z
    .array(
      z.strictObject({
        action: Word,
        resource: Word,
        tool: ResourceName,
        args: z.record(z.string(), z.string().regex(/^\/(subject|action|resource|context)(\/[^/]*)+$/)).default({}),
      }),
    )
    .default([]),
});

/** Somebody else who watches that the ledger has one history: a C2SP witness. */
export const Witness = z.strictObject({
  /** As in the vkey. */
  name: z.string().min(1).max(256),
  /** What `writ witness init` printed for whoever runs the ledger. */
  vkey: z.string().min(1).max(512),
  /** Where its `add-checkpoint` is: `http` or `https`, without a query. */
  url: z
    .string()
    .max(2048)
    .regex(/^https?:\/\/[^/?#@\s]+(\/[^?#\s]*)?$/, 'must be a URL such as https://witness.example/w1'),
});

export const WritConfig = z.strictObject({
  version: z.literal(1),
  /** Name of the ledger, the origin of its checkpoints: `<deployment>/<tenant>/<shard>`. */
  ledger: LedgerName,
  tenant: AgentName.default(TENANT),
  /** Folder of the policies, relative to the configuration file. */
  policies: z.string().default('policies'),
  /** Folder of policies that only oblige, relative to the configuration file; none when it is not given. */
  obligations: z.string().optional(),
  /** File of rules for the detector `rule-file`, in the format of gitleaks, relative to the configuration file. */
  redactionRules: z.string().min(1).optional(),
  /** Folder of the `*.tools.yaml` files, relative to the configuration file. It need not exist. */
  toolFolder: z.string().min(1).default('tools'),
  /** `files`: what loads is in force. `manifest`: only what an operator published with `writ policy publish`. */
  policyActivation: z.enum(['files', 'manifest']).default('files'),
  listen: z
    .strictObject({ host: z.string().default('127.0.0.1'), port: z.int().min(0).max(65_535).default(4222) })
    .prefault({}),
  shards: z.int().min(1).max(64).default(1),
  /** How many processes `writ up` starts of each service; the second decision service and the second sealer are standbys. */
  instances: z
    .strictObject({
      policyDecision: z.int().min(1).max(4).default(1),
      executors: z.int().min(1).max(4).default(1),
      ledger: z.int().min(1).max(4).default(1),
    })
    .prefault({}),
  /** Whether MCP servers and local commands run contained; each may ask for more or, unless it is `required`, for less. */
  containment: Containment.default('preferred'),
  agents: z.record(AgentName, z.strictObject({ teams: z.array(AgentName).default([]) })).default({}),
  tools: z.record(ResourceName, Tool).default({}),
  mcpServers: z.record(CredentialName, McpServer).default({}),
  namespaces: z.record(ResourceName, Namespace).default({}),
  destinations: z.record(ResourceName, Destination).default({}),
  credentials: z.record(CredentialName, Credential).default({}),
  secrets: Secrets.prefault({}),
  memory: z
    .strictObject({
      /** Absent: an embedded PostgreSQL in the data directory. */
      postgresUrl: z.string().startsWith('postgres').optional(),
      embedder: Embedder.prefault({ kind: 'hashing' }),
    })
    .prefault({}),
  policy: z
    .strictObject({
      /** One decision in this many is decided again by Cedar itself, off the path of the call; 0 is never. */
      shadow: z.strictObject({ oneIn: z.int().min(0).max(1_000_000_000).default(1_000) }).prefault({}),
    })
    .prefault({}),
  authzen: AuthZen.optional(),
  egressProxy: EgressProxy.optional(),
  /** Who cosigns checkpoints. They are part of the trust bundle, so a change of them takes the root key. */
  witnesses: z.array(Witness).max(64).default([]),
  /** How many of the witnesses must have cosigned a checkpoint. Absent: all of them. */
  witnessQuorum: z.int().min(1).max(64).optional(),
  /** Where the entries of the log are exported to. */
  siem: Siem.prefault({}),
  /** How long the oldest of the ledger stays where. Nothing is removed that is not sealed, verified and carried over. */
  retention: z
    .strictObject({
      /** In the LEDGER stream: what is decided from, explained and replayed without the log. */
      streamDays: z.int().min(2).max(3650).default(92),
      /** Beyond this size the stream loses its oldest messages sooner, if they are older than two days. Absent: half of `ledgerBytesMax`. */
      streamBytesMax: z.int().min(1_000_000).optional(),
      /** In the log: entries and the block index. Absent: for ever. Hash tiles and checkpoints always stay. */
      logDays: z.int().min(30).max(36_500).optional(),
    })
    .prefault({}),
  /** `<provider>/<model>`, as its answers name it: US dollars for a million tokens. They count before the table that Writ has. */
  llmPrices: z.record(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}\/[\x21-\x7e]{1,128}$/), LlmPrice).default({}),
  limits: z
    .strictObject({
      /** Well below the time for which COMMANDS remembers what it took. */
      takeWithinMs: z.int().min(1).max(60_000).default(5_000),
      ledgerBytesMax: z.int().min(1_000_000).default(10_000_000_000),
      payloadBytesMax: z.int().min(1_000_000).default(10_000_000_000),
      payloadDays: z.int().min(1).max(3650).default(30),
      requestsInFlightMax: z.int().min(1).default(512),
    })
    .prefault({}),
});

export type WritConfig = Readonly<z.infer<typeof WritConfig>>;
export type NamespaceDeclaration = Readonly<z.infer<typeof Namespace>>;
export type DestinationDeclaration = Readonly<z.infer<typeof Destination>>;
export type RateLimit = Readonly<z.infer<typeof RateLimit>>;
export type AuthZenDeclaration = Readonly<z.infer<typeof AuthZen>>;
export type EmbedderDeclaration = Readonly<z.infer<typeof Embedder>>;
export type LlmPrices = WritConfig['llmPrices'];
