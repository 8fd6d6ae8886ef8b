import { type Environment, parseYaml, substituteEnvironment, type YamlSource } from '#writ/catalogue';
import {
  type ActionRequest,
  AgentName,
  JsonRecord,
  Obligations,
  parseActionRequest,
  type RequestKind,
} from '#writ/contracts';
import { Fault } from '#writ/faults';
import { z } from 'zod';
import type { Circumstances } from './ask.js';

/** A memory record that a query is tried on. */
const Row = z.strictObject({
  id: z.string().min(1),
  owner: z.string().default(''),
  labels: z.array(z.string()).default([]),
});

const Request = z.strictObject({
  agent: AgentName,
  session: z.strictObject({ callsToday: z.int().min(0).default(0) }).prefault({}),
  time: z.iso.datetime().default('2026-01-01T12:00:00Z'),
  tool: z.string().optional(),
  args: JsonRecord.optional(),
  namespace: z.string().optional(),
  operation: z.enum(['query', 'write', 'delete']).optional(),
  text: z.string().optional(),
  vector: z.array(z.number()).optional(),
  search: z.string().optional(),
  k: z.number().optional(),
  records: z.array(JsonRecord).optional(),
  ids: z.array(z.string()).optional(),
  url: z.string().optional(),
  host: z.string().optional(),
  port: z.number().optional(),
  method: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.string().optional(),
});

const Expectation = z.strictObject({
  decision: z.enum(['permit', 'forbid', 'refused']),
  code: z.string().optional(),
  /** Ids of all policies that decide, in any order. */
  policies: z.array(z.string()).optional(),
  obligations: Obligations.optional(),
  filter: z.enum(['none', 'all', 'some']).optional(),
  /** Ids of the rows that a query or a delete may touch. */
  visible: z.array(z.string()).optional(),
});
export type Expectation = Readonly<z.infer<typeof Expectation>>;

const TestFile = z.strictObject({
  tests: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(200),
        request: Request,
        rows: z.array(Row).optional(),
        expect: Expectation,
      }),
    )
    .min(1),
});

/** One test: a request as an agent would send it, under given circumstances, and what is expected of the policies. */
export interface PolicyTest {
  readonly name: string;
  readonly file: string;
  /** Line of the test in its file, from 1. */
  readonly line: number;
  readonly request: ActionRequest;
  readonly circumstances: Circumstances;
  readonly rows: readonly Readonly<z.infer<typeof Row>>[];
  readonly expect: Expectation;
}

/** Reads a `*.test.yaml` file; `${VAR}` is taken from the environment, as in `writ.yaml`. Throws CONFIG_INVALID with `file:line:col` on anything that is not a test, and on a name twice. */
export function parseTestFile(text: string, file: string, environment: Environment): readonly PolicyTest[] {
  const source = parseYaml(text, file);
  const result = TestFile.safeParse(substituteEnvironment(source, environment));
  if (!result.success) throw schemaFault(result.error, source);
  const names = new Set<string>();
  return result.data.tests.map(({ name, request, rows, expect }, index) => {
    const path = ['tests', index] as const;
    if (names.has(name)) throw source.fault([...path, 'name'], `another test of this file has the name \`${name}\``);
    names.add(name);
    const parsed = requestOf(request, (problem) => source.fault([...path, 'request'], problem));
    const isFiltered = parsed.kind === 'memory.query' || parsed.kind === 'memory.delete';
    const filterField = (['filter', 'visible'] as const).find((field) => expect[field] !== undefined);
    if (!isFiltered && filterField !== undefined) {
      throw source.fault([...path, 'expect', filterField], 'only a memory query or delete has a filter');
    }
    if (!isFiltered && rows !== undefined)
      throw source.fault([...path, 'rows'], 'only a memory query or delete has rows');
    if (expect.visible !== undefined && rows === undefined) {
      throw source.fault([...path, 'expect', 'visible'], 'give `rows`, or nothing can be visible');
    }
    const { agent, session, time } = request;
    return {
      name,
      file,
      line: source.lineOf(path),
      request: parsed,
      circumstances: { agent, callsToday: session.callsToday, nowMs: Date.parse(time) },
      rows: rows ?? [],
      expect,
    };
  });
}

/** The request as the bus would deliver it, checked by the schema of its kind. */
function requestOf(given: z.infer<typeof Request>, fault: (problem: string) => Fault): ActionRequest {
  const { agent: _agent, session: _session, time: _time, operation, ...members } = given;
  const kinds = [
    ...(given.tool === undefined ? [] : ['tool.call' as const]),
    ...(given.namespace === undefined ? [] : [`memory.${operation ?? 'query'}` as const]),
    ...(given.url === undefined ? [] : ['egress.fetch' as const]),
    ...(given.host === undefined ? [] : ['egress.connect' as const]),
  ];
  const [kind, ...others] = kinds;
  if (kind === undefined || others.length > 0) throw fault('give one of `tool`, `namespace`, `url` and `host`');
  if (given.namespace !== undefined && operation === undefined) {
    throw fault('give `operation`: query, write or delete');
  }
  if (given.namespace === undefined && operation !== undefined) throw fault('`operation` goes with `namespace`');
  return parsedAs(kind, { ...members, ...(kind === 'tool.call' ? { args: given.args ?? {} } : {}) }, fault);
}

function parsedAs(kind: RequestKind, members: object, fault: (problem: string) => Fault): ActionRequest {
  const present = Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined));
  try {
    return parseActionRequest(kind, { v: 1, call: 'test', ...present });
  } catch (error) {
    throw error instanceof Fault ? fault(`is no \`${kind}\` request: ${error.message}`) : error;
  }
}

function schemaFault(error: z.ZodError, source: YamlSource): Fault {
  // A misspelt field is missing as well; that it is misspelt says more.
  const issue = error.issues.find(({ code }) => code === 'unrecognized_keys') ?? error.issues[0];
  const path = (issue?.path ?? []).map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue?.code === 'unrecognized_keys') {
    return source.fault([...path, issue.keys[0] ?? ''], 'there is no such field');
  }
  const message = issue?.message ?? 'is invalid';
  // The whole of a file that is no list of tests is best spoken of as what it should have.
  return source.fault(path.length === 0 ? ['tests'] : path, `${message.slice(0, 1).toLowerCase()}${message.slice(1)}`);
}
