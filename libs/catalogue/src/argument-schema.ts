import { type Json, type JsonObject, parseStrictJson } from '#writ/contracts';
import { Fault, messageOf } from '#writ/faults';
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

/** The compiled schema of the bodies that a destination takes. */
export interface BodySchema {
  /**
   * Throws INPUT_INVALID, with the path and the rule, when the body is no JSON that all parsers read alike, or not as the schema says;
   * and when there is none although the method is one that brings a body.
   */
  validate(method: string, body: string | undefined): void;
}

/** How messages call what is validated, a member of it, and whose schema it is. */
interface Words {
  readonly whole: string;
  readonly member: string;
  readonly owner: string;
}
const ARGUMENTS: Words = { whole: 'the arguments', member: 'the argument', owner: 'tool' };
const BODY: Words = { whole: '`body`', member: 'the member', owner: 'destination' };
const METHODS_WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** Closes and compiles a JSON Schema. Throws SchemaProblem when the schema is not one that Writ takes. */
export function compileArguments(input: JsonObject): ArgumentSchema {
  const schema = closeSchema(input);
  const validator = compile(schema);
  return {
    schema,
    validate: (args) => {
      if (validator(args)) return;
      const [error] = validator.errors ?? [];
      throw new Fault('INPUT_ARGUMENTS_INVALID', ruleOf(error, ARGUMENTS));
    },
  };
}

/** The same for the bodies of a destination. Throws SchemaProblem when the schema is not one that Writ takes. */
export function compileBody(written: JsonObject): BodySchema {
  const validator = compile(closeSchema(written));
  return {
    validate: (method, body) => {
      if (body === undefined || body === '') {
        // What is left out would be the one body that the schema says nothing about.
        if (METHODS_WITH_BODY.has(method)) throw new Fault('INPUT_INVALID', '`body`: the destination wants one');
        return;
      }
      if (validator(parsedBody(body))) return;
      const [error] = validator.errors ?? [];
      throw new Fault('INPUT_INVALID', ruleOf(error, BODY));
    },
  };
}

/** As strictly as a request is read: of a key that stands twice, the service could take the other one. */
function parsedBody(body: string): Json {
  try {
    return parseStrictJson(Buffer.from(body));
  } catch (error) {
    throw new Fault('INPUT_INVALID', `\`body\`: ${messageOf(error)}`);
  }
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

function ruleOf(error: ErrorObject | undefined, { whole, member, owner }: Words): string {
  if (error === undefined) return `${whole}: not as the schema says`;
  const place = error.instancePath === '' ? whole : `\`${error.instancePath}\``;
  const extra = (error.params as { additionalProperty?: unknown }).additionalProperty;
  if (typeof extra === 'string') {
    return `${place}: ${member} ${JSON.stringify(extra.slice(0, NAME_SHOWN_MAX))} is not in the schema of the ${owner}`;
  }
  return `${place}: ${error.message ?? 'is invalid'} (\`${error.keyword}\`)`;
}
