// Carries connections from one address to another, `PORT` or `PATH` of a Unix socket: bridge.mjs FROM TO.
// A Unix socket is reached from every network namespace that sees its file, so two of these lead out of one that has no network.
import { connect, createServer } from 'node:net';

const [from, to] = process.argv
  .slice(2)
  .map((each) => (/^\d+$/.test(each) ? { port: Number(each), host: '127.0.0.1' } : { path: each }));
createServer((near) => {
  const far = connect(to);
  near.on('error', () => far.destroy()).pipe(far);
  far.on('error', () => near.destroy()).pipe(near);
}).listen(from, () => console.log('open'));
