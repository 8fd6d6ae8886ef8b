import { readCatalogue } from '#writ/catalogue';
import type { CommandBody, Json, JsonObject, Obligation } from '#writ/contracts';
import { CredentialBroker } from '#writ/credentials';
import type { CredentialUse, RunResult } from '#writ/execution';
import { Fault } from '#writ/faults';
import type { OutboundAnswer, OutboundRequest } from '#writ/outbound';
import { FetchRunner } from './fetch-runner.js';

const catalogue = readCatalogue(
  `
version: 1
ledger: example.org/default/0
destinations:
  crm.api:
    origin: https://api.crm.example
    methods: [GET, POST]
    paths: [/v1]
    credential: crm
    timeoutMs: 1234
    responseBytesMax: 4321
  local:
    origin: http://127.0.0.1:8080
    internal: true
  strict:
    origin: https://strict.example
    tls: { minVersion: TLSv1.3, caFile: ca.pem, pins: [sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=] }
    http2: true
  lost:
    origin: https://lost.example
    tls: { caFile: gone.pem }
credentials:
  crm:
    from: { env: CRM_TOKEN }
    origins: [https://api.crm.example]
`,
  { file: 'writ.yaml', baseDirectory: '/', environment: {} },
);

const credentials = new CredentialBroker(catalogue.config.credentials, {
  env: () => 'crm-token-value',
  readFile: () => Promise.reject(new Error('no files here')),
});

/** An outbound adapter that remembers what it was asked and answers what it is told. */
class FakeOutbound {
  readonly sent: OutboundRequest[] = [];

  constructor(private readonly answer: Partial<OutboundAnswer> | Fault) {}

  readonly send = async (request: OutboundRequest): Promise<OutboundAnswer> => {
    this.sent.push(request);
    const { credential } = request;
    const echoed = !(this.answer instanceof Fault) && this.answer.echoed === true;
    if (credential !== undefined) {
      request.onCredentialSent?.({ name: credential.name, origin: credential.origin, echoed });
    }
    if (this.answer instanceof Fault) throw this.answer;
    return { status: 200, headers: {}, body: Buffer.alloc(0), echoed: false, ...this.answer };
  };
}

function command(args: JsonObject, changes: Partial<CommandBody> = {}): CommandBody {
  const resource = changes.resource ?? 'crm.api';
  return {
    tenant: 'default',
    agent: 'support',
    call: 'c1',
    kind: 'egress.fetch',
    executor: 'egress',
    delivery: 'once',
    pool: 'default',
    resource,
    dig: catalogue.destinations.get(resource)?.digest ?? '',
    args,
    obligations: [],
    takeBy: 0,
    finishBy: 0,
    reply: '_R_.x.y',
    ...changes,
  };
}

const GET: JsonObject = { url: 'https://api.crm.example/v1/customers?q=1', method: 'GET', headers: {} };

function run(outbound: FakeOutbound, body: CommandBody, told: CredentialUse[] = []): Promise<RunResult> {
  const readFile = async (path: string) => {
    if (path !== 'ca.pem') throw new Error('no such file');
    return 'authorities';
  };
  const runner = new FetchRunner(catalogue, { credentials, send: outbound.send, readFile });
  return runner.run(body, new AbortController().signal, (use) => told.push(use));
}

