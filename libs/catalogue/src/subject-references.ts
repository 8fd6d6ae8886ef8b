import type { Json, JsonObject } from '#writ/contracts';
import type { DataSubjectDeclaration } from './tool-schema.js';

const NAMING_TYPES: readonly (Json | undefined)[] = ['string', 'integer'];

/**
 * What is wrong with the place where a tool names its data subject; undefined when every request that the schema lets through names
 * one there. An agent that could leave it out would choose which of its values an erasure finds.
 */
export function subjectProblem({ from }: DataSubjectDeclaration, schema: JsonObject): string | undefined {
  let at: Json | undefined = schema;
  for (const token of from.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    const { properties, required }: JsonObject = isObject(at) ? at : {};
    if (!isObject(properties) || !Object.hasOwn(properties, name)) {
      return `leads to \`${name}\`, which \`properties\` of the schema does not have there`;
    }
    if (!Array.isArray(required) || !required.includes(name)) return `leads to \`${name}\`, which is not \`required\``;
    at = properties[name];
  }
  const type = isObject(at) ? at['type'] : undefined;
  return NAMING_TYPES.includes(type) ? undefined : 'must lead to a member with `type: string` or `type: integer`';
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
