import type { EmbedderDeclaration } from '#writ/catalogue';
import { parse } from '#writ/contracts';
import type { CredentialBroker, LeasedCredential } from '#writ/credentials';
import { Fault } from '#writ/faults';
import { type OutboundAnswer, type Resolver, sendOutbound } from '#writ/outbound';
import { z } from 'zod';
import type { Embedded, Embedder, EmbedOptions, Vector } from './embedder.js';

const TIMEOUT_MS = 30_000;
/** A number of an answer with its comma takes some 20 bytes; the rest is for names and spaces. */
const BYTES_PER_NUMBER = 32;
const BYTES_PER_ANSWER = 65_536;

/** The answer of an OpenAI-compatible `/v1/embeddings`; members that Writ does not use are ignored. */
const EmbeddingsAnswer = z.object({
  data: z.array(z.object({ index: z.int().min(0), embedding: z.array(z.number()) })),
});

export type OpenAiDeclaration = Extract<EmbedderDeclaration, { kind: 'openai' }>;

interface OpenAiEmbedderOptions {
  readonly declaration: OpenAiDeclaration;
  readonly credentials: CredentialBroker;
  readonly resolve?: Resolver | undefined;
  readonly timeoutMs?: number;
}

/** Embeds by an OpenAI-compatible endpoint, through the same outbound rules as everything that Writ sends. */
export class OpenAiEmbedder implements Embedder {
  readonly id: string;
  readonly dimensions: number;
  readonly #url: URL;

  constructor(private readonly options: OpenAiEmbedderOptions) {
    const { url, model, dimensions } = options.declaration;
    if (!URL.canParse(url)) throw new Fault('CONFIG_INVALID', 'the `url` of the embedder is not a URL');
    this.#url = new URL(url);
    this.id = `openai-${model}-${dimensions}`;
    this.dimensions = dimensions;
  }

  async embed(texts: readonly string[], options: EmbedOptions = {}): Promise<Embedded> {
    try {
      const name = this.options.declaration.credential;
      const use = { signal: options.signal, onCredentialSent: options.onCredential };
      const lease = name === undefined ? undefined : await this.options.credentials.lease(name, this.#url.origin, use);
      const answer = await this.#ask(texts, lease, options);
      return { vectors: readVectors(answer, texts.length, this.dimensions) };
    } catch (error) {
      if (options.signal?.aborted === true)
        throw new Fault('EXECUTOR_TIMEOUT', 'embedding was stopped', { cause: error });
      if (error instanceof Fault && error.code === 'EXECUTOR_DIMENSION_MISMATCH') throw error;
      // Where the texts go is the operator's matter: the agent is told that it failed, the log why.
      throw new Fault('EXECUTOR_EMBEDDER_FAILED', 'the text could not be embedded', { cause: error });
    }
  }

  #ask(
    texts: readonly string[],
    lease: LeasedCredential | undefined,
    { signal, onCredential }: EmbedOptions,
  ): Promise<OutboundAnswer> {
    const { model, internal } = this.options.declaration;
    return sendOutbound({
      url: this.#url.href,
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ model, input: texts, encoding_format: 'float' }),
      internal,
      timeoutMs: this.options.timeoutMs ?? TIMEOUT_MS,
      responseBytesMax: BYTES_PER_ANSWER + texts.length * this.dimensions * BYTES_PER_NUMBER,
      signal,
      credential: lease,
      onCredentialSent: onCredential,
      resolve: this.options.resolve,
    });
  }
}

function readVectors({ status, body }: OutboundAnswer, count: number, dimensions: number): Vector[] {
  if (status !== 200) throw new Error(`the embedding service answered with status ${status}`);
  const { data } = parse(EmbeddingsAnswer, JSON.parse(body.toString('utf8')), 'EXECUTOR_BAD_ANSWER');
  const byIndex = new Map(data.map(({ index, embedding }) => [index, embedding]));
  return Array.from({ length: count }, (_, index) => {
    const vector = byIndex.get(index);
    if (vector === undefined) throw new Error(`the embedding service left out text ${index}`);
    if (vector.length !== dimensions) {
      throw new Fault(
        'EXECUTOR_DIMENSION_MISMATCH',
        `the embedder gave ${vector.length} dimensions where ${dimensions} are declared`,
      );
    }
    return vector;
  });
}
