import { createHash } from 'node:crypto';
import {
  canonicalJson,
  type CommandBody,
  isOneQuery,
  type Json,
  type JsonObject,
  MemoryDeleteRequest,
  MemoryQueryRequest,
  MemoryWriteRequest,
  parse,
  type Predicate,
  QUERY_MESSAGE,
  searchOf,
} from '#writ/contracts';
import type { ActionRunner, CredentialUse, RunResult } from '#writ/execution';
import { Fault } from '#writ/faults';
import { evaluatePredicate } from '#writ/policy';
import { z } from 'zod';
import type { Embedder, EmbedOptions, Vector } from './embedder.js';
import type { MemoryScope, MemoryStore, NamespaceLimits, ScoredRecord, StoredRecord } from './memory-store.js';

/** The same as the default of a tool: an answer, its entry and its stored value must fit their messages. */
const OUTPUT_BYTES_MAX = 131_072;
const EVERY_RECORD: Predicate = { op: 'true' };

/** The arguments of commands are those of the requests, without what addresses a request. */
const QueryArgs = z
  .strictObject({
    text: MemoryQueryRequest.shape.text,
    vector: MemoryQueryRequest.shape.vector,
    ids: MemoryQueryRequest.shape.ids,
    search: MemoryQueryRequest.shape.search,
    k: MemoryQueryRequest.shape.k.unwrap(),
    where: MemoryQueryRequest.shape.where,
  })
  .refine(isOneQuery, QUERY_MESSAGE);
const WriteArgs = z.strictObject({ records: MemoryWriteRequest.shape.records });
const DeleteArgs = z.strictObject({ ids: MemoryDeleteRequest.shape.ids, where: MemoryDeleteRequest.shape.where });

/** What a query looks for, and within which bounds. */
interface Wanted extends Omit<z.infer<typeof QueryArgs>, 'where'> {
  readonly filter: Predicate;
}

interface MemoryRunnerOptions {
  readonly store: MemoryStore;
  readonly embedder: Embedder;
  readonly outputBytesMax?: number;
  /** What the configuration bounds in a namespace; nothing when absent. */
  readonly limitsOf?: (namespace: string) => NamespaceLimits;
}

/** What a run ends by, and who is told of credentials. */
type RunHooks = EmbedOptions & { readonly signal: AbortSignal };

/** Runs approved memory commands. The filter of a command reaches the store with the query, never after it. */
export class MemoryRunner implements ActionRunner {
  readonly #store: MemoryStore;
  readonly #embedder: Embedder;
  readonly #outputBytesMax: number;
  readonly #limitsOf: (namespace: string) => NamespaceLimits;

  constructor({ store, embedder, outputBytesMax = OUTPUT_BYTES_MAX, limitsOf = () => ({}) }: MemoryRunnerOptions) {
    this.#limitsOf = limitsOf;
    this.#store = store;
    this.#embedder = embedder;
    this.#outputBytesMax = outputBytesMax;
  }

  async run(command: CommandBody, signal: AbortSignal, onCredential: (use: CredentialUse) => void): Promise<RunResult> {
    const hooks = { signal, onCredential };
    switch (command.kind) {
      case 'memory.query':
        return this.#query(command, hooks);
      case 'memory.write':
        return this.#write(command, hooks);
      case 'memory.delete':
        return this.#delete(command, signal);
      case 'tool.call':
      case 'egress.fetch':
      case 'egress.connect':
        throw new Fault('COMMAND_MALFORMED', `\`${command.kind}\` is no memory operation`);
    }
  }

