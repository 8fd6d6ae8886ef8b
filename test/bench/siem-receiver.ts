import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// The receiver of `bench -- siem`, in a process of its own: it takes everything, and keeps nothing.

const server = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200).end());
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit(0));
