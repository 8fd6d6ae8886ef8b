import { existsSync } from 'node:fs';
import { at, read } from './repository.js';

const ATTACKS = '../shared/benchmarks/attacks-visible.json';
const AREAS: ReadonlySet<string> = new Set([
  'identity',
  'broker',
  'wire',
  'toctou',
  'executor',
  'egress',
  'redaction',
  'availability',
  'policy',
  'siem',
  'ledger',
  'memory',
]);

const model = read('docs/threat-model.md');
const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ');
const tests = [...model.matchAll(/`((?:apps|libs|test|examples)\/[^`]+\.spec\.ts)` › “([^”]+)”/g)].map(
  ([, file = '', name = '']) => ({ file, name }),
);

describe('docs/threat-model.md', () => {
  it('names tests that exist', () => {
    expect(tests.length).toBeGreaterThan(50);
    const missing = tests.filter(
      ({ file, name }) => !existsSync(at(file)) || !oneLine(read(file)).includes(oneLine(name)),
    );
    expect(missing).toEqual([]);
  });

  it('names a test in every line, or says why there is none', () => {
    const rows = model.split('\n').filter((line) => line.startsWith('| ') && !/^\| (---|case|tries to)/.test(line));
    const untested = rows.filter((row) => !row.includes('.spec.ts` › “'));
    expect(untested.filter((row) => !/not prevented|does not apply yet|on record/.test(row))).toEqual([]);
  });
});

(existsSync(at(ATTACKS)) ? describe : describe.skip)('docs/threat-model.md on the published attacks', () => {
  it('answers every case of its areas', () => {
    const cases = JSON.parse(read(ATTACKS)) as readonly { readonly id: string; readonly area: string }[];
    const ids = cases.filter(({ area }) => AREAS.has(area)).map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(0);
    expect(ids.filter((id) => !model.includes(`| ${id} `))).toEqual([]);
  });

  it('has the id of every case in the name of a test, unless it does not apply yet', () => {
    const rows = model.split('\n').filter((line) => /^\| [A-Z]+-\d\d /.test(line));
    const missing = rows.filter((row) => {
      const id = /^\| ([A-Z]+-\d\d)/.exec(row)?.[1] ?? '';
      const files = [...row.matchAll(/`([^`]+\.spec\.ts)`/g)].map(([, file = '']) => file);
      return (
        !row.includes('does not apply yet') &&
        !row.includes('do not apply yet') &&
        !files.some((file) => read(file).includes(id))
      );
    });
    expect(missing.map((row) => row.slice(0, 40))).toEqual([]);
  });
});
