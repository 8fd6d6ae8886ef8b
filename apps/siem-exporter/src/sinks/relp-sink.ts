import { toSyslog } from '#writ/siem';
import type { Sink } from '../ports.js';
import { RelpClient } from './relp-client.js';
import { connectStream, type StreamOptions } from './stream-client.js';

/** RFC 5424 messages over RELP: acknowledged is what the receiver answered 200 to. */
export function relpSink(options: StreamOptions & { readonly hostName: string }): Sink {
  let client: RelpClient | undefined;
  const connected = async () => {
    if (client?.isOpen === true) return client;
    client = await RelpClient.open(await connectStream(options), options.timeoutMs);
    return client;
  };
  return {
    send: async (records) => {
      const session = await connected();
      const messages = records.map((record) => toSyslog(record, options.hostName));
      if (!(await session.syslog(messages, options.timeoutMs))) {
        // What was not taken must not be followed by what comes after it.
        session.close();
        return { status: 'again', why: 'the receiver answers a message with an error' };
      }
      return { status: 'acknowledged' };
    },
    close: () => {
      client?.close();
      return Promise.resolve();
    },
  };
}
