/** What happens to the bus message that caused a fault. `none`: there is no message. */
export type Settlement = 'ack' | 'term' | 'retry' | 'none';
export type LogLevel = 'info' | 'warn' | 'error';

interface FaultRow {
  readonly settlement: Settlement;
  readonly log: LogLevel;
  /** Whether the sender is told the sentence, or the code alone. */
  readonly told: boolean;
  readonly means: string;
}

const input = (means: string): FaultRow => ({ settlement: 'term', log: 'warn', told: true, means });
const access = (means: string): FaultRow => ({ settlement: 'none', log: 'warn', told: true, means });
const command = (means: string): FaultRow => ({ settlement: 'term', log: 'error', told: false, means });
const policy = (means: string): FaultRow => ({ settlement: 'none', log: 'error', told: false, means });
const ledger = (means: string): FaultRow => ({ settlement: 'retry', log: 'error', told: false, means });
const executor = (means: string): FaultRow => ({ settlement: 'ack', log: 'info', told: true, means });
const config = (means: string): FaultRow => ({ settlement: 'none', log: 'error', told: true, means });

/** Every fault code of Writ. `docs/errors.md` is generated from this table; each code has a test that produces it. */
export const FAULTS = {
  INPUT_TOO_LARGE: input('the message is over the size limit'),
  INPUT_NOT_UTF8: input('the message is not well-formed UTF-8'),
  INPUT_NOT_JSON: input('the message is not JSON'),
  INPUT_DUPLICATE_KEY: input('an object has the same key twice'),
  INPUT_TOO_DEEP: input('the JSON nests deeper than 16 levels'),
  INPUT_UNSAFE_NUMBER: input('a number cannot be carried exactly'),
  INPUT_LONE_SURROGATE: input('a string holds half of a UTF-16 surrogate pair'),
  INPUT_RESERVED_KEY: input('a key is reserved: `__proto__`, `__entity` or `__extn`'),
  INPUT_INVALID: input('a field is missing, unknown or of the wrong type'),
  INPUT_UNKNOWN_OPERATION: input('the subject names no operation that Writ knows'),
  INPUT_UNKNOWN_AGENT: input('the agent is not registered, or was removed'),
  INPUT_IDENTITY_MISMATCH: input('the message claims an identity; identity is read from the subject alone'),
  INPUT_UNKNOWN_TOOL: input('no tool of that name is in the catalogue'),
  INPUT_UNKNOWN_NAMESPACE: input('no memory namespace of that name is in the catalogue'),
  INPUT_UNKNOWN_DESTINATION: input('no destination covers that URL'),
  INPUT_URL_REFUSED: input('the URL is not canonical, or not one that Writ dials'),
  INPUT_ARGUMENTS_INVALID: input('the arguments do not match the schema of the tool'),
  INPUT_CALL_ID_REUSED: input('the call id was used before with other arguments'),
  INPUT_UNKNOWN_CALL: input('no call with that id is on record for this agent'),
  INPUT_BAD_REPLY: input('the request has no reply subject that Writ may answer'),
  INPUT_BAD_NAME: input('a name has characters that names may not have'),
  BUSY: { settlement: 'term', log: 'warn', told: true, means: 'too many requests are in flight; try again' },
  RATE_LIMITED: {
    settlement: 'term',
    log: 'info',
    told: true,
    means: 'the agent has asked the destination as often as it may for now; try again later',
  },
  INTERNAL: { settlement: 'retry', log: 'error', told: false, means: 'a bug; the log has the details' },
  ACCESS_UNAUTHENTICATED: access('the request has no token of a client'),
  ACCESS_FORBIDDEN: access('the client may not ask that'),
  ACCESS_BAD_REQUEST: access('the request is not one that the access API takes'),
  PROXY_UNAUTHENTICATED: access('the request has neither the token nor the certificate of an agent'),
  PROXY_BAD_REQUEST: access('the request is not one that the egress proxy takes'),
  COMMAND_MALFORMED: command('the command is not one that Writ makes'),
  COMMAND_NOT_IN_LEDGER: command('the decision that the command points at is not in the ledger'),
  COMMAND_NOT_AUTHORISED: command('the entry that the command points at is not an allow by a decision service'),
  COMMAND_MISMATCH: command('the command differs from what was decided'),
  COMMAND_EXPIRED: command('the command was taken after its deadline'),
  COMMAND_REPLAYED: command('the command is a copy of one that was issued'),
  COMMAND_TOOL_CHANGED: command('the tool is not the one that was decided on'),
  COMMAND_BAD_REPLY: command('the command asks for an answer on a subject that is no reply route'),
  COMMAND_WRONG_POOL: command('the command is for another executor'),
  POLICY_PARSE: policy('a policy file cannot be parsed'),
  POLICY_INVALID: policy('a policy does not validate against the schema'),
  POLICY_UNSUPPORTED: policy('a policy uses something that Writ does not implement'),
  POLICY_LINT: policy('a policy breaks a rule of Writ'),
  POLICY_UNSIGNED: policy('the policies are not those of a manifest that an operator signed'),
  POLICY_DOWNGRADE: policy('the manifest is older than the policies in force'),
  // What an agent is told of all of these; the operator sees which it is.
  POLICY_UNAVAILABLE: {
    settlement: 'none',
    log: 'warn',
    told: false,
    means: 'no policies are in force where the agent is served, so nothing is decided; try again later',
  },
  POLICY_LOADER_FAILED: policy('the process that loads policies ended without a result'),
  POLICY_DIVERGENCE: policy('the evaluator and Cedar differ on a decision'),
  LEDGER_UNAVAILABLE: ledger('the record cannot be written now'),
  LEDGER_FULL: ledger('the ledger is full'),
  LEDGER_FENCED: ledger('another writer owns this producer'),
  LEDGER_OVERLOADED: ledger('too many entries wait to be written'),
  LEDGER_CORRUPT: ledger('the ledger does not verify'),
  LEDGER_INTEGRITY: ledger('the log contradicts what was signed before'),
  LEDGER_LOG_UNWRITABLE: ledger('the files of the log cannot be written'),
  LEDGER_VALUE_GONE: ledger('the value was erased, or is past its retention'),
  LEDGER_ENTRY_TOO_LARGE: ledger('one entry is over the size limit'),
  VAULT_TOKEN_INVALID: {
    settlement: 'none',
    log: 'warn',
    told: true,
    means: 'the token is none that this vault can open',
  },
  EXECUTOR_FAILED: executor('the action failed'),
  EXECUTOR_TIMEOUT: executor('the action took longer than its limit'),
  EXECUTOR_UNREACHABLE: executor('the service could not be reached'),
  EXECUTOR_BAD_ANSWER: executor('the service answered something that cannot be used'),
  EXECUTOR_ADDRESS_REFUSED: executor('the name resolves to an address that Writ does not dial'),
  EXECUTOR_REDIRECTED: executor('the service redirects; ask for the new address in a new request'),
  EXECUTOR_CREDENTIAL_REFUSED: executor('the credential is not available, or not for that origin'),
  EXECUTOR_OUTPUT_TOO_LARGE: executor('the answer is over the size limit'),
  EXECUTOR_REDACTION_FAILED: executor('the answer could not be redacted, so it is withheld'),
  EXECUTOR_BUSY: executor('too many calls of the tool run and wait'),
  EXECUTOR_CIRCUIT_OPEN: executor('the service behind the tool did not answer lately, so it is not asked for a while'),
  EXECUTOR_NOT_CONTAINED: executor('the tool may only run contained, and nothing can be contained where it would run'),
  EXECUTOR_TUNNEL_REFUSED: executor('what came first in the tunnel is no TLS for the host that was decided on'),
  EXECUTOR_EMBEDDER_FAILED: executor('the text could not be embedded'),
  EXECUTOR_DIMENSION_MISMATCH: executor('the vector has another dimension than the namespace'),
  EXECUTOR_QUOTA_EXCEEDED: executor('the agent has as many records as it may have there'),
  EXECUTOR_STORE_FAILED: executor('the memory store failed'),
  TOOL_DEFINITION_CHANGED: executor('the server offers another definition of the tool than the approved one'),
  CONFIG_INVALID: config('the configuration is wrong'),
  CONFIG_NATS_SERVER_MISSING: config('no nats-server was found and none could be fetched'),
  CONFIG_NATS_SERVER_OLD: config('the nats-server is older than the floor'),
  CONFIG_NATS_SERVER_UNSAFE: config('the nats-server configuration opens a door that Writ keeps shut'),
  CONFIG_PORT_IN_USE: config('a port is in use'),
  CONFIG_DATA_DIR: config('the data directory cannot be used'),
  CONFIG_DATA_DIR_LOCKED: config('another process uses the data directory'),
  CONFIG_DATA_DIR_CORRUPT: config('the data directory is damaged'),
  CONFIG_DATABASE_UNFIT: config('the PostgreSQL server is older than the floor, or its pgvector is, or it has none'),
  CONFIG_DATABASE_ROLE: config('row-level security does not bind the role by which the memory would be reached'),
  CONFIG_KEY: config('a key file is missing, damaged or readable by others'),
  CONFIG_NAME_TAKEN: config('the name is taken'),
  CONFIG_NOT_FOUND: config('the name is not known'),
  CONFIG_NOT_RUNNING: config('no Writ answers there'),
} as const satisfies Record<string, FaultRow>;

export type FaultCode = keyof typeof FAULTS;
