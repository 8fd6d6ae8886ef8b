import { AgentName, JsonRecord, ResourceName, SubjectType } from '#writ/contracts';
import { z } from 'zod';
import { CredentialName, FILE_NAME, MEDIA_TYPE, Tls } from './schema-parts.js';

export const Milliseconds = z.int().min(1).max(600_000);

/** `sha256:` and the hash of the canonical form of the whole definition, as `writ tools import` writes it. */
const DefinitionHash = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hexadecimal digits');

/** A JSON Pointer to a member. */
const Pointer = z
  .string()
  .max(256)
  .regex(/^(\/([^/~]|~[01])+)+$/, 'must be a JSON Pointer such as /customerId');

/** Where a request names whom it is about: the type, and a JSON Pointer into the arguments of a tool or into a record. */
export const DataSubjectPlace = z.strictObject({
  type: SubjectType,
  from: Pointer,
});

/** The settings that every tool has, whatever runs it. */
const tool = {
  description: z.string().max(1024).optional(),
  /** JSON Schema of the arguments, an object schema. Arguments that it does not name are refused. */
  input: JsonRecord,
  timeoutMs: Milliseconds.default(10_000),
  idempotent: z.boolean().default(false),
  /** How often one call is tried again after a failure that passes, and how long the first pause is: it doubles each time. */
  retries: z
    .strictObject({ max: z.int().min(0).max(10).default(2), pauseMs: Milliseconds.max(60_000).default(200) })
    .prefault({}),
  outputBytesMax: z.int().min(1).max(262_144).default(131_072),
  /** A result over `outputBytesMax`: a failure, or its beginning with a note. */
  onOversize: z.enum(['error', 'cut']).default('error'),
  /** The tool asks a language model: where its answer says which one, and what the call took. */
  llm: z
    .strictObject({
      /** Whose prices count. */
      provider: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
      modelFrom: Pointer.default('/model'),
      usageFrom: Pointer.default('/usage'),
    })
    .optional(),
  /** How many calls run at once in one executor; twice as many wait. Absent: as many as are approved. */
  concurrency: z.int().min(1).max(128).optional(),
  /** Keeps calls from a service that does not answer. Absent: each call tries. */
  breaker: z
    .strictObject({ failures: z.int().min(1).max(100).default(5), pauseMs: Milliseconds.default(10_000) })
    .optional(),
  /** Whom a call is about: arguments and result are erased with that subject. Without it they are the agent's. */
  dataSubject: DataSubjectPlace.optional(),
};

/** What whoever wrote the definition says of the tool: for people who approve it. Absent: it does not say. */
const Hints = z.strictObject({
  readOnly: z.boolean().optional(),
  destructive: z.boolean().optional(),
  idempotent: z.boolean().optional(),
});

/** Where an imported tool comes from: what was approved, and what its author says of it. */
const imported = {
  /** Of the definition that was approved. Of an MCP tool, another one at the server disables it. */
  definition: DefinitionHash.optional(),
  hints: Hints.optional(),
};

const MediaType = z.string().max(128).regex(MEDIA_TYPE, 'must be a media type such as application/pdf');

/** What is said of a file beside its content: fixed, or by an argument. */
const FilePart = z.strictObject({
  name: z.string().max(255).regex(FILE_NAME, 'must be the name of a file, without a path').default('file'),
  /** The argument that says it instead. */
  nameFrom: z.string().min(1).optional(),
  mediaType: MediaType.default('application/octet-stream'),
  mediaTypeFrom: z.string().min(1).optional(),
});

export const HttpTool = z.strictObject({
  kind: z.literal('http'),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
  /** URL template: `{name}` is replaced by that argument, percent-encoded. The rest goes to the query (GET, DELETE) or the body. */
  url: z.string().min(1).max(2048),
  /** How arguments stand in the body: as one JSON object, URL-encoded, or as parts of `multipart/form-data`. */
  body: z.enum(['json', 'form', 'multipart']).default('json'),
  /** Arguments in base64 that are files of a multipart body. */
  files: z.record(z.string().min(1).max(128), FilePart).default({}),
  headers: z.record(z.string(), z.string()).default({}),
  credential: CredentialName.optional(),
  /** Declares that the URL may lie in a private or loopback network. */
  internal: z.boolean().default(false),
  ...imported,
  ...tool,
});

