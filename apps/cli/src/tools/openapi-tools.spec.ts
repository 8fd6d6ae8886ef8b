import type { Json, JsonObject } from '#writ/contracts';
import { openApiTools } from './openapi-tools.js';

const SCHEMAS = {
  Pet: {
    type: 'object',
    required: ['name'],
    properties: {
      name: { type: 'string', example: 'Rex', 'x-order': 1 },
      weight: { type: 'number', minimum: 0, exclusiveMinimum: true, nullable: true, format: 'double' },
      parent: { $ref: '#/components/schemas/Pet' },
    },
  },
};

function read(paths: JsonObject, more: JsonObject = {}) {
  const document = { openapi: '3.0.3', servers: [{ url: 'https://pets.example/v1/' }], paths, ...more };
  return openApiTools(document as Json, { name: 'pets', url: undefined });
}
const param = (name: string, where: string, more: JsonObject = {}) => ({
  name,
  in: where,
  schema: { type: 'string' },
  ...more,
});
const json = (schema: Json) => ({ content: { 'application/json': { schema } } });
const only = ({ tools, skipped }: ReturnType<typeof read>) => ({ fields: tools[0]?.fields, why: skipped[0]?.why });

describe('an OpenAPI document', () => {
  it('makes each operation a tool: parameters and members of the body are arguments of one closed schema', () => {
    const { tools, skipped } = read(
      {
        '/pets/{id}': {
          parameters: [param('id', 'path', { required: true })],
          get: { operationId: 'getPet', summary: 'One pet', parameters: [param('fields', 'query')] },
          put: {
            parameters: [param('dry', 'query', { required: true })],
            requestBody: json({ $ref: '#/components/schemas/Pet' }),
          },
        },
      },
      { components: { schemas: SCHEMAS } },
    );
    expect(skipped).toEqual([]);
    const [get, put] = tools;
    expect(get).toMatchObject({
      name: 'pets.getPet',
      fields: {
        kind: 'http',
        method: 'GET',
        url: 'https://pets.example/v1/pets/{id}',
        description: 'One pet',
        hints: { readOnly: true, destructive: false, idempotent: true },
        input: { type: 'object', required: ['id'], properties: { id: { type: 'string' }, fields: { type: 'string' } } },
      },
    });
    const pet = {
      name: { type: 'string' },
      weight: { type: ['number', 'null'], exclusiveMinimum: 0 },
      parent: { $ref: '#/$defs/Pet' },
    };
    expect(put?.name).toBe('pets.put-pets-id');
    expect(put?.fields).toMatchObject({
      url: 'https://pets.example/v1/pets/{id}?dry={dry}',
      input: {
        properties: { id: { type: 'string' }, dry: { type: 'string' }, ...pet },
        required: ['id', 'dry', 'name'],
        $defs: { Pet: { type: 'object', properties: pet } },
      },
    });
  });

  it('takes bodies that are forms, JSON before them, and files of a form in base64', () => {
    const schema = { type: 'object', required: ['a'], properties: { a: { type: 'string' } } };
    const withFile = {
      type: 'object',
      properties: {
        title: { type: 'string' },
        photo: { type: 'string', format: 'binary', description: 'A photo' },
        scan: { contentMediaType: 'image/tiff' },
      },
    };
    const post = (content: JsonObject) => ({ post: { requestBody: { content } } });
    const { tools } = read({
      '/both': post({ 'application/x-www-form-urlencoded': { schema }, 'application/json': { schema } }),
      '/form': post({ 'application/x-www-form-urlencoded': { schema } }),
      '/file': post({
        'multipart/form-data': { schema: withFile, encoding: { photo: { contentType: 'image/png' } } },
      }),
    });
    const [both, form, file] = tools.map(({ fields }) => fields);
    expect(both).not.toHaveProperty('body');
    expect(form).toMatchObject({ body: 'form', input: { properties: { a: { type: 'string' } }, required: ['a'] } });
    expect(file).toMatchObject({
      body: 'multipart',
      files: { photo: { mediaType: 'image/png' }, scan: { mediaType: 'image/tiff' } },
      input: {
        properties: {
          title: { type: 'string' },
          photo: { type: 'string', description: 'A photo' },
          scan: { type: 'string' },
        },
      },
    });
  });

  it('makes the objects of `allOf` one: closed ones would exclude each other', () => {
    const schema: Json = {
      allOf: [
        { $ref: '#/components/schemas/Pet' },
        { type: 'object', required: ['chip'], properties: { chip: { type: 'integer' } } },
      ],
    };
    const { fields } = only(
      read({ '/pets': { post: { requestBody: json(schema) } } }, { components: { schemas: SCHEMAS } }),
    );
    expect(fields?.['input']).toMatchObject({ required: ['name', 'chip'] });
    expect(Object.keys(Object(fields?.['input']).properties)).toEqual(['name', 'weight', 'parent', 'chip']);
  });

  it.each([
    [
      'a remote reference',
      { post: { requestBody: json({ type: 'object', properties: { a: { $ref: 'https://evil.example/a.json' } } }) } },
      'the reference "https://evil.example/a.json" is not in the document: only local ones are followed',
    ],
    [
      'a reference to a file',
      { post: { requestBody: json({ type: 'object', properties: { a: { $ref: '../../etc/passwd' } } }) } },
      'the reference "../../etc/passwd" is not in the document',
    ],
    [
      'a schema that is only itself',
      { post: { requestBody: json({ type: 'object', properties: { a: { $ref: '#/components/schemas/Loop' } } }) } },
      'leads back to itself without end',
    ],
    ['a body of another kind', { post: { requestBody: { content: { 'text/csv': {} } } } }, 'not JSON and no form'],
    [
      'a list of files',
      {
        post: {
          requestBody: {
            content: {
              'multipart/form-data': {
                schema: { properties: { all: { type: 'array', items: { type: 'string', format: 'binary' } } } },
              },
            },
          },
        },
      },
      '`all` is a list of files',
    ],
    [
      'a body of any members',
      { post: { requestBody: json({ type: 'object', additionalProperties: true }) } },
      'its body is no object with named members',
    ],
    [
      'a header that it needs',
      { get: { parameters: [param('x-key', 'header', { required: true })] } },
      'a tool has no argument for the header parameter `x-key`',
    ],
    [
      'a member that is a parameter too',
      {
        post: {
          parameters: [param('a', 'query', { required: true })],
          requestBody: json({ type: 'object', properties: { a: { type: 'string' } } }),
        },
      },
      'a parameter and a member of the body are named `a`',
    ],
  ])('leaves out an operation with %s, and says why', (_case, item, why) => {
    const loop = { components: { schemas: { Loop: { anyOf: [{ $ref: '#/components/schemas/Loop' }] } } } };
    const read1 = only(read({ '/a': item as JsonObject }, loop));
    expect(read1.fields).toBeUndefined();
    expect(read1.why).toContain(why);
  });

  it('leaves out what is optional and cannot be sent, and headers that mean nothing', () => {
    const parameters = [
      param('x-trace', 'header'),
      param('Authorization', 'header', { required: true }),
      param('a', 'query', { style: 'deepObject' }),
    ];
    expect(only(read({ '/a': { get: { parameters } } })).fields?.['input']).toMatchObject({ properties: {} });
  });

  it('gives an operation another hash when a schema changes that it refers to', () => {
    const paths = { '/a': { post: { requestBody: json({ $ref: '#/components/schemas/Pet' }) } } };
    const changed = { Pet: { ...SCHEMAS.Pet, description: 'now with instructions' } };
    const [one, other] = [SCHEMAS, changed].map(
      (schemas) => only(read(paths, { components: { schemas } })).fields?.definition,
    );
    expect(one).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(other).not.toBe(one);
  });

  it.each([
    ['another version', { openapi: '2.0' }, 'no OpenAPI 3.0 or 3.1'],
    ['no absolute server', { servers: [{ url: '/v1' }] }, '`--url`'],
    ['a server with variables', { servers: [{ url: 'https://{host}/' }] }, '`--url`'],
    ['a circle of references', { paths: { '/a': { $ref: '#/paths/~1a' } } }, 'in a circle'],
  ])('is refused with %s', (_case, more, message) => {
    expect(() => read({}, more as JsonObject)).toThrow(message);
  });
});
