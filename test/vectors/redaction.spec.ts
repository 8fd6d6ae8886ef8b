import { existsSync, readFileSync } from 'node:fs';
import { OWN_DETECTORS } from '#writ/contracts';
import { CredentialBroker } from '#writ/credentials';
import { parseDestination } from '#writ/egress-rules';
import { Fault } from '#writ/faults';
import { compileRedaction } from '#writ/redaction';
import { openToken, readToken, tokeniserOf } from '#writ/vault';

const file = new URL('../../../shared/benchmarks/conformance/naughty-strings.json', import.meta.url);
const strings = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { strings: string[] }).strings : [];

(strings.length > 0 ? describe : describe.skip)('the naughty strings', () => {
  it('are redacted as text and as keys, the same each time, and stand still when redacted again', () => {
    const redactor = compileRedaction([{ type: 'redact', target: 'output', detectors: [...OWN_DETECTORS] }], 'output');
    for (const text of strings) {
      const once = redactor?.redact({ text, [text]: [text] });
      expect(redactor?.redact({ text, [text]: [text] })).toEqual(once);
      expect(redactor?.redact(once?.value ?? null)).toEqual({ value: once?.value, redactions: [] });
    }
  });

  it('come back from tokens to the letter', () => {
    const key = { name: 'payloadkey.default.support.2026-11-22-00.exec-1', key: Buffer.alloc(32, 7) };
    const redactor = compileRedaction(
      [{ type: 'redact', target: 'output', paths: ['/text'], action: 'tokenise' }],
      'output',
    );
    for (const text of strings) {
      const shown = redactor?.redact({ text }, tokeniserOf(key)).value as { text: string } | undefined;
      const token = readToken(shown?.text ?? '');
      expect(token && openToken(key, token)).toBe(text.toWellFormed());
    }
  });

  it('are refused as URLs, or have one canonical form', () => {
    for (const text of strings) {
      for (const url of [text, `https://${text}/`, `https://api.example.com/${text}`]) {
        let canonical: string;
        try {
          canonical = parseDestination(url).url;
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(Fault);
          continue;
        }
        expect(parseDestination(canonical).url).toBe(canonical);
      }
    }
  });

  it('come through a scrubber that finds nothing in them', async () => {
    const record = { from: { env: 'X' }, origins: ['https://a.example'], header: 'x-key', format: '{}' };
    const sources = { env: () => 'a-secret-that-is-not-naughty', readFile: async () => '' };
    const credential = await new CredentialBroker({ key: record }, sources).lease('key', 'https://a.example');
    for (const text of strings) expect(credential.scrubText(text)).toEqual({ text, found: false });
  });
});
