import { connect, nkeyAuthenticator, PermissionViolationError, type NatsConnection } from 'nats';

/** How one try to go around Writ ended. */
interface Attempt {
  readonly what: string;
  readonly subject: string;
  readonly refused: boolean;
}

export interface BusIdentity {
  readonly url: string;
  readonly name: string;
  readonly seed: string;
  readonly inboxPrefix: string;
}

/**
 * Connects a plain NATS client with an agent's own key and tries what an agent has no business with, on behalf of `victim`. The
 * bus says no with a permission violation before it answers the next ping, so a flush is enough to know.
 */
export async function tryToGoAround(identity: BusIdentity, victim: string): Promise<readonly Attempt[]> {
  const connection = await connectAs(identity);
  try {
    const refusedPublishes = watchRefusedPublishes(connection);
    const attempts: Attempt[] = [];
    for (const [subject, what] of publishesFor(victim)) {
      attempts.push({ what, subject, refused: await isPublishRefused(connection, refusedPublishes, subject) });
    }
    for (const [subject, what] of subscriptionsFor(victim)) {
      attempts.push({ what, subject, refused: await isSubscribeRefused(connection, subject) });
    }
    return attempts;
  } finally {
    await connection.close();
  }
}

/** Whether the agent's client can still do the one thing that it may: without this, a dead connection would look like a refusal. */
export async function canUseOwnInbox(identity: BusIdentity): Promise<boolean> {
  const connection = await connectAs(identity);
  try {
    return !(await isSubscribeRefused(connection, `${identity.inboxPrefix}.>`));
  } finally {
    await connection.close();
  }
}

function connectAs(identity: BusIdentity): Promise<NatsConnection> {
  return connect({
    servers: identity.url,
    authenticator: nkeyAuthenticator(new TextEncoder().encode(identity.seed)),
    inboxPrefix: identity.inboxPrefix,
    name: `${identity.name}-around-the-bus`,
    reconnect: false,
  });
}

type SubjectAndPurpose = readonly [subject: string, what: string];

function publishesFor(victim: string): readonly SubjectAndPurpose[] {
  return [
    [`req.${victim}.tool.call`, `ask for a tool as ${victim}`],
    ['cmd.tool.once.default', 'hand an executor a command'],
    ['ledger.block.pdp-0', 'write a block into the ledger'],
    ['$JS.API.STREAM.DELETE.LEDGER', 'delete the ledger'],
    ['$JS.API.STREAM.MSG.GET.LEDGER', 'read the ledger'],
  ];
}

function subscriptionsFor(victim: string): readonly SubjectAndPurpose[] {
  return [
    [`_INBOX.${victim}.>`, `listen to the answers of ${victim}`],
    ['decide.0.>', 'sit where decisions are made'],
    ['>', 'listen to everything'],
  ];
}

/** Subjects that publishing to was refused; the client is told in its status. */
function watchRefusedPublishes(connection: NatsConnection): ReadonlySet<string> {
  const refused = new Set<string>();
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type !== 'error' || !(status.error instanceof PermissionViolationError)) continue;
      if (status.error.operation === 'publish') refused.add(status.error.subject);
    }
  })();
  return refused;
}

async function isPublishRefused(
  connection: NatsConnection,
  refused: ReadonlySet<string>,
  subject: string,
): Promise<boolean> {
  connection.publish(subject, '{}');
  await connection.flush();
  // The status is read by another task of this process; let it run.
  await new Promise((resolve) => setImmediate(resolve));
  return refused.has(subject);
}

async function isSubscribeRefused(connection: NatsConnection, subject: string): Promise<boolean> {
  let isRefused = false;
  const subscription = connection.subscribe(subject, {
    callback: (error) => {
      if (error instanceof PermissionViolationError) isRefused = true;
    },
  });
  await connection.flush();
  subscription.unsubscribe();
  return isRefused;
}
