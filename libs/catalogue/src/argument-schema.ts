import type { JsonObject } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { CEDAR_TYPE } from '#writ/policy';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import ajvFormats, { type FormatName } from 'ajv-formats';
import { closeSchema, SchemaProblem } from './closed-schema.js';

/** The compiled schema of a tool's arguments. */
export interface ArgumentSchema {
  /** The schema after closing: what is validated, and what policies are typed by. */
  readonly schema: JsonObject;
  /** Throws INPUT_ARGUMENTS_INVALID with the path and the rule, never the value. Nothing is coerced and no default is filled in. */
  validate(args: JsonObject): void;
}

const FORMATS: FormatName[] = [
  'date',
  'time',
  'date-time',
  'duration',
  'uri',
  'uri-reference',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uuid',
];
const NAME_SHOWN_MAX = 64;

/** Closes and compiles a JSON Schema. Throws SchemaProblem when the schema is not one that Writ takes. */
export function compileArguments(input: JsonObject): ArgumentSchema {
  const schema = closeSchema(input);
  const validator = compile(schema);
  return {
    schema,
    validate: (args) => {
      if (validator(args)) return;
      const [error] = validator.errors ?? [];
      throw new Fault('INPUT_ARGUMENTS_INVALID', error === undefined ? 'the arguments are invalid' : ruleOf(error));
    },
  };
}

function compile(schema: JsonObject): ValidateFunction {
  // One instance for each schema: definitions of one tool can never resolve a reference of another.
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, logger: false, messages: true });
  ajvFormats.default(ajv, FORMATS);
  // Values of these types are read, and refused, where the question to the policies is made: once, and no list without a bound.
  ajv.addKeyword({ keyword: CEDAR_TYPE, schemaType: 'string' });
  try {
    return ajv.compile(schema);
  } catch (error) {
    throw new SchemaProblem([], error instanceof Error ? error.message : 'cannot be compiled');
  }
}

function ruleOf(error: ErrorObject): string {
  const place = error.instancePath === '' ? 'the arguments' : `\`${error.instancePath}\``;
  const extra = (error.params as { additionalProperty?: unknown }).additionalProperty;
  if (typeof extra === 'string') {
    return `${place}: the argument ${JSON.stringify(extra.slice(0, NAME_SHOWN_MAX))} is not in the schema of the tool`;
  }
  return `${place}: ${error.message ?? 'is invalid'} (\`${error.keyword}\`)`;
}
