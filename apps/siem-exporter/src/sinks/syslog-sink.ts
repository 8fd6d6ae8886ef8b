import { frameSyslog, toSyslog } from '#writ/siem';
import type { Socket } from 'node:net';
import type { Delivery, Sink } from '../ports.js';
import { connectStream, type StreamOptions } from './stream-client.js';

/**
 * RFC 5424 over TLS (RFC 5425) or, on this machine, TCP. Syslog has no acknowledgement: what the socket has taken may be lost with the
 * connection or the receiver, and only the heartbeat shows it.
 */
export function syslogSink(options: StreamOptions & { readonly hostName: string }): Sink {
  let socket: Socket | undefined;
  return {
    send: async (records) => {
      if (socket?.writable !== true) socket = await connectStream(options);
      const bytes = Buffer.concat(records.map((record) => frameSyslog(toSyslog(record, options.hostName))));
      return write(socket, bytes, options.timeoutMs);
    },
    close: () => {
      socket?.end();
      socket = undefined;
      return Promise.resolve();
    },
  };
}

function write(socket: Socket, bytes: Buffer, timeoutMs: number): Promise<Delivery> {
  return new Promise((resolve) => {
    const fail = (why: string) => {
      socket.destroy();
      resolve({ status: 'again', why });
    };
    const timer = setTimeout(() => fail(`the receiver took nothing for ${timeoutMs} ms`), timeoutMs);
    socket.write(bytes, (error) => {
      clearTimeout(timer);
      if (error instanceof Error) fail(error.message);
      else resolve({ status: 'acknowledged' });
    });
  });
}