  async #query(command: CommandBody, hooks: RunHooks): Promise<RunResult> {
    const { where, ...args } = parse(QueryArgs, command.args, 'COMMAND_MALFORMED');
    const filter = filterOf(command, where);
    const records = await this.#find(command, { ...args, filter }, hooks);
    assertPermitted(records, filter);
    return this.#limited({ records: records.map(toOutput) });
  }

  async #find(command: CommandBody, { ids, text, vector, search, ...limits }: Wanted, hooks: RunHooks) {
    const scope = this.#scopeOf(command);
    if (ids !== undefined) return this.#store.get(scope, { ids, ...limits }, hooks.signal);
    const by = searchOf({ text, vector, search });
    if (by === 'text') return this.#store.query(scope, { text, ...limits }, hooks.signal);
    const near = vector ?? (await this.#embed([text ?? ''], hooks))[0] ?? [];
    return this.#store.query(scope, { vector: near, ...(by === 'hybrid' && { text }), ...limits }, hooks.signal);
  }

  async #write(command: CommandBody, hooks: RunHooks): Promise<RunResult> {
    const args = parse(WriteArgs, command.args, 'COMMAND_MALFORMED');
    const vectors = await this.#embed(
      args.records.map((record) => record.text),
      hooks,
    );
    // What policy marks the write with stands on its records: whoever reads them later is told, and policies can tell them apart.
    const marks = command.obligations.flatMap((each) => (each.type === 'label' ? each.labels : []));
    const records = args.records.map((record, index) => ({
      id: record.id ?? newRecordId(command, index),
      owner: command.agent,
      labels: [...record.labels, ...marks],
      text: record.text,
      data: record.data ?? {},
      source: record.source,
      vector: vectors[index] ?? [],
    }));
    const filter = command.filter ?? EVERY_RECORD;
    await this.#store.write(this.#scopeOf(command), { records, call: command.call, filter }, hooks.signal);
    return this.#limited({ ids: records.map((record) => record.id) });
  }

  async #delete(command: CommandBody, signal: AbortSignal): Promise<RunResult> {
    const { ids, where } = parse(DeleteArgs, command.args, 'COMMAND_MALFORMED');
    const deleted = await this.#store.delete(this.#scopeOf(command), { ids, filter: filterOf(command, where) }, signal);
    return this.#limited({ deleted });
  }

  /** One vector a text, each of the declared dimension: nothing else gets into the store. */
  async #embed(texts: readonly string[], hooks: RunHooks): Promise<readonly Vector[]> {
    const { vectors } = await this.#embedder.embed(texts, hooks);
    if (vectors.length !== texts.length) {
      throw new Fault(
        'EXECUTOR_EMBEDDER_FAILED',
        `the embedder gave ${vectors.length} vectors for ${texts.length} texts`,
      );
    }
    const wrong = vectors.find((vector) => vector.length !== this.#embedder.dimensions);
    if (wrong !== undefined) {
      throw new Fault(
        'EXECUTOR_DIMENSION_MISMATCH',
        `the embedder gave ${wrong.length} dimensions where ${this.#embedder.dimensions} are declared`,
      );
    }
    return vectors;
  }

  #scopeOf({ tenant, resource }: CommandBody): MemoryScope {
    return { ...this.#limitsOf(resource), tenant, namespace: resource };
  }

  #limited(output: JsonObject): RunResult {
    const bytes = Buffer.byteLength(JSON.stringify(output));
    if (bytes > this.#outputBytesMax) {
      throw new Fault(
        'EXECUTOR_OUTPUT_TOO_LARGE',
        `the answer has ${bytes} bytes; the limit is ${this.#outputBytesMax}; ask for fewer records`,
      );
    }
    return { output, bytes };
  }
}

/**
 * What the policies let through, and of that what the agent's own filter does. Reading and deleting without a filter would be reading
 * and deleting everything: no decision service asks for that.
 */
function filterOf({ kind, filter }: CommandBody, where: Predicate | undefined): Predicate {
  if (filter === undefined) throw new Fault('COMMAND_MALFORMED', `a \`${kind}\` command needs a filter`);
  return where === undefined ? filter : { op: 'and', args: [filter, where] };
}

/** A second opinion on every record that leaves, by the evaluator that policies are tested with. */
function assertPermitted(records: readonly StoredRecord[], filter: Predicate): void {
  if (records.every((record) => evaluatePredicate(filter, record))) return;
  throw new Fault(
    'EXECUTOR_STORE_FAILED',
    'the memory store returned a record that the filter excludes; nothing is answered',
  );
}

/** A record as an agent is given it, with where it comes from. `score` is there when something was scored. */
function toOutput(record: StoredRecord | ScoredRecord): JsonObject {
  const { id, owner, labels, text, data, source, call, writtenAt } = record;
  return {
    id,
    owner,
    labels,
    text,
    data,
    ...('score' in record ? { score: record.score } : {}),
    call,
    writtenAt,
    ...(source === undefined ? {} : { source }),
  };
}

/**
 * A UUID (version 8) that depends on the whole command: the same command delivered twice writes the same records, and nobody
 * can guess it, because the reply subject in the command is random.
 */
function newRecordId(command: CommandBody, index: number): string {
  const text = `writ-record/v1\n${index}\n${canonicalJson(command as unknown as Json)}`;
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
