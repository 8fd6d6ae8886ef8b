import { existsSync, readFileSync } from 'node:fs';
import { assertPublic, matchDestination, parseDestination } from '#writ/egress-rules';

const file = new URL('../../../shared/benchmarks/conformance/ssrf-visible.json', import.meta.url);

interface Case {
  readonly payload: string;
  readonly expect: 'allow' | 'deny';
  readonly technique: string;
}

const cases: readonly Case[] = existsSync(file)
  ? (JSON.parse(readFileSync(file, 'utf8')) as { cases: Case[] }).cases
  : [];

/** The allow-list that the vectors are about. */
const allowed = { methods: ['GET'], paths: ['/'], internal: false };
const destinations = {
  site: { origin: 'https://allowed.example', ...allowed },
  api: { origin: 'https://api.allowed.example', ...allowed },
  idn: { origin: 'https://xn--bcher-kva.example', ...allowed },
};

/** What the names of the vectors resolve to; every other name is public. */
const addresses: Readonly<Record<string, string>> = {
  'localtest.me': '::1',
  '169.254.169.254.nip.io': '169.254.169.254',
  'metadata.google.internal': '169.254.169.254',
  'kubernetes.default.svc': '10.0.0.1',
};

function verdict(work: () => unknown): 'allow' | 'deny' {
  try {
    work();
    return 'allow';
  } catch (thrown) {
    expect(thrown).toMatchObject({
      code: expect.stringMatching(/^(INPUT_URL_REFUSED|INPUT_UNKNOWN_DESTINATION|EXECUTOR_ADDRESS_REFUSED)$/),
    });
    return 'deny';
  }
}

(cases.length > 0 ? describe : describe.skip)('the public SSRF cases (EGRESS-01)', () => {
  it('are all judged as they say', () => {
    expect(cases.length).toBeGreaterThan(90);
    for (const { payload, expect: expected } of cases) {
      const actual = verdict(() => matchDestination(parseDestination(payload), 'GET', destinations));
      expect({ payload, actual }).toEqual({ payload, actual: expected });
    }
  });

  it('fall even without an allow-list, by form or by address, save for a public redirect service', () => {
    const passed = cases.filter(
      ({ payload, expect: expected }) =>
        expected === 'deny' &&
        verdict(() => assertPublic([addresses[parseDestination(payload).host] ?? '93.184.215.14'])) === 'allow',
    );
    expect(passed.map(({ technique }) => technique)).toEqual(['redirect-service']);
  });
});
