/** What a run of calls showed. */
export interface LoadResult {
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly calls: number;
}

/** Makes `calls` calls with `inFlight` of them at any time, and times each. */
export async function load(calls: number, inFlight: number, call: (n: number) => Promise<void>): Promise<LoadResult> {
  return loadWhile((n) => n < calls, inFlight, call);
}

/** Makes calls for that long, with `inFlight` of them at any time, and times each; those that have begun are waited for. */
export async function loadFor(ms: number, inFlight: number, call: () => Promise<void>): Promise<LoadResult> {
  const endMs = performance.now() + ms;
  return loadWhile(() => performance.now() < endMs, inFlight, call);
}

async function loadWhile(
  goesOn: (n: number) => boolean,
  inFlight: number,
  call: (n: number) => Promise<void>,
): Promise<LoadResult> {
  const took: number[] = [];
  let next = 0;
  let failure: Error | undefined;
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (goesOn(next)) {
        const n = next++;
        const beganMs = performance.now();
        await call(n).catch((cause: unknown) => {
          failure ??= new Error(`call ${n} failed`, { cause });
        });
        // The first failure ends the run, and whatever else fails then says nothing.
        if (failure !== undefined) return;
        took.push(performance.now() - beganMs);
      }
    }),
  );
  if (failure !== undefined) throw failure;
  const seconds = (performance.now() - startedMs) / 1000;
  took.sort((a, b) => a - b);
  const at = (share: number) =>
    Math.round((took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0) * 100) / 100;
  return { callsPerSecond: Math.round(took.length / seconds), p50Ms: at(0.5), p99Ms: at(0.99), calls: took.length };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
