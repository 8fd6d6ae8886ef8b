import type { Duplex } from 'node:stream';

interface CarryLimits {
  /** Both ways together. */
  readonly bytesMax: number;
  readonly ageMs: number;
  /** With nothing in either direction. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

/** What went through a tunnel, and what ended it. */
export interface Carried {
  /** Bytes from the client to the service. */
  readonly sent: number;
  readonly received: number;
  readonly endedBy: 'closed' | 'bytes' | 'age' | 'idle' | 'stopped';
}

/** A tunnel with both ends open, and what the client has said already. */
interface Ends {
  readonly client: Duplex;
  readonly server: Duplex;
  readonly first: Buffer;
}

/**
 * Carries bytes both ways until both sides have ended or a limit is reached; then both are destroyed. What is over the limit of bytes is
 * not passed on.
 */
export function carry({ client, server, first }: Ends, limits: CarryLimits): Promise<Carried> {
  return new Promise((resolve) => {
    let [sent, received, open] = [first.length, 0, 2];
    const end = (endedBy: Carried['endedBy']) => {
      clearTimeout(age);
      clearTimeout(idle);
      limits.signal.removeEventListener('abort', onStop);
      for (const side of [client, server]) side.removeAllListeners('data').destroy();
      resolve({ sent, received, endedBy });
    };
    const onStop = () => end('stopped');
    const age = setTimeout(() => end('age'), limits.ageMs);
    const idle = setTimeout(() => end('idle'), limits.idleMs);
    limits.signal.addEventListener('abort', onStop);
    const pass = (from: Duplex, to: Duplex, count: (bytes: number) => void) => {
      from.on('data', (chunk: Buffer) => {
        if (sent + received + chunk.length > limits.bytesMax) {
          end('bytes');
          return;
        }
        count(chunk.length);
        idle.refresh();
        if (!to.write(chunk)) from.pause();
      });
      to.on('drain', () => from.resume());
      from.on('end', () => to.end());
      // One way is over when all that came from there has gone out on the other side.
      to.on('finish', () => {
        open -= 1;
        if (open === 0) end('closed');
      });
      from.on('error', () => end('closed'));
      from.on('close', () => {
        if (!from.readableEnded) end('closed');
      });
      from.resume();
    };
    server.write(first);
    pass(client, server, (bytes) => (sent += bytes));
    pass(server, client, (bytes) => (received += bytes));
    if (limits.signal.aborted) onStop();
  });
}
