import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

// The service of `bench -- egress`, over http and https, in a process of its own: it answers everything with 1 KB. Started by the bench
// as `egress-service.js <directory of the certificates>`.

const [directory = ''] = process.argv.slice(2);
const ANSWER = JSON.stringify({ text: 'x'.repeat(1_000) });

function answer(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': ANSWER.length }).end(ANSWER);
}

const [key, cert] = await Promise.all(['server.key', 'server.pem'].map((file) => readFile(join(directory, file))));
const http = createHttpServer(answer);
const https = createHttpsServer({ key, cert }, answer);
http.listen(0, 'localhost', () =>
  https.listen(0, 'localhost', () =>
    process.send?.({ http: (http.address() as AddressInfo).port, https: (https.address() as AddressInfo).port }),
  ),
);
process.on('disconnect', () => process.exit(0));
