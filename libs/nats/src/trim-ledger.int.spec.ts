import { startPlainServer, testNatsServer, type PlainServer } from '../../../test/harness/nats-server.js';
import type { Bus } from './bus.js';
import { provisionStreams } from './provision-streams.js';
import { publishToStream } from './publish-to-stream.js';
import { parseApiAnswer } from './stream-error.js';
import { StreamReader } from './stream-reader.js';
import { trimLedger } from './trim-ledger.js';

const binary = await testNatsServer();
const MEGABYTE = 1_000_000;
const LIMITS = {
  ledgerBytesMax: 10 * MEGABYTE,
  payloadBytesMax: MEGABYTE,
  payloadDays: 1,
  payloadKeyBytesMax: MEGABYTE,
  commandBytesMax: MEGABYTE,
  sealedBytesMax: MEGABYTE,
  sinks: [],
  pool: 'default',
  mayCreate: true,
};

(binary === undefined ? describe.skip : describe)('the beginning of the ledger', () => {
  let server: PlainServer;
  let bus: Bus;
  let streams: StreamReader;
  let stored = 0;
  beforeEach(async () => {
    server = await startPlainServer();
    bus = await server.connect();
    streams = new StreamReader(bus, { apiPrefix: '$JS.API' });
    await provisionStreams(bus, bus, LIMITS);
    stored = 0;
    for (let n = 0; n < 10; n++) await publish();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const publish = async () => {
    const options = { msgId: `m${stored}`, timeoutMs: 2_000 };
    await publishToStream(bus, 'ledger.block.pdp-0', Buffer.from('a block'), options);
    stored++;
  };
  const update = async (change: object) => {
    const { config } = await streams.info('LEDGER');
    const request = JSON.stringify({ ...config, ...change });
    parseApiAnswer((await bus.request('$JS.API.STREAM.UPDATE.LEDGER', request, { timeoutMs: 2_000 })).data);
  };
  const first = async () => (await streams.info('LEDGER')).state.first_seq;

  it('is removed up to a message, and no further, by a stream that denies purge and delete', async () => {
    const before = (await streams.info('LEDGER')).config;
    expect(before).toMatchObject({ deny_purge: true, deny_delete: true });
    expect(await trimLedger(bus, 8)).toBe(8);
    expect(await first()).toBe(8);
    expect((await streams.info('LEDGER')).config).toEqual(before);
    await publish();
    expect(await trimLedger(bus, 3)).toBe(8);
    const purged = bus.request('$JS.API.STREAM.PURGE.LEDGER', '{"seq":9}', { timeoutMs: 2_000 });
    expect(Buffer.from((await purged).data).toString()).toContain('"error"');
    expect(await first()).toBe(8);
  });

  it('stays when all would go', async () => {
    await expect(trimLedger(bus, 11)).rejects.toMatchObject({ code: 'LEDGER_INTEGRITY' });
    expect(await first()).toBe(1);
    await publish();
  });

  it('takes no block while it is being removed, and every block again after a removal that somebody died at', async () => {
    const { config } = await streams.info('LEDGER');
    await update({ max_msg_size: 1 });
    await expect(publish()).rejects.toMatchObject({ reason: 'too-large' });
    await update({ max_msg_size: 1, discard: 'old', max_msgs: 4 });
    await provisionStreams(bus, bus, LIMITS);
    expect((await streams.info('LEDGER')).config).toEqual(config);
    for (let n = 0; n < 10; n++) await publish();
    // Nothing is pushed out any more: the four that were to stay, and the ten that came.
    expect((await streams.info('LEDGER')).state.messages).toBe(14);
  });
});
