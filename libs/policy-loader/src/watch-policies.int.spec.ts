import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fault } from '#writ/faults';
import { generateSchema } from '#writ/policy';
import { loadPolicies } from './load-policies.js';
import { watchPolicies } from './watch-policies.js';

const schema = generateSchema({ agents: [], tools: [], namespaces: [], destinations: [] });
const policy = (id: string): string => `@id("${id}") permit (principal == Agent::"a", action, resource);`;

describe('watchPolicies', () => {
  it('gives each new bundle, and tells a bad change without giving up the good one', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'writ-watch-'));
    const file = join(directory, 'a.cedar');
    await writeFile(file, policy('one'));
    const options = { directory, schema };
    const stop = new AbortController();
    const events: string[] = [];
    let announce = (): void => undefined;
    const happened = (): Promise<void> => new Promise((resolve) => (announce = resolve));
    const record = (event: string): void => {
      events.push(event);
      announce();
    };
    const watching = watchPolicies(
      {
        ...options,
        current: (await loadPolicies(options)).hash,
        intervalMs: 10,
        onBundle: (bundle) => record(bundle.policies.map(({ id }) => id).join()),
        onRejected: (fault: Fault) => record(fault.code),
      },
      stop.signal,
    );
    for (const text of ['permit (', policy('two'), policy('three')]) {
      const next = happened();
      await writeFile(file, text);
      await next;
    }
    expect(events).toEqual(['POLICY_PARSE', 'two', 'three']);
    stop.abort();
    await watching;
    await rm(directory, { recursive: true });
  }, 30_000);
});
