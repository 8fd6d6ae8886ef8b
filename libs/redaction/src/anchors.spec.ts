import * as fc from 'fast-check';
import { bitsOf, machineOf } from './anchors.js';
import { glanceAt, signsOf } from './glance.js';
import { DISGUISED, HARD_NEGATIVES, POSITIVES } from './redaction.fixture.js';
import { OWN_RULES } from './rules.js';
import { ownGlanceAt, soughtOf } from './sought.js';

const RULES = [
  { anchors: ['she', 'hers'], anyCase: true },
  { anchors: ['He', '#:#'], anyCase: false },
  { anchors: ['\u00e9t\u00e9'], anyCase: true },
  { anchors: [], anyCase: true },
];
const machine = machineOf(RULES);

/** Which of the rules a text opens. */
function openedBy(text: string): number[] {
  const { low } = glanceAt(text, machine, signsOf(machine));
  return RULES.flatMap((_, index) => ((low & (1 << index)) === 0 ? [] : [index]));
}

describe('one pass over a text', () => {
  it.each([
    ['ushers', [0, 3]],
    ['HERS', [0, 3]],
    ['hher', [3]],
    ['He', [1, 3]],
    ['he', [3]],
    ['at 12:30', [1, 3]],
    ['12-30:', [3]],
    ['\u00e0', [2, 3]],
    ['sh\u00e9e', [2, 3]],
    ['', [3]],
  ])('opens of %j the rules whose anchors stand in it', (text, opened) => {
    expect(openedBy(text)).toEqual(opened);
  });

  it('counts digits of one number and the characters of the longest part', () => {
    expect(ownGlanceAt('4111-1111 1111.1111 and 22')).toMatchObject({ digits: 16, longest: 9 });
    expect(ownGlanceAt(`${'a'.repeat(70_000)} b`)).toMatchObject({ digits: 0, longest: 70_000 });
  });
});

describe('what a rule needs', () => {
  const words = [...POSITIVES, ...DISGUISED].map(({ text }) => text).concat(HARD_NEGATIVES);
  const part = fc.oneof(
    fc.constantFrom(...words),
    fc.constantFrom(...words.flatMap((word) => word.split(/(?<=[\s:=])/))),
    fc.string({ maxLength: 12 }),
    fc.stringMatching(/^[0-9 ().+-]{1,20}$/),
    fc.constantFrom('token", "val": "a1b2c3d4e5f6a7b8"', `authorization",'v':"a1b2c3d4e5f6a7b8'`),
    fc.constantFrom('celular ', 'page token', 'Token', 'SECRET', 'mysql ', '-p', '\u30d1\u30b9\u30ef\u30fc\u30c9'),
  );

  it('stands in every text in which its pattern finds something', () => {
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
        const text = parts.join('');
        const glance = ownGlanceAt(text);
        const missed = OWN_RULES.filter((rule) => {
          const { low, high } = bitsOf(OWN_RULES.indexOf(rule));
          rule.pattern.lastIndex = 0;
          const match = rule.pattern.exec(text);
          const isFound = match !== null && (rule.pick === undefined || rule.pick(match, text) !== undefined);
          const isAsked =
            (glance.low & low) + (glance.high & high) !== 0 &&
            glance.digits >= (rule.digits ?? 0) &&
            glance.longest >= (rule.run ?? 0);
          return isFound && !isAsked && rule.gate?.test(text) !== false;
        });
        expect(missed).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is asked only for the kinds that are looked for', () => {
    const { low, high } = soughtOf(['iban']);
    const asked = OWN_RULES.filter((_, index) => (bitsOf(index).low & low) + (bitsOf(index).high & high) !== 0);
    expect(asked.map(({ kind }) => kind)).toEqual(['iban']);
  });
});
