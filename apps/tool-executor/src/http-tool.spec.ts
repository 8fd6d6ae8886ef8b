import { readCatalogue } from '#writ/catalogue';
import type { CommandBody, JsonObject } from '#writ/contracts';
import type { LeasedCredential } from '#writ/credentials';
import type { CredentialUse } from '#writ/execution';
import { Fault } from '#writ/faults';
import type { OutboundAnswer, OutboundRequest } from '#writ/outbound';
import { HttpToolRunner } from './http-tool.js';

const catalogue = readCatalogue(
  `version: 1
ledger: test/default/0
tools:
  user.get:
    kind: http
    method: GET
    url: https://a.example/users/{id}?v=2
    input: { required: [id], properties: { id: { type: string }, tag: { type: array, items: { type: string } } } }
  user.post:
    kind: http
    method: POST
    url: https://a.example/users/{id}
    credential: bot
    idempotent: true
    internal: true
    outputBytesMax: 1000
    headers: { X-Client: writ }
    input: { required: [id], properties: { id: { type: string }, text: { type: string } } }
credentials: { bot: { from: { env: BOT }, origins: ['https://a.example'] } }`,
  { file: 'writ.yaml', baseDirectory: '/', environment: {} },
);

const { signal } = new AbortController();
const credential = { name: 'bot', origin: 'https://a.example' } as LeasedCredential;

function setup(answer: { status?: number; type?: string; body?: string | Buffer; echoed?: boolean } = {}) {
  const sent: OutboundRequest[] = [];
  const leased: string[] = [];
  const told: CredentialUse[] = [];
  const runner = new HttpToolRunner(
    {
      lease: async (name, origin) => {
        leased.push(`${name} for ${origin}`);
        return credential;
      },
    },
    async (request): Promise<OutboundAnswer> => {
      sent.push(request);
      request.onCredentialSent?.({ name: 'bot', origin: 'https://a.example', echoed: answer.echoed ?? false });
      const { status = 200, type = 'application/json; charset=utf-8', body = '{"ok":true}', echoed = false } = answer;
      return { status, headers: { 'content-type': type }, body: Buffer.from(body), truncated: false, echoed };
    },
  );
  const run = (name: string, args: JsonObject) => {
    const command = { tenant: 'default', agent: 'support', call: 'c-1', args } as unknown as CommandBody;
    return runner.run(catalogue.tool(name), { command, signal, onCredential: (use) => told.push(use) });
  };
  return { sent, leased, told, run };
}

describe('HttpToolRunner', () => {
  it('puts arguments into the path and the query of a GET', async () => {
    const { run, sent, leased } = setup();
    expect(await run('user.get', { id: 'ä/'.slice(0, 1), tag: ['x', 'y z'] })).toEqual({
      output: { ok: true },
      bytes: 11,
    });
    expect(sent).toMatchObject([
      { method: 'GET', url: 'https://a.example/users/%C3%A4?v=2&tag=x&tag=y%20z', internal: false, timeoutMs: 10_000 },
    ]);
    expect(sent[0]?.body).toBeUndefined();
    expect(sent[0]?.headers).not.toHaveProperty('idempotency-key');
    expect(leased).toEqual([]);
  });

  it('puts the rest into the JSON body of a POST, with the credential by name and the key of the call', async () => {
    const { run, sent, leased, told } = setup({ echoed: true });
    await run('user.post', { id: 'u1', text: 'hi' });
    expect(sent).toMatchObject([
      {
        method: 'POST',
        url: 'https://a.example/users/u1',
        body: '{"text":"hi"}',
        internal: true,
        responseBytesMax: 1000,
        credential,
        headers: { 'x-client': 'writ', 'content-type': 'application/json', 'idempotency-key': 'default/support/c-1' },
      },
    ]);
    expect(leased).toEqual(['bot for https://a.example']);
    expect(told).toEqual([{ name: 'bot', origin: 'https://a.example', echoed: true }]);
  });

  it('gives text that is not JSON as text', async () => {
    expect((await setup({ type: 'text/plain', body: '{"a":1}' }).run('user.get', { id: 'a' })).output).toBe('{"a":1}');
    expect((await setup({ type: 'application/problem+json', body: '1' }).run('user.get', { id: 'a' })).output).toBe(1);
    expect((await setup({ body: '' }).run('user.get', { id: 'a' })).output).toBe('');
  });

  it.each([
    [
      'an error status, telling nothing of its text',
      { status: 500, body: '{"secret":1}' },
      'EXECUTOR_FAILED',
      'status 500',
    ],
    ['a key twice', { body: '{"a":1,"a":2}' }, 'EXECUTOR_BAD_ANSWER', 'carried exactly'],
    ['a number that is not carried exactly', { body: '9007199254740993' }, 'EXECUTOR_BAD_ANSWER', 'carried exactly'],
    ['bytes that are not text', { type: 'image/png', body: Buffer.from([0xff]) }, 'EXECUTOR_BAD_ANSWER', 'not text'],
  ])('fails on %s', async (_case, answer, code, message) => {
    const fault = await setup(answer)
      .run('user.get', { id: 'a' })
      .catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(Fault);
    expect(fault).toMatchObject({ code, message: expect.stringContaining(message) });
    expect((fault as Fault).message).not.toContain('secret');
  });

  it('sends nothing when an argument cannot stand in the path', async () => {
    const { run, sent } = setup();
    await expect(run('user.get', { id: '../admin' })).rejects.toMatchObject({ code: 'EXECUTOR_FAILED' });
    expect(sent).toEqual([]);
  });
});
