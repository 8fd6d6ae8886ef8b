import { serveJson, type LoopbackServer } from './loopback-server.js';

export interface StatusService extends LoopbackServer {
  /** How many requests carried the right key. */
  readonly authorised: number;
}

interface StatusOptions {
  readonly key: string;
  readonly port?: number;
}

/**
 * Starts a status page that is careless on purpose: it sends the `authorization` header that it was given back in its answer,
 * as debugging endpoints do. Writ must take it out before the agent, the ledger or a log sees it.
 */
export async function startStatusService(options: StatusOptions): Promise<StatusService> {
  let authorised = 0;
  const server = await serveJson(options.port ?? 0, async (request) => {
    if (request.path !== '/api/status') return { status: 404, body: { error: 'not found' } };
    if (request.authorization !== `Bearer ${options.key}`) return { status: 401, body: { error: 'unauthorised' } };
    authorised++;
    return { status: 200, body: { status: 'operational', youSent: { authorization: request.authorization } } };
  });
  return {
    ...server,
    get authorised() {
      return authorised;
    },
  };
}
