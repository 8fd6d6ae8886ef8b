import type { Fault } from '#writ/faults';
import { compileBody } from './argument-schema.js';

const schema = compileBody({
  required: ['amount'],
  properties: {
    amount: { type: 'integer', minimum: 1 },
    to: { type: 'object', properties: { iban: { type: 'string' } } },
  },
});

/** `allow`, or what the refusal says. */
function verdict(body: string | undefined, method = 'POST'): string {
  try {
    schema.validate(method, body);
    return 'allow';
  } catch (thrown) {
    const { code, message } = thrown as Fault;
    return `${code} ${message}`;
  }
}

describe('the schema of the bodies of a destination', () => {
  it('takes what it says, and nothing that it does not name, at any depth', () => {
    expect(verdict('{"amount": 1, "to": {"iban": "x"}}')).toBe('allow');
    expect(verdict('{"amount":1,"admin":true}')).toBe(
      'INPUT_INVALID `body`: the member "admin" is not in the schema of the destination',
    );
    expect(verdict('{"amount":1,"to":{"bic":"x"}}')).toMatch(/^INPUT_INVALID `\/to`/);
  });

  it('names the place and the rule of what is wrong, and never the value', () => {
    expect(verdict('{"amount":-4711}')).toBe('INPUT_INVALID `/amount`: must be >= 1 (`minimum`)');
    expect(verdict('{}')).toBe("INPUT_INVALID `body`: must have required property 'amount' (`required`)");
    expect(verdict('[1]')).toBe('INPUT_INVALID `body`: must be object (`type`)');
  });

  it.each([
    ['a key twice, of which the service could take the other one', '{"amount":1,"amount":-1}'],
    ['two documents', '{"amount":1}{"amount":-1}'],
    ['a byte order mark', '\ufeff{"amount":1}'],
    ['a comment', '{"amount":1/**/}'],
    ['a number that is rounded', '{"amount":9007199254740993}'],
    ['a reserved key', '{"amount":1,"__proto__":{}}'],
    ['half a surrogate', '{"amount":1,"to":{"iban":"\\ud800"}}'],
    ['no JSON', 'amount=1'],
  ])('refuses %s', (_what, body) => {
    expect(verdict(body)).toMatch(/^INPUT_INVALID `body`: /);
  });

  it.each([
    ['POST', undefined, 'INPUT_INVALID `body`: the destination wants one'],
    ['PUT', '', 'INPUT_INVALID `body`: the destination wants one'],
    ['PATCH', undefined, 'INPUT_INVALID `body`: the destination wants one'],
    ['GET', undefined, 'allow'],
    ['DELETE', '', 'allow'],
    ['DELETE', '{"amount":0}', 'INPUT_INVALID `/amount`: must be >= 1 (`minimum`)'],
  ])('wants a body with %s that is %j: %s', (method, body, expected) => {
    expect(verdict(body, method)).toBe(expected);
  });
});
