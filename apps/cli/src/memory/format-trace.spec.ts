import { existsSync, readFileSync } from 'node:fs';
import { formatTrace } from './format-trace.js';

const NAUGHTY = new URL('../../../../../shared/benchmarks/conformance/naughty-strings.json', import.meta.url);
const use = { namespace: 'notes', agent: 'bob', call: 'c-2', at: '2026-11-22T05:30:00.123Z', entry: '01JD' };
const known = { unopened: 0, indeterminate: 0 };

describe('formatTrace', () => {
  it('has a line for each use, with whose record it was and which call wrote it', () => {
    const uses = [
      { ...use, how: 'write' as const, call: 'c-1', owner: 'ada' },
      { ...use, how: 'read' as const, owner: 'ada', writtenBy: 'c-1' },
      { ...use, how: 'delete' as const, deleted: 1, asked: 3 },
    ];
    expect(formatTrace('n', { uses, ...known }).split('\n')).toEqual([
      '2026-11-22T05:30:00.123Z  write   notes  bob  call c-1  entry 01JD',
      '2026-11-22T05:30:00.123Z  read    notes  bob  call c-2  entry 01JD  of ada, written in c-1',
      '2026-11-22T05:30:00.123Z  delete  notes  bob  call c-2  entry 01JD  1 deleted of 3 ids',
    ]);
  });

  it('says what it does not know', () => {
    const text = formatTrace('n', { uses: [], unopened: 2, indeterminate: 1 });
    expect(text).toContain('no call on record used a record `n`');
    expect(text).toContain('of 2 more memory calls the values are not stored any more');
    expect(text).toContain('of 1 more memory calls nobody can say whether they ran');
  });
});

const describeIfPresent = existsSync(NAUGHTY) ? describe : describe.skip;
describeIfPresent('formatTrace of the big list of naughty strings', () => {
  it('commands no terminal and breaks no line', () => {
    const { strings } = JSON.parse(readFileSync(NAUGHTY, 'utf8')) as { strings: string[] };
    for (const naughty of strings) {
      const uses = [{ ...use, how: 'read' as const, call: naughty, owner: naughty, writtenBy: naughty }];
      const text = formatTrace(naughty, { uses, ...known });
      expect(text.split('\n')).toHaveLength(1);
      // oxlint-disable-next-line no-control-regex
      expect(text).not.toMatch(/[\0-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    }
  });
});
