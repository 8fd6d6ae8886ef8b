import { readCatalogue } from './catalogue.js';

const read = (server: string) =>
  readCatalogue(
    `version: 1
ledger: test/default/0
credentials: { bot: { from: { env: BOT }, origins: ['https://a.example'] } }
mcpServers: { far: ${server} }
tools: { t: { kind: mcp, server: far, tool: t, input: {} } }`,
    { file: 'writ.yaml', baseDirectory: '/', environment: {} },
  );

describe('an MCP server elsewhere', () => {
  it('makes its tools others when it has another URL', () => {
    const [one, same, other] = [
      "'https://a.example/mcp', credential: bot",
      "'https://a.example/mcp'",
      "'https://b.example/mcp'",
    ].map((url) => read(`{ url: ${url} }`).tool('t').digest);
    expect(one).toBe(same);
    expect(other).not.toBe(one);
  });

  it.each([
    ['is no URL', "{ url: 'a.example' }", 'url`: must start with http'],
    ['takes arguments', "{ url: 'https://a.example/{id}' }", 'url`: takes no arguments'],
    ['is not canonical', "{ url: 'https://a.example/a/../b' }", 'url`: must be written in canonical form'],
    ['gets a credential of another origin', "{ url: 'https://b.example/', credential: bot }", 'may not go to'],
    ['has a secret in a header', "{ url: 'https://a.example/', headers: { Authorization: x } }", 'headers'],
    [
      'has a header of the protocol',
      "{ url: 'https://a.example/', headers: { Mcp-Session-Id: x } }",
      'of the protocol',
    ],
    ['wants TLS where there is none', "{ url: 'http://a.example/', tls: {} }", 'tls`: means nothing'],
    ['is a program too', "{ url: 'https://a.example/', command: x }", 'there is no such field'],
    ['is nothing', '{ requirePins: true }', 'mcpServers.far'],
  ])('is refused when it %s', (_case, server, problem) => {
    expect(() => read(server)).toThrow(problem);
  });
});
