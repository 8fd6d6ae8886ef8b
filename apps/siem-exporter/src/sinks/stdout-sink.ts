import type { Writable } from 'node:stream';
import type { Delivery, Sink } from '../ports.js';

/** Lines on standard output. Acknowledged is what the pipe has taken: whoever reads it must keep it. */
export function stdoutSink(output: Writable): Sink {
  return {
    send: (records) =>
      new Promise<Delivery>((resolve) => {
        const lines = records.map(({ text }) => `${text}\n`).join('');
        output.write(lines, (error) =>
          resolve(error instanceof Error ? { status: 'again', why: error.message } : { status: 'acknowledged' }),
        );
      }),
    close: () => Promise.resolve(),
  };
}