export const McpTool = z.strictObject({
  kind: z.literal('mcp'),
  server: CredentialName,
  /** The name that the server knows the tool by. */
  tool: z.string().min(1).max(128),
  /** What of the server's progress is told to an agent that asks: nothing, its numbers, or its texts as well. */
  progress: z.enum(['none', 'numbers', 'text']).default('numbers'),
  ...imported,
  ...tool,
});

/** A function that is part of Writ: `noop` answers null, `echo` answers its arguments. For first steps and for measuring. */
export const FunctionTool = z.strictObject({
  kind: z.literal('function'),
  function: z.enum(['noop', 'echo']),
  ...tool,
});

/** Whether programs run under bubblewrap: only so, so where it works, or not. */
export const Containment = z.enum(['required', 'preferred', 'none']);

/** What a program is started with, and what it may see and use where it is contained. */
const program = {
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  env: z.record(z.string(), z.string()).default({}),
  /** Absent: that of the configuration. */
  containment: Containment.optional(),
  /** Contained, it reaches the egress proxy and nothing else, as that agent. Absent: nothing. */
  egress: z.strictObject({ as: AgentName }).optional(),
  /** Paths that are there for it to read, and to write, relative to the configuration file. */
  read: z.array(z.string().min(1)).max(64).default([]),
  write: z.array(z.string().min(1)).max(64).default([]),
  memoryBytesMax: z.int().min(16_777_216).default(1_073_741_824),
  processesMax: z.int().min(1).max(4096).default(128),
};

/** A program of this machine, started for each call and never through a shell. What it writes to stdout is the output. */
export const CommandTool = z.strictObject({
  kind: z.literal('command'),
  ...program,
  /** `{{name}}`, as a whole element, is replaced by that argument. */
  args: z.array(z.string().max(4096)).max(256).default([]),
  /** `json`: the arguments as one JSON object. */
  stdin: z.enum(['none', 'json']).default('none'),
  stdout: z.enum(['text', 'json']).default('text'),
  ...tool,
});

export const Tool = z.discriminatedUnion('kind', [HttpTool, McpTool, FunctionTool, CommandTool]);

/** Refuses a tool of this server that has no `definition`. */
const requirePins = z.boolean().default(false);

/** An MCP server that is a program of this machine, started and spoken to over stdio. */
const McpProgram = z.strictObject({ ...program, requirePins });

/** An MCP server elsewhere, spoken to over Streamable HTTP. */
const McpRemote = z.strictObject({
  url: z.string().min(1).max(2048),
  credential: CredentialName.optional(),
  headers: z.record(z.string(), z.string()).default({}),
  /** Declares that the URL may lie in a private or loopback network. */
  internal: z.boolean().default(false),
  tls: Tls.optional(),
  requirePins,
});

export const McpServer = z.union([McpProgram, McpRemote]);

/** A file of tools beside the configuration, as `writ tools import` writes it. Nothing in it is replaced by the environment. */
export const ToolFile = z.strictObject({ version: z.literal(1), tools: z.record(ResourceName, Tool) });

export type ToolDeclaration = Readonly<z.infer<typeof Tool>>;
export type DataSubjectDeclaration = Readonly<z.infer<typeof DataSubjectPlace>>;
export type HttpToolDeclaration = Readonly<z.infer<typeof HttpTool>>;
export type McpToolDeclaration = Readonly<z.infer<typeof McpTool>>;
export type CommandToolDeclaration = Readonly<z.infer<typeof CommandTool>>;
export type McpServerDeclaration = Readonly<z.infer<typeof McpServer>>;
export type McpProgramDeclaration = Readonly<z.infer<typeof McpProgram>>;
export type McpRemoteDeclaration = Readonly<z.infer<typeof McpRemote>>;
