import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Fault } from '#writ/faults';
import { createAccessServer } from './access-server.js';
import { AccessTokens } from './access-tokens.js';
import { AccessInMemory, mail, MAIL_WORLD } from './access.fixture.js';

const tokenOf = (letter: string) => letter.repeat(43);
const tokens = new AccessTokens(
  { gateway: { rights: ['evaluate'] }, auditor: { rights: ['evaluate', 'explain'] }, reader: { rights: ['explain'] } },
  new Map([
    ['gateway', tokenOf('g')],
    ['auditor', tokenOf('a')],
    ['reader', tokenOf('r')],
  ]),
);

interface Sent {
  readonly path?: string;
  readonly method?: string;
  readonly token?: string | null;
  readonly type?: string;
  readonly id?: string;
  readonly body?: string | Uint8Array;
}

/** An access server over an access point in memory. */
class Running implements AsyncDisposable {
  readonly access = new AccessInMemory(MAIL_WORLD);
  readonly logged: string[] = [];
  #enter = (): void => undefined;
  /** An evaluation is in flight. */
  readonly entered = new Promise<void>((resolve) => (this.#enter = resolve));
  readonly #server: Server;

  private constructor({ inFlightMax = 64, timeoutMs = 5_000, hold = undefined as Promise<void> | undefined }) {
    const log = (fields: object, message: string) => void this.logged.push(JSON.stringify({ ...fields, message }));
    const { point } = this.access;
    if (hold !== undefined) {
      const evaluation = point.evaluation.bind(point);
      point.evaluation = (...asked) => {
        this.#enter();
        return hold.then(() => evaluation(...asked));
      };
    }
    this.#server = createAccessServer({
      point,
      tokens,
      requestsInFlightMax: inFlightMax,
      requestTimeoutMs: timeoutMs,
      publicUrl: () => 'https://pdp.example.com',
      log: { info: log, error: log },
    });
  }

