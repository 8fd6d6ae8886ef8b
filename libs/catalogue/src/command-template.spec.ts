import { fillCommand } from './command-template.js';
import { readCatalogue } from './catalogue.js';

const fill = (args: readonly string[], values: Record<string, string | number>) =>
  fillCommand({ args: [...args] }, values);

describe('the arguments of a command', () => {
  it('are whole elements, whatever they hold', () => {
    const hostile = 'a b; rm -rf / $(id) `id` "\' {{other}} \n';
    expect(fill(['grep', '{{text}}', 'file'], { text: hostile })).toEqual({ args: ['grep', hostile, 'file'] });
  });

  it.each([
    ['begins with -', ['{{a}}'], { a: '--exec=id' }, 'could take it for an option'],
    ['is a negative number', ['{{a}}'], { a: -1 }, 'could take it for an option'],
    ['has a NUL', ['{{a}}'], { a: 'x\0y' }, 'cannot be one of a command'],
    ['is missing', ['{{a}}'], {}, 'needs the argument `a`'],
  ])('are refused when one %s', (_case, args, values, problem) => {
    expect(fill(args, values as Record<string, string>)).toEqual({ problem: expect.stringContaining(problem) });
  });

  it('may begin with - behind the end of options', () => {
    expect(fill(['-n', '--', '{{a}}'], { a: '-rf' })).toEqual({ args: ['-n', '--', '-rf'] });
    expect(fill(['{{a}}', '--', '{{a}}'], { a: '-rf' })).toHaveProperty('problem');
  });
});

describe('a tool of kind command', () => {
  const read = (tool: string, config = '') =>
    readCatalogue(`version: 1\nledger: a/b/0\n${config}\ntools: { t: { kind: command, command: jq, ${tool} } }`, {
      file: 'writ.yaml',
      baseDirectory: '/',
      environment: {},
    });
  const INPUT = 'input: { required: [a], properties: { a: { type: string } } }';

  it('refuses arguments that its program could misread, before anybody decides on them', () => {
    const tool = read(`args: ['{{a}}'], ${INPUT}`).tool('t');
    expect(() => tool.validateArguments({ a: '--from-file=/etc/passwd' })).toThrow(
      expect.objectContaining({ code: 'INPUT_ARGUMENTS_INVALID' }),
    );
    expect(tool.validateArguments({ a: '.x' })).toBeUndefined();
  });

  it('is another tool with other arguments, and not with other secrets', () => {
    const digest = (more: string) => read(`args: ['{{a}}'], ${INPUT}, ${more}`).tool('t').digest;
    expect(digest('env: { KEY: one }')).toBe(digest('env: { KEY: two }'));
    expect(digest('read: [/data]')).not.toBe(digest('read: [/]'));
  });

  it.each([
    ['a place in a larger element', `args: ['--x={{a}}'], ${INPUT}`, '', 'is not a whole element'],
    ['a place without an argument', `args: ['{{b}}'], ${INPUT}`, '', 'the argument `b` is not in the schema'],
    ['an argument without a place', `args: ['.'], ${INPUT}`, '', 'the argument `a` has no place'],
    ['an optional argument', "args: ['{{a}}'], input: { properties: { a: { type: string } } }", '', 'must be required'],
    [
      'less containment than is required',
      `args: ['{{a}}'], ${INPUT}, containment: none`,
      'containment: required',
      'must not be weaker',
    ],
    [
      'a path that it could replace by a link',
      `args: ['{{a}}'], ${INPUT}, write: [/w], read: [/w/x/../sub]`,
      '',
      'below one that the program may write to',
    ],
  ])('is refused with %s', (_case, tool, config, problem) => {
    expect(() => read(tool, config)).toThrow(problem);
  });

  it('may read all its arguments from stdin instead', () => {
    expect(read(`stdin: json, ${INPUT}`).tools.size).toBe(1);
  });
});
