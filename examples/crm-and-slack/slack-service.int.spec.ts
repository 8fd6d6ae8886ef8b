import { startSlackService, type SlackService } from './slack-service.js';

const TOKEN = 'xoxb-0000-example';

async function call(service: SlackService, method: string, body: unknown, token?: string): Promise<unknown> {
  const response = await fetch(`${service.url}/api/${method}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return response.json();
}

describe('the Slack-shaped service', () => {
  let service: SlackService;
  beforeEach(async () => {
    service = await startSlackService({ token: TOKEN, uploadMs: 50 });
  });
  afterEach(() => service.close());

  it('posts a message and answers as Slack does', async () => {
    const answer = await call(service, 'chat.postMessage', { channel: '#support', text: 'hello' }, TOKEN);
    expect(answer).toMatchObject({ ok: true, channel: '#support', message: { text: 'hello' } });
    expect(service.posts).toEqual([{ channel: '#support', text: 'hello' }]);
  });

  it.each([
    // case            token               error
    ['no token', undefined, 'not_authed'],
    ['another token', 'xoxb-someone-else', 'invalid_auth'],
  ])('posts nothing with %s', async (_case, token, error) => {
    expect(await call(service, 'chat.postMessage', { channel: '#support', text: 'x' }, token)).toEqual({
      ok: false,
      error,
    });
    expect(service.posts).toEqual([]);
  });

  it('refuses arguments and methods that it does not know', async () => {
    expect(await call(service, 'chat.postMessage', { text: 'x' }, TOKEN)).toEqual({
      ok: false,
      error: 'invalid_arguments',
    });
    expect(await call(service, 'admin.everything', {}, TOKEN)).toEqual({ ok: false, error: 'unknown_method' });
  });

  it('counts an upload as begun before it is stored', async () => {
    const file = { channel: '#support', filename: 'a.txt', content: 'text' };
    const answer = call(service, 'files.upload', file, TOKEN);
    while (service.uploadsBegun === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(service.uploads).toEqual([]);
    expect(await answer).toMatchObject({ ok: true, file: { name: 'a.txt' } });
    expect(service.uploads).toEqual([file]);
  });
});
