import { canonicalJson, type Json } from '#writ/contracts';
import { readVectors } from './read-vectors.js';

interface JcsVectors {
  readonly cases: readonly { readonly name: string; readonly input_b64: string; readonly output_b64: string }[];
}

const vectors = readVectors<JcsVectors>('jcs-rfc8785.json');
const text = (base64: string) => Buffer.from(base64, 'base64').toString('utf8');

describe('canonicalJson against the vectors of RFC 8785 (IDENTITY-11)', () => {
  (vectors ? it.each(vectors.cases) : it.skip.each([{ name: 'absent', input_b64: '', output_b64: '' }]))(
    'writes `$name` as the standard does',
    ({ input_b64, output_b64 }) => {
      expect(canonicalJson(JSON.parse(text(input_b64)) as Json)).toBe(text(output_b64));
    },
  );
});
