import cedar from '@cedar-policy/cedar-wasm/nodejs';
import { type Answer } from './floor.js';
import type { WorkloadRequest } from './workload.js';

/** What the child is asked: to take policies once, then to decide requests, each with the few entities that matter to it. */
export type CedarTask =
  | { readonly policies: Readonly<Record<string, unknown>> }
  | { readonly requests: readonly (WorkloadRequest & { readonly entities: readonly unknown[] })[] };

export interface CedarResult {
  readonly answers: readonly Answer[];
  readonly cpuMs: number;
}

// cedar-wasm can abort its process, so it never runs in the one that measures.
process.on('message', (task: CedarTask) => {
  const result = 'policies' in task ? takePolicies(task.policies) : decideAll(task.requests);
  process.send?.(result);
});

function takePolicies(policies: Readonly<Record<string, unknown>>): CedarResult {
  const before = process.cpuUsage();
  const parsed = cedar.preparsePolicySet('bench', { staticPolicies: policies as never });
  if (parsed.type === 'failure') throw new Error(parsed.errors.map(({ message }) => message).join('; '));
  return { answers: [], cpuMs: cpuMsSince(before) };
}

function decideAll(requests: Extract<CedarTask, { requests: unknown }>['requests']): CedarResult {
  const before = process.cpuUsage();
  const answers = requests.map((request): Answer => {
    const answer = cedar.statefulIsAuthorized({ ...request, preparsedPolicySetId: 'bench' } as never);
    if (answer.type === 'failure') throw new Error(answer.errors.map(({ message }) => message).join('; '));
    const { decision, diagnostics } = answer.response;
    return { effect: decision === 'allow' ? 'permit' : 'forbid', determining: diagnostics.reason };
  });
  return { answers, cpuMs: cpuMsSince(before) };
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
