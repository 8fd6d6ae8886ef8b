import { canonicalJson, type Json } from '#writ/contracts';
import { readVectors } from './read-vectors.js';

interface JcsVectors {
  readonly cases: readonly { readonly name: string; readonly input_b64: string; readonly output_b64: string }[];
}

const vectors = readVectors<JcsVectors>('jcs-rfc8785.json');
const text = (base64: string) => Buffer.from(base64, 'base64').toString('utf8');

(vectors ? describe : describe.skip)('canonicalJson against the vectors of RFC 8785 (IDENTITY-11)', () => {
  it('writes each of the 6 as the standard does', () => {
    const cases = vectors?.cases ?? [];
    const written = cases.map(({ name, input_b64 }) => [name, canonicalJson(JSON.parse(text(input_b64)) as Json)]);
    expect(written).toEqual(cases.map(({ name, output_b64 }) => [name, text(output_b64)]));
    expect(cases).toHaveLength(6);
  });
});
