import { readCatalogue } from './catalogue.js';
import { fillBody } from './http-body.js';

const FILE = { name: 'file', mediaType: 'application/octet-stream' };
const multipart = (files: Record<string, object>, args: Record<string, string>) => {
  const whole = Object.entries(files).map(([name, file]) => [name, { ...FILE, ...file }]);
  return fillBody({ body: 'multipart', files: Object.fromEntries(whole) }, args);
};
const boundaryOf = (filled: ReturnType<typeof fillBody>) =>
  'body' in filled ? /boundary=(\S+)$/.exec(filled.contentType)?.[1] : undefined;

function declare(settings: string) {
  return () =>
    readCatalogue(
      `version: 1
ledger: test/default/0
tools:
  a:
    kind: http
    url: https://a.example/{id}
    ${settings}
    input: { required: [id, doc], properties: { id: { type: string }, doc: { type: string }, n: { type: integer } } }`,
      { file: 'writ.yaml', baseDirectory: '/', environment: {} },
    );
}

describe('fillBody', () => {
  it('writes null into no form, and a text as it is', () => {
    const form = fillBody({ body: 'form', files: {} }, { a: null, b: [1, null, true], c: 'x y', d: {} });
    expect(form).toEqual({ body: 'b=1&b=true&c=x+y&d=%7B%7D', contentType: 'application/x-www-form-urlencoded' });
  });

  it('makes the same bytes of the same arguments, and another boundary of others', () => {
    const one = multipart({}, { a: 'x' });
    expect(multipart({}, { a: 'x' })).toEqual(one);
    expect(boundaryOf(multipart({}, { a: `--${boundaryOf(one)}--` }))).not.toBe(boundaryOf(one));
  });

  it('lets no name of an argument or a file end its header', () => {
    const filled = multipart({ f: { nameFrom: 'n' } }, { f: 'aGk=', n: 'a";x.png', 'b"\r\nc: d': 'x' });
    const text = 'body' in filled ? filled.body.toString() : '';
    expect(text).toContain('name="f"; filename="a%22;x.png"\r\ncontent-type: application/octet-stream\r\n\r\nhi\r\n');
    expect(text).toContain('name="b%22%0D%0Ac: d"\r\n\r\nx\r\n');
  });

  it.each([
    ['no base64', { f: 'a' }, 'is no base64'],
    ['base64 of another alphabet', { f: 'ab_-' }, 'is no base64'],
    ['a path for a name', { f: '', n: '../x' }, 'cannot be the name of a file'],
    ['a name that breaks the line', { f: '', n: 'a\r\nb' }, 'cannot be the name of a file'],
    ['a media type that breaks the line', { f: '', t: 'a/b\r\nx: y' }, 'is no media type'],
    ['a media type with parameters', { f: '', t: 'multipart/mixed; boundary=x' }, 'is no media type'],
  ])('refuses %s', (_case, args, problem) => {
    expect(multipart({ f: { nameFrom: 'n', mediaTypeFrom: 't' } }, args)).toMatchObject({
      problem: expect.stringContaining(problem),
    });
  });
});

describe('the body of an HTTP tool', () => {
  it('is checked before anybody decides on the call', () => {
    const catalogue = declare('method: POST\n    body: multipart\n    files: { doc: {} }')();
    expect(() => catalogue.tool('a').validateArguments({ id: '1', doc: '!' })).toThrow('`doc` is no base64');
    expect(() => catalogue.tool('a').validateArguments({ id: '1', doc: 'aGk=' })).not.toThrow();
  });

  it.each([
    ['a form that goes nowhere', 'method: GET\n    body: form', 'means nothing with GET'],
    ['files in JSON', 'method: POST\n    files: { doc: {} }', 'parts of a body that is `multipart`'],
    ['a file that is no argument', 'method: POST\n    body: multipart\n    files: { x: {} }', '`x` must be in `input`'],
    ['a file that is a number', 'method: POST\n    body: multipart\n    files: { n: {} }', 'of type string'],
    ['a file in the URL', 'method: POST\n    body: multipart\n    files: { id: {} }', 'a place in the URL'],
    [
      'one argument as two things',
      'method: POST\n    body: multipart\n    files: { doc: { nameFrom: doc } }',
      '`doc` is two things at once',
    ],
  ])('is refused with %s', (_case, settings, problem) => {
    expect(declare(settings)).toThrow(problem);
  });
});
