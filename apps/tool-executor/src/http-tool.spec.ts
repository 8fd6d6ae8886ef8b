import { readCatalogue } from '#writ/catalogue';
import type { CommandBody, JsonObject } from '#writ/contracts';
import type { LeasedCredential } from '#writ/credentials';
import type { CredentialUse } from '#writ/execution';
import { Fault } from '#writ/faults';
import type { OutboundAnswer, WholeRequest } from '#writ/outbound';
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
  user.form:
    kind: http
    method: POST
    url: https://a.example/users/{id}
    body: form
    input:
      required: [id]
      properties:
        id: { type: string }
        tag: { type: array, items: { type: string } }
        more: { type: object, properties: { a: { type: integer } } }
  user.photo:
    kind: http
    method: POST
    url: https://a.example/photos
    body: multipart
    headers: { Content-Type: text/plain }
    files: { photo: { nameFrom: name, mediaType: image/png } }
    input: { required: [photo], properties: { photo: { type: string }, name: { type: string }, text: { type: string } } }
  user.all: { kind: http, method: GET, url: 'https://a.example/all', outputBytesMax: 20, onOversize: cut, input: {} }
  user.watch: { kind: http, method: GET, url: 'https://a.example/watch', outputBytesMax: 200, input: {} }
credentials: { bot: { from: { env: BOT }, origins: ['https://a.example'] } }`,
  { file: 'writ.yaml', baseDirectory: '/', environment: {} },
);

const { signal } = new AbortController();
const credential = { name: 'bot', origin: 'https://a.example' } as LeasedCredential;

interface TestAnswer {
  readonly status?: number;
  readonly type?: string;
  readonly body?: string | Buffer;
  readonly echoed?: boolean;
  readonly cut?: 'size' | 'time';
}

function setup(answer: TestAnswer = {}) {
  const sent: WholeRequest[] = [];
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
      const {
        status = 200,
        type = 'application/json; charset=utf-8',
        body = '{"ok":true}',
        echoed = false,
        cut,
      } = answer;
      return { status, headers: { 'content-type': type }, body: Buffer.from(body), echoed, ...(cut && { cut }) };
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

  it('sends a form: a list as a member for each element, an object as JSON', async () => {
    const { run, sent } = setup();
    await run('user.form', { id: 'u1', tag: ['x', 'y&z'], more: { a: 1 } });
    expect(sent).toMatchObject([
      {
        url: 'https://a.example/users/u1',
        body: 'tag=x&tag=y%26z&more=%7B%22a%22%3A1%7D',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      },
    ]);
  });

  it('sends a file that came in base64 as a part of a multipart body, whatever header is declared', async () => {
    const { run, sent } = setup();
    await run('user.photo', { photo: Buffer.from([0, 255, 13, 10]).toString('base64'), name: 'a"b.png', text: 'ä' });
    const { body, headers } = sent[0] ?? {};
    const parsed = await new Response(body as Buffer, { headers: headers ?? {} }).formData();
    expect([...parsed.keys()]).toEqual(['photo', 'text']);
    expect(parsed.get('text')).toBe('ä');
    const photo = parsed.get('photo') as File;
    expect(photo).toMatchObject({ name: 'a"b.png', type: 'image/png' });
    expect([...new Uint8Array(await photo.arrayBuffer())]).toEqual([0, 255, 13, 10]);
  });

  it('gives the events of a stream, and a note when the stream was cut', async () => {
    const type = 'text/event-stream; charset=utf-8';
    const body = 'id: 1\ndata: a\n\ndata: not whole';
    const events = [{ event: 'message', data: 'a', id: '1' }];
    const time = 'cut: the stream had not ended at the time limit of the tool';
    const size = 'cut: the stream went on beyond the size limit of the tool';
    expect((await setup({ type, body }).run('user.watch', {})).output).toEqual({ events });
    expect((await setup({ type, body, cut: 'time' }).run('user.watch', {})).output).toEqual({ events, note: time });
    const many = await setup({ type, body: 'data: x\n\n'.repeat(100) }).run('user.watch', {});
    expect(many.output).toMatchObject({ note: size });
    expect(JSON.stringify(many.output).length).toBeLessThan(200 + size.length + 12);
  });

  it('lets nothing but a stream of events be cut', async () => {
    const { run, sent } = setup();
    await run('user.watch', {});
    const cuts = ['text/event-stream', 'text/plain', 'application/json'].map((type) => sent[0]?.cuts?.(type));
    expect(cuts).toEqual([{ atDeadline: true }, undefined, undefined]);
  });

  it('reads more than the limit where the answer is to be cut: of JSON all, of text the beginning', async () => {
    const { run, sent } = setup({ type: 'text/plain', body: Buffer.from('aä').subarray(0, 2), cut: 'size' });
    expect(await run('user.all', {})).toEqual({ output: 'a', bytes: 2, cut: { bytesMax: 20, hasMore: true } });
    expect(sent[0]?.responseBytesMax).toBe(1_048_576);
    const cuts = ['text/plain', 'application/json'].map((type) => sent[0]?.cuts?.(type));
    expect(cuts).toEqual([{ atDeadline: false }, undefined]);
    expect(await setup({ body: '[1,2]' }).run('user.all', {})).toMatchObject({
      output: [1, 2],
      cut: { hasMore: false },
    });
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
