import { Fault } from '#writ/faults';

/** Words of a nats-server configuration that open a door which Writ keeps shut, and what stands behind it. */
const DOORS: ReadonlyMap<string, string> = new Map([
  ['no_auth_user', 'lets in clients that prove nothing'],
  ['allow_responses', 'lets a responder publish on any subject that a requester names'],
  ['leafnodes', 'opens a second way in, with its own authentication'],
  ['leafnode', 'opens a second way in, with its own authentication'],
  ['leaf', 'opens a second way in, with its own authentication'],
  ['cluster', 'opens a route listener, which this version of Writ does not run'],
  ['routes', 'opens a route, which this version of Writ does not run'],
  ['gateway', 'opens a gateway, which this version of Writ does not run'],
  ['websocket', 'opens a listener that agents do not need'],
  ['mqtt', 'opens a listener that agents do not need'],
  ['deny', 'is a deny rule; permissions are allow-lists'],
  ['token', 'is an identity that several can share'],
  ['password', 'is an identity that is kept in clear text'],
  ['trace', 'writes payloads to the log'],
  ['trace_verbose', 'writes payloads to the log'],
  ['http', 'shows connections and subjects to everybody on the network'],
  ['http_port', 'shows connections and subjects to everybody on the network'],
  ['include', 'takes in text that was not checked'],
]);

/** Refuses a server configuration that opens such a door, or that acknowledges before the disk has the message. */
export function assertSafeServerConfig(text: string): void {
  const bare = withoutCommentsAndStrings(text);
  for (const [word, why] of DOORS) {
    // A key of the configuration format is a bare or a quoted word before `:`, `=`, `{`, `[` or a blank; case does not count.
    if (new RegExp(`(^|[\\s{,;])${word}(\\s|[:={[]|$)`, 'im').test(bare)) {
      throw new Fault('CONFIG_NATS_SERVER_UNSAFE', `\`${word}\` in the nats-server configuration ${why}`);
    }
  }
  if (!/(^|[\s{,;])sync_interval\s*[:=]?\s*always\b/im.test(bare)) {
    throw new Fault('CONFIG_NATS_SERVER_UNSAFE', 'without `sync_interval: always` an acknowledged entry can be lost');
  }
}

/** Keeps quoted words that could be keys; a quoted value with anything else in it cannot be one. */
function withoutCommentsAndStrings(text: string): string {
  return text.replace(/"([^"\n]*)"|'([^'\n]*)'|#[^\n]*|\/\/[^\n]*/g, (whole, double?: string, single?: string) => {
    const inside = double ?? single;
    if (inside === undefined) return whole.startsWith('#') || whole.startsWith('//') ? '' : '""';
    return /^\w+$/.test(inside) ? ` ${inside} ` : '""';
  });
}
