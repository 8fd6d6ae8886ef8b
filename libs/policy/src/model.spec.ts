import { cedar } from '../../../test/vectors/cedar-oracle.js';
import { policyEntities, type PolicyModel } from './model.js';
import { generateSchema } from './schema.js';
import { cedarContext } from './cedar-json.js';
import { typedContextInput } from './input-type.js';
import { datetimeOf } from './typed-text.js';

const input = {
  type: 'object',
  properties: {
    text: { type: 'string' },
    count: { type: 'integer' },
    flag: { type: 'boolean' },
    kind: { enum: ['a', 'b'] },
    maybe: { type: ['string', 'null'] },
    ratio: { type: 'number' },
    either: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
    free: { type: 'object' },
    names: { type: 'array', items: { type: 'string' } },
    mixed: { type: 'array' },
    rows: {
      type: 'array',
      items: { type: 'object', properties: { id: { type: 'integer' }, at: { type: 'number' } }, required: ['id'] },
    },
    nested: {
      type: 'object',
      properties: { deep: { type: 'object', properties: { x: { type: 'string' } }, required: ['x'] } },
    },
    'odd "name"\n*': { type: 'string' },
    __entity: { type: 'string' },
  },
  required: ['text', 'maybe', 'ratio'],
  additionalProperties: false,
};
const model: PolicyModel = {
  agents: [{ name: 'support', teams: ['sales', 'eu'] }],
  tools: [{ name: 'slack.chat.postMessage', kind: 'http', idempotent: true, input }],
  namespaces: ['CRM.customers'],
  destinations: [
    { origin: 'https://api.example.com', internal: false },
    { origin: 'http://127.0.0.1:8080', internal: true },
  ],
};

describe('generateSchema', () => {
  it('types the arguments of a tool as far as Cedar can', () => {
    const answer = cedar.schemaToJson(generateSchema(model));
    if (answer.type === 'failure') throw new Error(answer.errors[0]?.message);
    const action = answer.json['']?.actions['slack.chat.postMessage'];
    const context = action?.appliesTo?.context as {
      attributes: Record<string, { attributes: Record<string, object> }>;
    };
    const type = (name: string) => expect.objectContaining({ name }) as object;
    expect(context.attributes['input']?.attributes).toEqual({
      text: type('String'),
      count: expect.objectContaining({ name: 'Long', required: false }),
      flag: expect.objectContaining({ name: 'Bool', required: false }),
      kind: expect.objectContaining({ name: 'String', required: false }),
      maybe: expect.objectContaining({ name: 'String', required: false }),
      names: expect.objectContaining({ type: 'Set', element: type('String') }),
      rows: expect.objectContaining({
        type: 'Set',
        element: expect.objectContaining({ type: 'Record', attributes: { id: type('Long') } }),
      }),
      nested: expect.objectContaining({ type: 'Record', attributes: { deep: expect.anything() } }),
      'odd "name"\n*': expect.objectContaining({ name: 'String', required: false }),
    });
    expect(action?.memberOf).toEqual([{ id: 'call' }]);
  });

  it('agrees with the entities of the same model', () => {
    const answer = cedar.checkParseEntities({
      schema: generateSchema(model),
      entities: policyEntities(model) as never,
    });
    expect(answer).toEqual({ type: 'success' });
  });
});

describe('policyEntities', () => {
  it('makes one entity of each agent, team, tool, action, namespace and host', () => {
    const names = policyEntities(model).map(
      ({ uid, parents }) => `${uid.type} ${uid.id} < ${parents.map(({ id }) => id).join()}`,
    );
    expect(names).toEqual([
      'Action call < ',
      'Action memory < ',
      'Action fetch < ',
      'Action connect < ',
      'Action query < memory',
      'Action write < memory',
      'Action delete < memory',
      'Action slack.chat.postMessage < call',
      'Team sales < ',
      'Team eu < ',
      'Agent support < sales,eu',
      'Tool slack.chat.postMessage < ',
      'Namespace CRM.customers < ',
      'Host api.example.com < ',
      'Host 127.0.0.1:8080 < ',
    ]);
  });

  it('refuses a tool with the name of an action, and a host that is two things', () => {
    const tool = { name: 'query', kind: 'http', idempotent: true, input: {} };
    expect(() => policyEntities({ ...model, tools: [tool] })).toThrow(/`query` is an action of Writ/);
    const destinations = [
      { origin: 'https://x.example', internal: false },
      { origin: 'https://x.example', internal: true },
    ];
    expect(() => policyEntities({ ...model, destinations })).toThrow(/the destinations of `x.example` differ/);
  });
});

describe('typedContextInput', () => {
  it('keeps what Cedar types and nothing else', () => {
    const args = {
      text: 't',
      maybe: null,
      ratio: 0.5,
      either: 1,
      free: { a: 1 },
      mixed: [1],
      rows: [{ id: 1, at: 0.5 }],
      nested: { deep: { x: 'y', z: 'w' } },
      unknown: true,
    };
    expect(typedContextInput(input, args)).toEqual({ text: 't', rows: [{ id: 1 }], nested: { deep: { x: 'y' } } });
  });

  it('agrees with the schema that is generated of it', () => {
    const schema = generateSchema(model);
    const now = datetimeOf(1_000);
    const context = { session: { callsToday: 1 }, time: { unix: 1, hour: 1, weekday: 1, now } };
    const action = { type: 'Action', id: 'slack.chat.postMessage' };
    const typed = typedContextInput(input, { text: 't', names: ['a'], nested: {}, 'odd "name"\n*': 'x' });
    const inCedar = cedarContext({ ...context, input: typed });
    expect(cedar.checkParseContext({ context: inCedar as never, schema, action })).toEqual({ type: 'success' });
    expect(
      cedar.checkParseContext({ context: { ...inCedar, input: { ratio: 1 } } as never, schema, action }).type,
    ).toBe('failure');
  });

  it('refuses arguments that are not of the type', () => {
    expect(() => typedContextInput(input, { maybe: 'x' })).toThrow(
      expect.objectContaining({ code: 'INPUT_ARGUMENTS_INVALID' }) as Error,
    );
  });
});
