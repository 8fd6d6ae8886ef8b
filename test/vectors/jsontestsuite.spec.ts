import { parseStrictJson } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { readVectors } from './read-vectors.js';

interface JsonTestSuite {
  readonly cases: readonly {
    readonly name: string;
    readonly expect: 'accept' | 'reject' | 'either';
    readonly b64: string;
  }[];
}

const vectors = readVectors<JsonTestSuite>('jsontestsuite-parsing.json');

/** Valid JSON that Writ refuses on purpose, because two parsers could read it differently or a double cannot carry it. */
const STRICTER: ReadonlySet<string> = new Set(['INPUT_DUPLICATE_KEY', 'INPUT_UNSAFE_NUMBER', 'INPUT_LONE_SURROGATE']);

function answerOf(bytes: Buffer): string {
  try {
    parseStrictJson(bytes, { bytesMax: 1_000_000, depthMax: 600 });
    return 'accept';
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

(vectors ? describe : describe.skip)('parseStrictJson against JSONTestSuite', () => {
  const answers = (vectors?.cases ?? []).map(({ name, expect: expected, b64 }) => ({
    name,
    expected,
    answer: answerOf(Buffer.from(b64, 'base64')),
  }));

  it('accepts whatever every parser must accept, save what Writ refuses on purpose', () => {
    const refused = answers.filter(({ expected, answer }) => expected === 'accept' && answer !== 'accept');
    expect(refused.filter(({ answer }) => !STRICTER.has(answer))).toEqual([]);
    expect(refused.map(({ name, answer }) => `${name} ${answer}`)).toMatchInlineSnapshot(`
     [
       "y_number.json INPUT_UNSAFE_NUMBER",
       "y_number_double_close_to_zero.json INPUT_UNSAFE_NUMBER",
       "y_number_real_capital_e.json INPUT_UNSAFE_NUMBER",
       "y_number_real_exponent.json INPUT_UNSAFE_NUMBER",
       "y_number_real_fraction_exponent.json INPUT_UNSAFE_NUMBER",
       "y_object_duplicated_key.json INPUT_DUPLICATE_KEY",
       "y_object_duplicated_key_and_value.json INPUT_DUPLICATE_KEY",
       "y_object_extreme_numbers.json INPUT_UNSAFE_NUMBER",
     ]
    `);
  });

  it('refuses whatever every parser must refuse', () => {
    expect(answers.filter(({ expected, answer }) => expected === 'reject' && answer === 'accept')).toEqual([]);
  });
});