  static async start(options: { inFlightMax?: number; timeoutMs?: number; hold?: Promise<void> } = {}) {
    const running = new Running(options);
    running.#server.listen(0, '127.0.0.1');
    await once(running.#server, 'listening');
    return running;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  send(sent: Sent = {}): Promise<Response> {
    const { path = '/access/v1/evaluation', method = 'POST', token = tokenOf('g'), type = 'application/json' } = sent;
    return fetch(`http://127.0.0.1:${this.port}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(method === 'POST' ? { 'content-type': type } : {}),
        ...(sent.id === undefined ? {} : { 'x-request-id': sent.id }),
      },
      ...(method === 'POST' ? { body: sent.body ?? JSON.stringify(mail()) } : {}),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

describe('the access API', () => {
  it('answers an evaluation, echoes the request id, and is not cached', async () => {
    await using api = await Running.start();
    const answer = await api.send({ id: 'r-17' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-request-id')).toBe('r-17');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    await expect(answer.json()).resolves.toMatchObject({ decision: true, context: { code: 'permit' } });
    expect(api.access.recorded).toMatchObject([{ type: 'access.evaluated', req: { xid: 'r-17' } }]);
  });

  it('answers many evaluations', async () => {
    await using api = await Running.start();
    const body = JSON.stringify({ ...mail(), evaluations: [{}, { subject: { type: 'agent', id: 'nobody' } }] });
    const answer = await api.send({ path: '/access/v1/evaluations', body });
    await expect(answer.json()).resolves.toMatchObject({ evaluations: [{ decision: true }, { decision: false }] });
  });

  it('says where it is to anybody', async () => {
    await using api = await Running.start();
    const answer = await api.send({ path: '/.well-known/authzen-configuration', method: 'GET', token: null });
    expect(answer.status).toBe(200);
    await expect(answer.json()).resolves.toMatchObject({
      policy_decision_point: 'https://pdp.example.com',
      access_evaluation_endpoint: 'https://pdp.example.com/access/v1/evaluation',
      access_evaluations_endpoint: 'https://pdp.example.com/access/v1/evaluations',
    });
  });

  it('explains to a token with the right to it alone', async () => {
    await using api = await Running.start();
    const body = JSON.stringify(mail('a@example.com', { count: 11 }));
    expect(await (await api.send({ body })).text()).not.toContain('mail-flood');
    expect(await (await api.send({ body, token: tokenOf('a') })).text()).toContain('mail-flood');
  });

  it.each<[string, Sent, number, string]>([
    ['no token', { token: null }, 401, 'ACCESS_UNAUTHENTICATED'],
    ['another token', { token: tokenOf('x') }, 401, 'ACCESS_UNAUTHENTICATED'],
    ['a token that is too short', { token: 'g' }, 401, 'ACCESS_UNAUTHENTICATED'],
    ['a token that may not evaluate', { token: tokenOf('r') }, 403, 'ACCESS_FORBIDDEN'],
    ['another path', { path: '/access/v1/evaluationz' }, 404, 'ACCESS_BAD_REQUEST'],
    ['another method', { method: 'GET' }, 405, 'ACCESS_BAD_REQUEST'],
    ['another content type', { type: 'text/plain' }, 415, 'ACCESS_BAD_REQUEST'],
    ['a body over 64 KiB', { body: 'x'.repeat(65_537) }, 413, 'INPUT_TOO_LARGE'],
    ['no JSON', { body: '{' }, 400, 'INPUT_NOT_JSON'],
    ['the same key twice', { body: '{"subject":1,"subject":2}' }, 400, 'INPUT_DUPLICATE_KEY'],
    ['bytes that are no text', { body: new Uint8Array([0xff]) }, 400, 'INPUT_NOT_UTF8'],
    ['an entity in disguise', { body: '{"context":{"__entity":{}}}' }, 400, 'INPUT_RESERVED_KEY'],
    ['no body', { body: '' }, 400, 'INPUT_NOT_JSON'],
    ['null', { body: 'null' }, 400, 'INPUT_INVALID'],
    ['null, many', { path: '/access/v1/evaluations', body: 'null' }, 400, 'INPUT_INVALID'],
    ['a list', { body: '[]' }, 400, 'INPUT_INVALID'],
  ])('refuses %s, says why, and records nothing', async (_what, sent, status, code) => {
    await using api = await Running.start();
    const answer = await api.send(sent);
    expect(answer.status).toBe(status);
    await expect(answer.json()).resolves.toMatchObject({ code });
    expect(api.access.recorded).toEqual([]);
    expect((await api.send()).status).toBe(200);
  });

  it('has no decision while the ledger is down, and sends the caller elsewhere when it owns nothing', async () => {
    await using api = await Running.start();
    api.access.ledgerFault = new Fault('LEDGER_UNAVAILABLE', 'gone');
    const answer = await api.send();
    expect(answer.status).toBe(503);
    await expect(answer.json()).resolves.toEqual({ code: 'LEDGER_UNAVAILABLE', message: expect.any(String) });
    api.access.isOwner = false;
    await expect((await api.send()).json()).resolves.toMatchObject({ code: 'LEDGER_FENCED' });
  });

  it('refuses what is beyond the requests in flight, and takes the next one when there is room', async () => {
    let resolve = (): void => undefined;
    const promise = new Promise<void>((done) => (resolve = done));
    await using api = await Running.start({ inFlightMax: 1, hold: promise });
    const first = api.send();
    await api.entered;
    const second = await api.send();
    expect(second.status).toBe(503);
    expect(second.headers.get('retry-after')).toBe('1');
    resolve();
    expect((await first).status).toBe(200);
    expect((await api.send()).status).toBe(200);
  });

  it('gives a client half of the requests in flight, and the rest stays for the others', async () => {
    let release = (): void => undefined;
    const hold = new Promise<void>((resolve) => (release = resolve));
    await using api = await Running.start({ inFlightMax: 2, hold });
    const first = api.send();
    await api.entered;
    const second = await api.send();
    expect(second.status).toBe(503);
    await expect(second.json()).resolves.toMatchObject({ code: 'BUSY' });
    // Only single evaluations are held.
    const body = JSON.stringify({ ...mail(), evaluations: [{}] });
    const other = await api.send({ path: '/access/v1/evaluations', token: tokenOf('a'), body });
    expect(other.status).toBe(200);
    release();
    expect((await first).status).toBe(200);
    expect((await api.send()).status).toBe(200);
  });

  it('cuts off who sends slowly', async () => {
    await using api = await Running.start({ timeoutMs: 200 });
    const socket = connect(api.port, '127.0.0.1');
    let said = '';
    socket.setEncoding('utf8').on('data', (text: string) => (said += text));
    const token = `authorization: Bearer ${tokenOf('g')}`;
    socket.write(
      `POST /access/v1/evaluation HTTP/1.1\r\nhost: x\r\n${token}\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{`,
    );
    await once(socket, 'close');
    expect(said).not.toContain('200 OK');
    expect((await api.send()).status).toBe(200);
  });

  it('never logs a token or what was asked', async () => {
    await using api = await Running.start();
    await api.send({ body: JSON.stringify(mail('private@example.com')) });
    await api.send({ token: tokenOf('x') });
    expect(api.logged.length).toBe(2);
    expect(api.logged.join('\n')).not.toMatch(/private|ggg|xxx/);
  });

  it('echoes no request id that could be a header of its own', async () => {
    await using api = await Running.start();
    const answer = await api.send({ id: 'x'.repeat(129) });
    expect(answer.headers.get('x-request-id')).toBeNull();
    expect(JSON.stringify(api.access.recorded)).not.toContain('xxx');
  });
});
