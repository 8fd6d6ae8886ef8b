/** Where the bridge listens. The sandbox has a loopback of its own, so the port is always free at its start. */
export const BRIDGE_PORT = 3128;

/** What Node evaluates inside the sandbox. Behind it come the path of the socket and the program with its arguments. */
export function bridgeText(): string {
  return `(${String(bridge)})(${BRIDGE_PORT})`;
}

/**
 * Carries connections from the loopback of the sandbox to the socket of the egress proxy, and runs the program once that is so: on its own
 * stdin, stdout and stderr, and ends as the program ends. It is turned into text, so it may name nothing that is outside of it.
 */
function bridge(port: number): void {
  const { connect, createServer } = process.getBuiltinModule('node:net');
  const { spawn } = process.getBuiltinModule('node:child_process');
  const { signals } = process.getBuiltinModule('node:os').constants;
  const [, path = '', command = '', ...args] = process.argv;
  const server = createServer({ allowHalfOpen: true }, (inside) => {
    // For each connection anew, so that a proxy that was started again is found again.
    const outside = connect({ path, allowHalfOpen: true });
    inside.on('error', () => outside.destroy());
    outside.on('error', () => inside.destroy());
    inside.pipe(outside).pipe(inside);
  });
  server.listen(port, '127.0.0.1', () => {
    const child = spawn(command, args, { stdio: 'inherit' });
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
    child.once('error', ({ message }) => {
      process.stderr.write(`${message}\n`);
      process.exit(127);
    });
    child.once('exit', (code, signal) => process.exit(code ?? 128 + (signal === null ? 0 : signals[signal])));
  });
}
