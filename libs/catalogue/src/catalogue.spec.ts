import type { JsonObject } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { formatVkey, SigningKey, witnessKeyOf } from '#writ/signing';
import { readCatalogue } from './catalogue.js';

const read = (text: string, environment: Record<string, string> = {}) =>
  readCatalogue(`version: 1\nledger: test/default/0\n${text}`, {
    file: 'writ.yaml',
    baseDirectory: '/etc/writ',
    environment,
  });

function faultOf(run: () => unknown): Fault {
  try {
    run();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const PAY = `
tools:
  bank.pay:
    kind: http
    method: POST
    url: https://bank.example/pay/{account}
    credential: bank
    input:
      type: object
      required: [account, amount]
      properties:
        account: { type: string, maxLength: 40 }
        amount: { type: integer, minimum: 1 }
        note: { type: object, properties: { text: { type: string } } }
        at: { type: string, format: date-time }
credentials:
  bank: { from: { env: BANK_TOKEN }, origins: ['https://bank.example'] }
`;

describe('the data subject of a tool', () => {
  const declared = (from: string) =>
    `${PAY.replace('    credential: bank\n', `    credential: bank\n    dataSubject: { type: customer, from: ${from} }\n`)}`;

  it('is named by an argument that every call has', () => {
    expect(read(declared('/account')).tool('bank.pay').declaration.dataSubject).toEqual({
      type: 'customer',
      from: '/account',
    });
  });

  it.each([
    ['/nobody', 'which `properties` of the schema does not have there'],
    ['/at', 'which is not `required`'],
    ['/note/text', 'which is not `required`'],
    ['/account/id', 'which `properties` of the schema does not have there'],
    ['account', 'must be a JSON Pointer'],
    ['/constructor', 'which `properties` of the schema does not have there'],
  ])('is refused at %s: an agent that could leave it out would choose what an erasure finds', (from, problem) => {
    const fault = faultOf(() => read(declared(from)));
    expect(fault.code).toBe('CONFIG_INVALID');
    expect(fault.message).toContain(problem);
  });
});

describe('readCatalogue', () => {
  it('gives tools, namespaces and destinations with digests of their declarations', () => {
    const catalogue = read(
      `${PAY}namespaces: { CRM.customers: {} }\ndestinations: { web: { origin: 'https://a.example' } }`,
    );
    expect(catalogue.tool('bank.pay')).toMatchObject({
      name: 'bank.pay',
      declaration: { kind: 'http', timeoutMs: 10_000 },
    });
    expect(catalogue.tool('bank.pay').digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(catalogue.namespace('CRM.customers').digest).toMatch(/^sha256:/);
    expect(catalogue.destinations.get('web')?.declaration.methods).toEqual(['GET']);
    expect(catalogue.baseDirectory).toBe('/etc/writ');
  });

  it('gives a changed tool another digest', () => {
    expect(read(PAY).tool('bank.pay').digest).toBe(read(PAY).tool('bank.pay').digest);
    expect(read(PAY.replace('minimum: 1', 'minimum: 0')).tool('bank.pay').digest).not.toBe(
      read(PAY).tool('bank.pay').digest,
    );
  });

  it('gives an MCP tool at another server another digest', () => {
    const at = (command: string) =>
      read(
        `mcpServers: { s: { command: ${command} } }\ntools: { t: { kind: mcp, server: s, tool: t, input: { type: object } } }`,
      );
    expect(at('a').tool('t').digest).not.toBe(at('b').tool('t').digest);
  });

  it('knows no tool and no namespace that is not declared, whatever JavaScript calls it', () => {
    for (const name of ['nope', 'constructor', '__proto__', 'toString']) {
      expect(faultOf(() => read(PAY).tool(name)).code).toBe('INPUT_UNKNOWN_TOOL');
      expect(faultOf(() => read(PAY).namespace(name)).code).toBe('INPUT_UNKNOWN_NAMESPACE');
    }
  });

  it.each([
    ['text that is not YAML', 'tools: [', 'writ.yaml:3:9: '],
    ['a key twice', 'shards: 1\nshards: 2', 'writ.yaml:4:1: map keys must be unique'],
    ['an unknown field', 'shards: 1\nshardz: 2', 'writ.yaml:4:1: `shardz`: there is no such field'],
    ['an unknown field at depth', 'listen:\n  hots: x', 'writ.yaml:4:3: `listen.hots`: there is no such field'],
    ['a wrong type', 'shards: many', 'writ.yaml:3:1: `shards`: '],
    ['text where a number belongs', 'shards: "1"', 'writ.yaml:3:1: `shards`: '],
    ['a second document', '---\nshards: 1', 'writ.yaml:'],
    ['an unknown tag', 'shards: !js 1', 'writ.yaml:3:9: '],
    ['a name with a wildcard', "agents: { '*': {} }", 'writ.yaml:3:11: `agents["*"]`'],
    ['the key __proto__', 'tools: { __proto__: {} }', 'writ.yaml:3:10: the key `__proto__` is not taken'],
    [
      'a missing variable',
      'policies: ${POLICIES}',
      'writ.yaml:3:1: `policies`: the environment has no variable `POLICIES`',
    ],
    ['a variable that JavaScript has', 'policies: ${constructor}', 'the environment has no variable `constructor`'],
    ['a variable without a name', 'policies: ${1}', 'must be followed by the name of a variable'],
    [
      'a tool of an undeclared server',
      'tools:\n  t: { kind: mcp, server: nowhere, tool: t, input: {} }',
      'writ.yaml:4:19: `tools.t.server`: no server `nowhere` is declared',
    ],
    [
      'an undeclared credential',
      'destinations: { d: { origin: "https://a.example", credential: nope } }',
      '`destinations.d.credential`: no credential `nope` is declared',
    ],
    ['an access API that nobody may ask', 'authzen: { clients: {} }', 'name at least one client'],
    [
      'an action of another system that is a tool nobody declared',
      'authzen: { clients: { g: {} }, actions: [{ action: a, resource: r, tool: nope }] }',
      '`authzen.actions[0].tool`: no tool `nope` is declared',
    ],
    [
      'a subject of another system that is two agents',
      'authzen: { clients: { g: {} }, subjects: [{ type: u, id: i, agent: a }, { type: u, id: i, agent: b }] }',
      '`authzen.subjects[1]`: is mapped twice',
    ],
    [
      'two destinations of one origin',
      'destinations: { a: { origin: "https://a.example" }, b: { origin: "https://a.example" } }',
      '`destinations.b.origin`: the destination `a` has that origin already',
    ],
    [
      'an origin in another form',
      'destinations: { a: { origin: "https://A.example:443" } }',
      'must be written as `https://a.example`',
    ],
    [
      'TLS for an origin without it',
      'destinations: { a: { origin: "http://a.example", internal: true, tls: { minVersion: TLSv1.3 } } }',
      '`destinations.a.tls`: means nothing',
    ],
    [
      'a pin that is no digest',
      'destinations: { a: { origin: "https://a.example", tls: { pins: [sha256/abc] } } }',
      'destinations.a.tls.pins[0]',
    ],
    [
      'a media type that is none',
      'destinations: { a: { origin: "https://a.example", request: { mediaTypes: [json] } } }',
      'destinations.a.request.mediaTypes[0]',
    ],
    [
      'a schema of bodies that need not be JSON',
      'destinations: { a: { origin: "https://a.example", request: { mediaTypes: [application/json, text/plain], schema: {} } } }',
      '`destinations.a.request.schema`: needs `mediaTypes: [application/json]`',
    ],
    [
      'an open schema of bodies',
      'destinations: { a: { origin: "https://a.example", request: { mediaTypes: [application/json], schema: { additionalProperties: true } } } }',
      'destinations.a.request.schema.additionalProperties',
    ],
    [
      'HTTP/2 without TLS',
      'destinations: { a: { origin: "http://a.example", http2: true } }',
      '`destinations.a.http2`: means nothing for an origin without TLS',
    ],
    [
      'a rate limit over longer than the ledger is sure to reach back',
      'destinations: { a: { origin: "https://a.example", rateLimit: { requests: 1, perSeconds: 86401 } } }',
      'destinations.a.rateLimit.perSeconds',
    ],
    [
      'a header that no request would be compared with',
      'destinations: { a: { origin: "https://a.example", request: { headers: [X-Trace] } } }',
      'destinations.a.request.headers[0]',
    ],
    ['an origin with a user', 'destinations: { a: { origin: "https://u@a.example" } }', 'must not name a user'],
    ['a path that climbs', 'destinations: { a: { origin: "https://a.example", paths: [/a/../b] } }', 'canonical form'],
  ])('refuses %s and says where', (_case, text, message) => {
    const fault = faultOf(() => read(text));
    expect(fault.code).toBe('CONFIG_INVALID');
    expect(fault.message).toContain(message);
  });

  it.each([
    [
      'a credential for another origin',
      'bank.example/pay',
      'other.example/pay',
      'may not go to `https://other.example`',
    ],
    ['an argument in the host', 'https://bank.example', 'https://{account}.example', 'path and query alone'],
    ['a place without an argument', '{account}', '{user}', '`user` is not in the schema'],
    [
      'a place with an optional argument',
      'required: [account, amount]',
      'required: [amount]',
      '`account` must be required',
    ],
    ['a place with an object', '{account}', '{account}/{note}', '`note` must be required'],
    ['a URL with dot segments', '/pay/', '/x/../pay/', 'canonical form'],
    ['a fragment', '{account}', '{account}#x', 'fragment'],
    ['an argument that the query fixes', '{account}', '{account}?amount=1', 'already has `amount`'],
    [
      'a secret in a header',
      'method: POST',
      'method: POST\n    headers: { Authorization: Bearer x }',
      'the header `authorization` is not sent for an agent',
    ],
  ])('refuses an HTTP tool with %s', (_case, before, after, message) => {
    expect(faultOf(() => read(PAY.replace(before, after))).message).toContain(message);
  });

  it('never shows the value of a wrong field, which may be a secret', () => {
    const fault = faultOf(() => read('credentials: { c: hunter2 }\npolicies: ${P}', { P: 'hunter2' }));
    expect(fault.message).not.toContain('hunter2');
  });

  it('takes the text behind `:-` where the variable is not set or empty', () => {
    const policies = (environment: Record<string, string>) =>
      read('policies: ${P:-of/old:-x}', environment).config.policies;
    expect([policies({}), policies({ P: '' }), policies({ P: 'p' })]).toEqual(['of/old:-x', 'of/old:-x', 'p']);
  });

  it('puts variables of the environment into values, once, and leaves `$${` as text', () => {
    const catalogue = read('policies: a/${P}/$${P}', { P: '${Q}' });
    expect(catalogue.config.policies).toBe('a/${Q}/${P}');
  });
});

describe('validateArguments', () => {
  const validate = (args: JsonObject) => () => read(PAY).tool('bank.pay').validateArguments(args);
  const good = { account: 'a-1', amount: 5 };

  it('takes arguments that match', () => {
    expect(validate({ ...good, note: { text: 'x' }, at: '2026-11-22T08:00:00Z' })).not.toThrow();
  });

  it.each(['5', ['5'], { $gt: 0 }, true, null, 5.5])(
    'WIRE-06: takes no %j for a number, and converts nothing',
    (amount) => {
      const fault = faultOf(validate({ ...good, amount }));
      expect(fault.code).toBe('INPUT_ARGUMENTS_INVALID');
      expect(fault.message).toBe('`/amount`: must be integer (`type`)');
    },
  );

  it.each([
    ['cc', { ...good, cc: 'x@evil.example' }, 'the arguments: the argument "cc" is not in the schema of the tool'],
    [
      'an argument at depth',
      { ...good, note: { text: 'a', bcc: 'b' } },
      '`/note`: the argument "bcc" is not in the schema of the tool',
    ],
  ])('WIRE-12: refuses %s, which the schema lacks', (_case, args, message) => {
    expect(faultOf(validate(args)).message).toBe(message);
  });

  it.each([
    ['a slash', '../admin'],
    ['dots', '..'],
    ['one dot', '.'],
    ['nothing', ''],
    ['a backslash', 'a\\b'],
    ['a control character', 'a\u0000b'],
  ])('refuses %s where an argument is a segment of the path', (_case, account) => {
    expect(faultOf(validate({ ...good, account })).code).toBe('INPUT_ARGUMENTS_INVALID');
  });

  it('names the path and the rule and never the value', () => {
    const fault = faultOf(validate({ account: 'hunter2'.repeat(10), amount: 5 }));
    expect(fault.message).toBe('`/account`: must NOT have more than 40 characters (`maxLength`)');
  });
});

describe('the schema of a tool', () => {
  const withInput = (input: string) => () =>
    read(`tools:\n  t: { kind: function, function: echo, input: ${input} }`).tool('t').declaration.input;

  it('is closed at every level', () => {
    expect(
      withInput('{ properties: { a: { type: array, items: { properties: { b: { type: string } } } } } }')(),
    ).toEqual({
      type: 'object',
      additionalProperties: false,
      properties: {
        a: {
          type: 'array',
          items: { type: 'object', additionalProperties: false, properties: { b: { type: 'string' } } },
        },
      },
    });
  });

  it.each([
    '{ type: string, x-cedar-type: ipaddr, format: ipv6 }',
    "{ type: [string, 'null'], x-cedar-type: datetime, format: date-time }",
    '{ type: number, x-cedar-type: decimal, minimum: 0 }',
    '{ type: string, x-cedar-type: duration, maxLength: 20 }',
  ])('may say which type of Cedar an argument is: %s', (argument) => {
    expect(withInput(`{ properties: { a: ${argument} } }`)()).toHaveProperty(['properties', 'a', 'x-cedar-type']);
  });

  it.each([
    ['an open object', '{ additionalProperties: true }', 'must be false'],
    ['an object of any names', '{ additionalProperties: { type: string } }', 'must be false'],
    ['names by pattern', '{ patternProperties: { x: { type: string } } }', 'is not taken'],
    ['a value of any type', '{ properties: { a: {} } }', 'must say its `type`'],
    [
      'a value of any type in a choice',
      '{ properties: { a: { anyOf: [{}, { type: string }] } } }',
      'must say its `type`',
    ],
    ['true as a schema', '{ properties: { a: true } }', 'must be a schema'],
    ['elements of any type', '{ properties: { a: { type: array } } }', 'what its `items` are'],
    [
      'a remote reference',
      "{ properties: { a: { $ref: 'https://a.example/x.json' } } }",
      'must point into the same schema',
    ],
    ['a reference to nothing', "{ properties: { a: { $ref: '#/$defs/b' } } }", 'resolve reference'],
    ['a condition, which closing would change', '{ if: { properties: {} } }', 'is not taken'],
    ['an unknown keyword', '{ minLenght: 1 }', 'unknown keyword'],
    ['an unknown format', '{ properties: { a: { type: string, format: nope } } }', 'unknown format'],
    ['a required argument that it lacks', '{ required: [a] }', 'not defined'],
    ['something that is no object', '{ type: string }', 'are an object'],
    ['another dialect', "{ $schema: 'http://json-schema.org/draft-04/schema#' }", 'draft 7 or 2020-12'],
    [
      'a pattern on text of any length',
      "{ properties: { a: { type: string, pattern: '^a+$' } } }",
      'needs a `maxLength`',
    ],
    [
      'a type that Cedar does not have',
      '{ properties: { a: { type: string, x-cedar-type: ip } } }',
      'must be `ipaddr`',
    ],
    [
      'a type of Cedar beside another type of JSON',
      '{ properties: { a: { type: integer, x-cedar-type: datetime } } }',
      'goes with `type: string`',
    ],
    ['a type of Cedar without one', '{ allOf: [{ x-cedar-type: ipaddr }] }', 'goes with `type: string`'],
    [
      'a number as anything but a decimal',
      '{ properties: { a: { type: number, x-cedar-type: duration } } }',
      '`decimal` also with `type: number`',
    ],
    [
      'the durations of ISO 8601, whose months have no length',
      '{ properties: { a: { type: string, format: duration, x-cedar-type: duration } } }',
      'does not go with `format: duration`',
    ],
    [
      'a pattern that may run for ever',
      "{ properties: { a: { type: string, maxLength: 99, pattern: '^(a+)+$' } } }",
      'may run for ever',
    ],
  ])('is refused with %s', (_case, input, message) => {
    const fault = faultOf(withInput(input));
    expect(fault.code).toBe('CONFIG_INVALID');
    expect(fault.message).toMatch(/^writ\.yaml:4:\d+: `tools\.t\.input/);
    expect(fault.message).toContain(message);
  });
});

describe('the witnesses', () => {
  const vkeyOf = (fill: number) =>
    formatVkey(witnessKeyOf(new SigningKey(`witness.example/w${fill}`, Buffer.alloc(32, fill))));
  const line = (fill: number, { url = `https://w${fill}.example/`, name = `witness.example/w${fill}` } = {}) =>
    `  - { name: ${name}, vkey: '${vkeyOf(fill)}', url: '${url}' }\n`;

  it('are read with their quorum', () => {
    const { config } = read(`witnesses:\n${line(1)}${line(2)}witnessQuorum: 1\n`);
    expect(config.witnesses.map(({ name, vkey }) => [name, vkey])).toEqual([
      ['witness.example/w1', vkeyOf(1)],
      ['witness.example/w2', vkeyOf(2)],
    ]);
    expect(config.witnessQuorum).toBe(1);
  });

  it.each([
    ['a witness twice', `witnesses:\n${line(1)}${line(1)}`, 'is that of another witness'],
    ['two at one address', `witnesses:\n${line(1)}${line(2, { url: 'https://w1.example/' })}`, 'is that of another'],
    ['a name that the vkey does not have', `witnesses:\n${line(1, { name: 'w' })}`, 'is not the name in the vkey'],
    ['a vkey that is none', "witnesses:\n  - { name: w, vkey: 'w+1+2', url: 'https://w/' }\n", 'a vkey is not'],
    ['a URL with a password', `witnesses:\n${line(1, { url: 'https://u:p@w.example/' })}`, 'must be a URL'],
    ['a quorum that nobody can reach', `witnesses:\n${line(1)}witnessQuorum: 2\n`, 'is more than the 1 witnesses'],
  ])('are refused with %s', (_case, text, message) => {
    const fault = faultOf(() => read(text));
    expect(fault.code).toBe('CONFIG_INVALID');
    expect(fault.message).toContain(message);
  });
});
