import { toTsquery, toTsvector } from './lexemes.js';

describe('the words of a text', () => {
  it('stand with their places, in lower case, without English endings and without what says little', () => {
    expect(toTsvector('The Refunds of ACME, and refunded: ﬁsh')).toBe("'refund':1,3 'acme':2 'fish':4");
    expect(toTsquery('The Refunds of ACME, and refunded')).toBe("'refund' | 'acme'");
  });

  it.each(['', ' ', 'the of', "' \\ & | ! ( ) :* <->", '\0\ud800\udfff'])('are none in %j', (text) => {
    expect([toTsvector(text), toTsquery(text)]).toEqual(['', '']);
  });

  it('have no quote and no backslash in them, whatever the text', () => {
    const text = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code)).join('');
    const unquoted = toTsvector(text).replaceAll(/'[^'\\]+':[\d,]+/g, '');
    expect(unquoted.trim()).toBe('');
  });

  it('are at most so many, of a record and of a query', () => {
    const text = Array.from({ length: 20_000 }, (_, n) => `w${n.toString(36)}x`).join(' ');
    expect(toTsvector(text).split(' ')).toHaveLength(4_096);
    expect(toTsvector('word '.repeat(20_000))).toMatch(/,16383$/);
    expect(toTsquery(text).split(' | ')).toHaveLength(256);
  });

  it('are whole characters where a long run is cut through one', () => {
    const run = `a${'\u{20000}'.repeat(100)}`;
    expect(toTsvector(run).isWellFormed()).toBe(true);
  });
});
