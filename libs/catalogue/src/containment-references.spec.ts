import { readCatalogue } from './catalogue.js';

const read = (program: string, rest = 'agents: { crawler: {} }\negressProxy: {}\n') =>
  readCatalogue(
    `version: 1\nledger: test/default/0\n${rest}tools: { look: { kind: command, command: curl, input: {}, ${program} } }`,
    { file: 'writ.yaml', baseDirectory: '/etc/writ', environment: {} },
  );

describe('a program that reaches the egress proxy', () => {
  it('names the agent as which it asks, whether it is a command or an MCP server', () => {
    expect(read('egress: { as: crawler }').tool('look').declaration).toMatchObject({ egress: { as: 'crawler' } });
    const server =
      'agents: { crawler: {} }\negressProxy: {}\nmcpServers: { s: { command: x, egress: { as: crawler } } }\n';
    expect(read('', server).config.mcpServers['s']).toMatchObject({ egress: { as: 'crawler' } });
  });

  it.each([
    ['an agent that is not declared', 'egress: { as: nobody }', undefined, 'tools.look.egress.as'],
    ['no proxy', 'egress: { as: crawler }', 'agents: { crawler: {} }\n', 'there is no `egressProxy`'],
    [
      'no containment of its own',
      'egress: { as: crawler }, containment: none',
      undefined,
      '`containment: none` is none',
    ],
    [
      'no containment that is usual',
      'egress: { as: crawler }',
      'containment: none\nagents: { crawler: {} }\negressProxy: {}\n',
      '`containment: none` is none',
    ],
    ['too little memory', 'egress: { as: crawler }, memoryBytesMax: 268435455', undefined, 'at least 268435456'],
    ['too few processes', 'egress: { as: crawler }, processesMax: 31', undefined, 'at least 32'],
    ['nobody named', 'egress: {}', undefined, 'tools.look.egress.as'],
  ])('is refused at load with %s', (_case, program, rest, message) => {
    const refused = { code: 'CONFIG_INVALID', message: expect.stringContaining(message) };
    expect(() => read(program, rest)).toThrow(expect.objectContaining(refused));
  });

  it('is another tool as another agent, so that a decision for one does not run the other', () => {
    const rest = 'agents: { crawler: {}, other: {} }\negressProxy: {}\n';
    const digests = ['crawler', 'other'].map((agent) => read(`egress: { as: ${agent} }`, rest).tool('look').digest);
    expect(new Set(digests).size).toBe(2);
  });
});