describe('FetchRunner', () => {
  it('sends what was decided, with the credential and the limits of the destination', async () => {
    const outbound = new FakeOutbound({
      status: 201,
      headers: { 'content-type': 'application/json', server: 'nginx', 'x-powered-by': 'php', etag: '"1"' },
      body: Buffer.from('{"id":1}'),
      echoed: true,
    });
    const args = { ...GET, method: 'POST', headers: { accept: '*/*' }, body: 'hello' };
    const told: CredentialUse[] = [];
    const result = await run(outbound, command(args), told);
    expect(outbound.sent).toEqual([
      expect.objectContaining({ ...args, internal: false, timeoutMs: 1234, responseBytesMax: 4321 }),
    ]);
    const injected = outbound.sent[0]?.credential?.apply({ method: 'GET', url: 'https://a.example/', headers: {} });
    expect((await injected)?.headers).toEqual({ authorization: 'Bearer crm-token-value' });
    expect(result).toEqual({
      output: { status: 201, headers: { 'content-type': 'application/json', etag: '"1"' }, body: '{"id":1}' },
      bytes: 8,
    });
    expect(told).toEqual([{ name: 'crm', origin: 'https://api.crm.example', echoed: true }]);
  });

  it('wants of TLS and HTTP/2 what the destination wants, and sends nothing when its authorities cannot be read', async () => {
    const outbound = new FakeOutbound({});
    await run(outbound, command({ ...GET, url: 'https://strict.example/' }, { resource: 'strict' }));
    const pins = ['sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='];
    expect(outbound.sent[0]?.tls).toEqual({ minVersion: 'TLSv1.3', ca: 'authorities', pins });
    expect(outbound.sent[0]?.http2).toBe(true);
    const lost = run(outbound, command({ ...GET, url: 'https://lost.example/' }, { resource: 'lost' }));
    await expect(lost).rejects.toMatchObject({ code: 'EXECUTOR_UNREACHABLE' });
    expect(outbound.sent).toHaveLength(1);
  });

  it('sends no credential where the destination has none', async () => {
    const outbound = new FakeOutbound({});
    const told: CredentialUse[] = [];
    await run(outbound, command({ ...GET, url: 'http://127.0.0.1:8080/' }, { resource: 'local' }), told);
    expect(outbound.sent[0]).toMatchObject({ internal: true, credential: undefined });
    expect(told).toEqual([]);
  });

  it('gives the status of an error as an answer, for the agent asked the service and not Writ', async () => {
    const { output } = await run(new FakeOutbound({ status: 404, body: Buffer.from('no') }), command(GET));
    expect(output).toEqual({ status: 404, headers: {}, body: 'no' });
  });

  it.each<[string, Buffer]>([
    ['is not UTF-8', Buffer.from([0xff, 0xfe, 0x41])],
    ['has a NUL', Buffer.from('a\0b')],
  ])('gives a body that %s in base64, and withholds it when the output is to be redacted', async (_case, body) => {
    const obligations: Obligation[] = [{ type: 'redact', target: 'output', detectors: ['email'] }];
    const expected: Json = { status: 200, headers: {}, body: body.toString('base64'), encoding: 'base64' };
    expect((await run(new FakeOutbound({ body }), command(GET))).output).toEqual(expected);
    await expect(run(new FakeOutbound({ body }), command(GET, { obligations }))).rejects.toMatchObject({
      code: 'EXECUTOR_REDACTION_FAILED',
    });
  });

  it.each<[string, JsonObject, Partial<CommandBody>, string]>([
    ['of a destination that is gone', GET, { resource: 'gone' }, 'COMMAND_TOOL_CHANGED'],
    ['of a destination that changed', GET, { dig: `sha256:${'0'.repeat(64)}` }, 'COMMAND_TOOL_CHANGED'],
    ['without a URL', { method: 'GET', headers: {} }, {}, 'EXECUTOR_FAILED'],
    ['for another host', { ...GET, url: 'https://evil.example/v1' }, {}, 'EXECUTOR_FAILED'],
    ['for another destination', { ...GET, url: 'http://127.0.0.1:8080/' }, {}, 'EXECUTOR_FAILED'],
    ['for another path', { ...GET, url: 'https://api.crm.example/admin' }, {}, 'EXECUTOR_FAILED'],
    ['by another method', { ...GET, method: 'DELETE' }, {}, 'EXECUTOR_FAILED'],
    ['with another spelling of its URL', { ...GET, url: 'https://API.crm.example/v1' }, {}, 'EXECUTOR_FAILED'],
    ['whose host was redacted', { ...GET, url: 'https://[redacted:email]/v1' }, {}, 'EXECUTOR_FAILED'],
  ])('sends nothing for a command %s', async (_case, args, changes, code) => {
    const outbound = new FakeOutbound({});
    await expect(run(outbound, command(args, changes))).rejects.toMatchObject({ code });
    expect(outbound.sent).toEqual([]);
  });

  it('sends a URL whose query was redacted', async () => {
    const outbound = new FakeOutbound({});
    const url = 'https://api.crm.example/v1/customers?mail=[redacted:email]';
    await run(outbound, command({ ...GET, url }));
    expect(outbound.sent[0]?.url).toBe(url);
  });

  it('passes the failure of a request on, and that its credential was used', async () => {
    const outbound = new FakeOutbound(new Fault('EXECUTOR_REDIRECTED', 'redirects are new decisions'));
    const told: CredentialUse[] = [];
    await expect(run(outbound, command(GET), told)).rejects.toMatchObject({ code: 'EXECUTOR_REDIRECTED' });
    expect(told).toEqual([{ name: 'crm', origin: 'https://api.crm.example', echoed: false }]);
  });
});
