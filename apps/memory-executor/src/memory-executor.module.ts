import { resolve } from 'node:path';
import type { Catalogue } from '#writ/catalogue';
import { openBroker } from '#writ/credentials';
import { deploymentPaths } from '#writ/deployment';
import { sendOutbound } from '#writ/outbound';
import type { Executor, ServiceContext } from '#writ/service-host';
import type { Embedder } from './embedder.js';
import { HashingEmbedder } from './hashing-embedder.js';
import { MemoryRunner } from './memory-runner.js';
import type { NamespaceLimits } from './memory-store.js';
import { OpenAiEmbedder } from './openai-embedder.js';
import { PgliteDatabase } from './pglite-database.js';
import { PostgresDatabase } from './postgres-database.js';
import { SqlMemoryStore } from './sql-memory-store.js';
import { sweepExpired } from './sweep-expired.js';
import { WordEmbedder } from './word-embedder.js';
import { readWordVectors } from './word-vectors.js';

/** Wires the memory executor: an embedder, and PostgreSQL by URL or embedded in the data directory. */
export async function memoryExecutor({ catalogue, settings, log }: ServiceContext): Promise<Executor> {
  const { postgresUrl } = catalogue.config.memory;
  const embedder = await embedderOf(catalogue, settings.WRIT_DATA);
  const database =
    postgresUrl === undefined
      ? await PgliteDatabase.open(deploymentPaths(settings.WRIT_DATA).memoryDir)
      : await PostgresDatabase.open(postgresUrl);
  const store = await SqlMemoryStore.open(database, embedder);
  const { tenant } = catalogue.config;
  const limitsOf = (name: string): NamespaceLimits => catalogue.namespaces.get(name)?.declaration ?? {};
  const expiring = [...catalogue.namespaces.keys()].filter((name) => limitsOf(name).ttlSeconds !== undefined);
  const stopSweeping = sweepExpired(
    store,
    expiring.map((namespace) => ({ tenant, namespace, ttlSeconds: limitsOf(namespace).ttlSeconds })),
    { warn: (fields, message) => log.warn(fields, message) },
  );
  return {
    kind: 'memory',
    runner: new MemoryRunner({ store, embedder, limitsOf }),
    isReady: () => true,
    close: async () => {
      await stopSweeping();
      await store.close();
    },
  };
}

async function embedderOf(catalogue: Catalogue, dataDir: string): Promise<Embedder> {
  const { embedder } = catalogue.config.memory;
  switch (embedder.kind) {
    case 'hashing':
      return new HashingEmbedder(embedder.dimensions);
    case 'words':
      return new WordEmbedder(await readWordVectors(resolve(catalogue.baseDirectory, embedder.file)));
    case 'openai':
      return new OpenAiEmbedder({
        declaration: embedder,
        credentials: openBroker(catalogue, { dataDir, send: sendOutbound }),
      });
  }
}
