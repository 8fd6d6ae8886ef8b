import { inputTypeOf, untypedArgumentsOf } from './input-type.js';
import { MEMORY_ACTIONS, type PolicyModel } from './model.js';
import type { InputType, UntypedArgument } from './read-input-type.js';

/** What `context.input` is for the actions that are not tools. */
const INPUT_TYPES = {
  query: '{ "k": Long, "text"?: String }',
  write: '{ "records": Long }',
  delete: '{ "count": Long }',
  fetch: '{ "url": String, "host": String, "path": String, "method": String, "port": Long }',
  connect: '{ "host": String, "port": Long }',
} as const;

/**
 * The Cedar schema of the model: every policy is validated against it, strictly. Memory actions are decided record by
 * record, so their resource is a Record, also for `write`; `resource in Namespace::"…"` says which namespace.
 */
export function generateSchema(model: PolicyModel): string {
  return [
    'entity Team;',
    'entity Agent in [Team] { "name": String };',
    'entity Tool { "idempotent": Bool, "kind": String };',
    'entity Namespace;',
    'entity Record in [Namespace] { "id": String, "owner": String, "labels": Set<String> };',
    'entity Host { "internal": Bool, "scheme": String };',
    '// Facts that Writ alone writes. Hour and weekday (0 is Sunday) are UTC; `now` has milliseconds.',
    'type Session = { "callsToday": Long };',
    'type Time = { "unix": Long, "hour": Long, "weekday": Long, "now": datetime };',
    'action "call", "memory";',
    ...model.tools.map(({ name, input }) => action(name, 'call', 'Tool', typeText(inputTypeOf(input)))),
    ...MEMORY_ACTIONS.map((name) => action(name, 'memory', 'Record', INPUT_TYPES[name])),
    action('fetch', undefined, 'Host', INPUT_TYPES.fetch),
    action('connect', undefined, 'Host', INPUT_TYPES.connect),
    '',
  ].join('\n');
}

/** An argument of a tool that policies cannot read. */
export interface UntypedToolArgument extends UntypedArgument {
  readonly tool: string;
}

/** What the schema leaves out of the tools' arguments, so that whoever reads it in a policy is told why. */
export function untypedArguments({ tools }: PolicyModel): readonly UntypedToolArgument[] {
  return tools.flatMap(({ name, input }) => untypedArgumentsOf(input).map((argument) => ({ tool: name, ...argument })));
}

function action(name: string, group: string | undefined, resource: string, input: string): string {
  const within = group === undefined ? '' : ` in [${quote(group)}]`;
  const context = `{ "input": ${input}, "session": Session, "time": Time }`;
  return `action ${quote(name)}${within} appliesTo { principal: [Agent], resource: [${resource}], context: ${context} };`;
}

function typeText(type: InputType): string {
  switch (type.kind) {
    case 'String':
    case 'Long':
    case 'Bool':
    case 'ipaddr':
    case 'datetime':
    case 'decimal':
    case 'duration':
      return type.kind;
    case 'Set':
      return `Set<${typeText(type.element)}>`;
    case 'Record': {
      const members = [...type.members].map(([name, member]) => {
        return `${quote(name)}${member.isRequired ? '' : '?'}: ${typeText(member.type)}`;
      });
      return `{ ${members.join(', ')} }`;
    }
  }
}

/** A Cedar string. Names of arguments come from tools' schemas, so they may hold anything. */
function quote(text: string): string {
  const escaped = text.replace(/["\\\p{C}\p{Z}]/gu, (character) => {
    if (character === ' ') return character;
    if (character === '"' || character === '\\') return `\\${character}`;
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
  return `"${escaped}"`;
}
