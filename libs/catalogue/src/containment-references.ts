import { normalize } from 'node:path';
import { programsOf } from './programs.js';
import type { WritConfig } from './schema.js';
import type { CommandToolDeclaration, McpProgramDeclaration } from './tool-schema.js';
import type { FaultAt } from './yaml-source.js';

/** What the bridge to the egress proxy takes of the limits that it shares with the program. */
const EGRESS_MEMORY_BYTES_MIN = 268_435_456;
const EGRESS_PROCESSES_MIN = 32;

/** Refuses programs that ask for less than what holds for all, for what they could replace by a link, or for a way out that is not there. */
export function checkContainment(config: WritConfig, faultAt: FaultAt): void {
  for (const { path, declaration } of programsOf(config)) {
    const { containment, read, write } = declaration;
    if (config.containment === 'required' && containment !== undefined && containment !== 'required')
      throw faultAt([...path, 'containment'], 'must not be weaker than `containment: required` of the configuration');
    const twice = [...read, ...write].find((each) =>
      write.some((other) => each !== other && normalize(each).startsWith(`${normalize(other)}/`)),
    );
    if (twice !== undefined) throw faultAt([...path, 'read'], 'has a path below one that the program may write to');
    checkEgress(config, declaration, (field, problem) => faultAt([...path, ...field], problem));
  }
}

function checkEgress(
  { agents, egressProxy, containment: usual }: WritConfig,
  { egress, containment = usual, memoryBytesMax, processesMax }: CommandToolDeclaration | McpProgramDeclaration,
  fault: (field: readonly string[], problem: string) => Error,
): void {
  if (egress === undefined) return;
  if (egressProxy === undefined) throw fault(['egress'], 'leads to the egress proxy, and there is no `egressProxy`');
  if (!Object.hasOwn(agents, egress.as))
    throw fault(['egress', 'as'], `no agent \`${egress.as}\` is declared under \`agents\``);
  if (containment === 'none')
    throw fault(['egress'], 'is the only way out of a sandbox, and `containment: none` is none');
  if (memoryBytesMax < EGRESS_MEMORY_BYTES_MIN)
    throw fault(['memoryBytesMax'], `must be at least ${EGRESS_MEMORY_BYTES_MIN} with \`egress\``);
  if (processesMax < EGRESS_PROCESSES_MIN)
    throw fault(['processesMax'], `must be at least ${EGRESS_PROCESSES_MIN} with \`egress\``);
}
