import { createHash, timingSafeEqual } from 'node:crypto';
import type { AuthZenDeclaration } from '#writ/catalogue';
import { Fault } from '#writ/faults';

/** An enforcement point that is known by its token. */
export interface AccessClient {
  readonly name: string;
  readonly canEvaluate: boolean;
  readonly canExplain: boolean;
}

const BEARER = /^Bearer ([A-Za-z0-9_-]{43})$/i;

/** The tokens of the clients, as digests: what is compared says nothing of the token in its time, and a dump does not hold one. */
export class AccessTokens {
  readonly #clients: readonly { readonly digest: Buffer; readonly client: AccessClient }[];

  constructor(clients: AuthZenDeclaration['clients'], tokens: ReadonlyMap<string, string>) {
    this.#clients = Object.entries(clients).map(([name, { rights }]) => ({
      digest: digestOf(tokens.get(name) ?? ''),
      client: { name, canEvaluate: rights.includes('evaluate'), canExplain: rights.includes('explain') },
    }));
  }

  /** The client whose token the `authorization` header bears. Throws ACCESS_UNAUTHENTICATED. */
  clientOf(authorization: string | undefined): AccessClient {
    const token = BEARER.exec(authorization ?? '')?.[1];
    if (token === undefined) throw new Fault('ACCESS_UNAUTHENTICATED', 'a bearer token is needed');
    const digest = digestOf(token);
    // Every client is compared, so that the time does not tell how far the look-up went.
    const [found] = this.#clients.filter((each) => timingSafeEqual(each.digest, digest));
    if (found === undefined) throw new Fault('ACCESS_UNAUTHENTICATED', 'the token is not one of a client');
    return found.client;
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
