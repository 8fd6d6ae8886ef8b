import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { portOf, serveHealth } from '../../libs/service-host/src/health.js';

const CONNECTIONS_MAX = 64;

describe('the health port', () => {
  it('AVAILABILITY-03: bounds how long a half-open request may last, and caps connections', async () => {
    const server = await serveHealth({ isReady: () => true, details: () => ({}) }, { host: '127.0.0.1', port: 0 });
    const sockets: Socket[] = [];
    try {
      expect([server.headersTimeout, server.requestTimeout]).toEqual([5_000, 5_000]);
      for (let n = 0; n < CONNECTIONS_MAX; n++) {
        const socket = connect(portOf(server), '127.0.0.1');
        socket.on('error', () => undefined);
        await once(socket, 'connect');
        socket.write('GET /readyz HTTP/1.1\r\nHost: x\r\nX-Slow: ');
        sockets.push(socket);
      }
      const last = connect(portOf(server), '127.0.0.1');
      last.on('error', () => undefined);
      sockets.push(last);
      await once(last, 'close');
      expect(last.bytesRead).toBe(0);
    } finally {
      sockets.forEach((socket) => socket.destroy());
      server.close();
    }
  });
});
