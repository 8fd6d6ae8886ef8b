import type { Catalogue } from '#writ/catalogue';
import { CredentialBroker, processSources } from '#writ/credentials';
import { deploymentPaths } from '#writ/deployment';
import type { Executor, ServiceContext } from '#writ/service-host';
import type { Embedder } from './embedder.js';
import { HashingEmbedder } from './hashing-embedder.js';
import { MemoryRunner } from './memory-runner.js';
import { OpenAiEmbedder } from './openai-embedder.js';
import { PgliteDatabase } from './pglite-database.js';
import { PostgresDatabase } from './postgres-database.js';
import { SqlMemoryStore } from './sql-memory-store.js';

/** Wires the memory executor: an embedder, and PostgreSQL by URL or embedded in the data directory. */
export async function memoryExecutor({ catalogue, settings }: ServiceContext): Promise<Executor> {
  const { postgresUrl } = catalogue.config.memory;
  const embedder = embedderOf(catalogue);
  const database =
    postgresUrl === undefined
      ? await PgliteDatabase.open(deploymentPaths(settings.WRIT_DATA).memoryDir)
      : await PostgresDatabase.open(postgresUrl);
  const store = await SqlMemoryStore.open(database, embedder);
  return {
    kind: 'memory',
    runner: new MemoryRunner({ store, embedder }),
    isReady: () => true,
    close: () => store.close(),
  };
}

function embedderOf({
  config: {
    memory: { embedder },
    credentials,
  },
  baseDirectory,
}: Catalogue): Embedder {
  switch (embedder.kind) {
    case 'hashing':
      return new HashingEmbedder(embedder.dimensions);
    case 'openai':
      return new OpenAiEmbedder({
        declaration: embedder,
        credentials: new CredentialBroker(credentials, processSources(baseDirectory)),
      });
  }
}
