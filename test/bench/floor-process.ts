import { COMMANDS_STREAM, LEDGER_API_PREFIX, LEDGER_STREAM, subjects } from '#writ/contracts';
import { deploymentPaths, readBusSeed } from '#writ/deployment';
import { type Bus, connectBus, PullConsumer, publishToStream, StreamReader } from '#writ/nats';
import { FloorWriter } from './floor-writer.js';

// The floor of the governed-call bench: the same messages, hops and durable appends between the same accounts, with no policy,
// no schema and no cryptography. Started by the bench as `floor-process.js <data> <url> <user>`.

const [data = '', url = '', user = ''] = process.argv.slice(2);
const { seed } = await readBusSeed(deploymentPaths(data), user);
const bus = await connectBus({ servers: url, seed, user, inboxPrefix: subjects.inboxPrefix(user) });
if (user.startsWith('pdp')) decide(bus);
else execute(bus);
await bus.flush();
process.send?.({ ready: true });
process.once('disconnect', () => process.exit(0));

function decide(bus: Bus): void {
  const writer = new FloorWriter(bus, 'pdp-0');
  bus.subscribe(subjects.decide(0), {
    queue: 'pdp',
    onMessage: ({ data: bytes, reply }) => void decideOne(bytes, reply ?? ''),
  });

  async function decideOne(bytes: Uint8Array, reply: string): Promise<void> {
    const request = JSON.parse(Buffer.from(bytes).toString()) as { call: string; args: unknown };
    const place = await writer.append(
      JSON.stringify({ call: request.call, d: 'allow', why: 'x'.repeat(900) }),
      JSON.stringify(request),
    );
    const command = JSON.stringify({ ...place, body: { ...request, reply } });
    const options = { msgId: `${place.seq}.${place.i}`, stream: COMMANDS_STREAM, timeoutMs: 10_000 };
    await publishToStream(bus, subjects.command('tool', 'once', 'default'), Buffer.from(command), options);
  }
}

function execute(bus: Bus): void {
  const writer = new FloorWriter(bus, user);
  const reader = new StreamReader(bus, { apiPrefix: LEDGER_API_PREFIX });
  const blocks = new Map<number, Promise<unknown>>();
  const consumer = new PullConsumer(bus, {
    stream: COMMANDS_STREAM,
    consumer: subjects.commandConsumer('tool', 'once', 'default'),
    inFlightMax: 256,
    onError: (error) => process.stderr.write(`${error.message}\n`),
    onMessage: async (message) => {
      const { seq, body } = JSON.parse(Buffer.from(message.data).toString()) as {
        seq: number;
        body: { call: string; reply: string };
      };
      let block = blocks.get(seq);
      if (block === undefined) blocks.set(seq, (block = reader.message(LEDGER_STREAM, seq)));
      await block;
      await message.ackConfirmed(2_000);
      const output = JSON.stringify({ call: body.call, status: 'completed', output: null });
      await writer.append(JSON.stringify({ call: body.call, d: 'ok', why: 'x'.repeat(500) }), output);
      bus.publish(body.reply, output);
    },
  });
  process.once('SIGTERM', () => void consumer.stop().finally(() => process.exit(0)));
}
