import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Entity, EntityUid, PolicyBundle } from '#writ/policy';
import type { CedarResult, CedarTask } from './cedar-child.js';
import type { WorkloadRequest } from './workload.js';

/** Cedar's own evaluator, in a process of its own, holding the policy set between calls. */
export class CedarEngine implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended = new AbortController();
  readonly #entities: ReadonlyMap<string, Entity>;

  private constructor(entities: readonly Entity[]) {
    // Without the flag a call that grows its memory ends the process.
    const execArgv = ['--no-turbo-inline-js-wasm-calls'];
    this.#child = fork(fileURLToPath(new URL('cedar-child.js', import.meta.url)), { execArgv });
    this.#child.once('exit', (code) => this.#ended.abort(new Error(`the process of cedar-wasm ended with ${code}`)));
    this.#entities = new Map(entities.map((entity) => [keyOf(entity.uid), entity]));
  }

  static async start(bundle: PolicyBundle, entities: readonly Entity[]): Promise<CedarEngine> {
    const engine = new CedarEngine(entities);
    await engine.#ask({ policies: Object.fromEntries(bundle.policies.map(({ id, est }) => [id, est])) });
    return engine;
  }

  decide(requests: readonly WorkloadRequest[]): Promise<CedarResult> {
    return this.#ask({
      requests: requests.map((request) => ({
        ...request,
        entities: [...this.#withParents(request.principal), ...this.#withParents(request.resource)],
      })),
    });
  }

  #withParents(uid: EntityUid): readonly Entity[] {
    const entity = this.#entities.get(keyOf(uid));
    return entity === undefined ? [] : [entity, ...entity.parents.flatMap((parent) => this.#withParents(parent))];
  }

  async #ask(task: CedarTask): Promise<CedarResult> {
    this.#child.send(task);
    const [result] = (await once(this.#child, 'message', { signal: this.#ended.signal })) as [CedarResult];
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
  }
}

const keyOf = ({ type, id }: EntityUid): string => `${type} ${id}`;
