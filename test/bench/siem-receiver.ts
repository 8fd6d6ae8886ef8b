import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';

// The receivers of `bench -- siem`, in a process of its own: they take everything, and keep nothing.

const OPEN = '200 OK\nrelp_version=0\nrelp_software=bench\ncommands=syslog';
/** What an event collector and an OTLP receiver say; anybody else is content with the 2xx. */
const ANSWER = JSON.stringify({ code: 0, ackId: 1, acks: { 1: true }, partialSuccess: {} });

const http = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200).end(ANSWER));
});

const relp = createTcpServer({ noDelay: true }, (socket) => {
  let waiting: Buffer = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    waiting = answerFrames(socket, Buffer.concat([waiting, Buffer.from(bytes)]));
  });
});

/** Answers every whole frame, and returns what is left. */
function answerFrames(socket: Socket, bytes: Buffer): Buffer {
  const answers: string[] = [];
  let at = 0;
  for (;;) {
    const [head, txnr = '', command = '', length = ''] =
      /^(\d+) ([a-z]+) (\d+) /.exec(bytes.toString('latin1', at, at + 64)) ?? [];
    const end = head === undefined ? Infinity : at + head.length + Number(length) + 1;
    if (end > bytes.length) break;
    const data = command === 'open' ? OPEN : '200 OK';
    answers.push(`${txnr} rsp ${data.length} ${data}\n`);
    at = end;
  }
  socket.write(answers.join(''));
  return bytes.subarray(at);
}

http.listen(0, '127.0.0.1', () =>
  relp.listen(0, '127.0.0.1', () =>
    process.send?.({ http: (http.address() as AddressInfo).port, relp: (relp.address() as AddressInfo).port }),
  ),
);
process.on('disconnect', () => process.exit(0));
