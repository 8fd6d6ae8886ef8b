import { Fault } from '#writ/faults';
import { z } from 'zod';
import { assertAgentName } from './names.js';
import { parse } from './parse.js';

const Order = z.strictObject({ id: z.string(), lines: z.array(z.strictObject({ n: z.int() })) });

describe('parse', () => {
  it('returns the value when it follows the schema', () => {
    expect(parse(Order, { id: 'a', lines: [{ n: 1 }] })).toEqual({ id: 'a', lines: [{ n: 1 }] });
  });

  it('names the first wrong member and never its value', () => {
    const order = { id: 'a', lines: [{ n: 'sesame' }] };
    expect(() => parse(Order, order)).toThrow(
      expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringContaining('`lines.0.n`') }),
    );
    expect(() => parse(Order, order)).not.toThrow(/sesame/);
  });

  it('refuses unknown members', () => {
    expect(() => parse(Order, { id: 'a', lines: [], as: 'root' })).toThrow(Fault);
  });
});

describe('assertAgentName', () => {
  it.each(['a', 'support', 'a-b_c', '0', 'a'.repeat(63)])('takes `%s`', (name) => {
    expect(assertAgentName(name)).toBe(name);
  });

  it.each(['', '*', '>', 'a.b', 'a b', 'A', '-a', '_a', 'a\n', 'a'.repeat(64), '$SYS', 'a>', 'é'])(
    'refuses %j',
    (name) => {
      expect(() => assertAgentName(name)).toThrow(expect.objectContaining({ code: 'INPUT_BAD_NAME' }));
    },
  );
});
