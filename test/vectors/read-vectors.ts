import { existsSync, readFileSync } from 'node:fs';

/** A conformance file that is not part of this repository; undefined when it is absent, and then the tests over it are skipped. */
export function readVectors<T>(name: string): T | undefined {
  const file = new URL(`../../../shared/benchmarks/conformance/${name}`, import.meta.url);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined;
}
