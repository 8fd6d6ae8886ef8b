import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { filesBelow } from '#writ/files';
import { startPlainServer, testNatsServer } from '../../../test/harness/nats-server.js';
import { eraseMessage } from './erase-message.js';
import { publishToStream } from './publish-to-stream.js';
import { parseApiAnswer } from './stream-error.js';
import { StreamReader } from './stream-reader.js';

const STREAM = 'KEYS';

((await testNatsServer()) === undefined ? describe.skip : describe)('eraseMessage', () => {
  it('overwrites the bytes of the message on the disk, and leaves the others', async () => {
    await using server = await startPlainServer();
    const bus = await server.connect();
    const config = { name: STREAM, subjects: ['key.*'], storage: 'file', retention: 'limits', allow_direct: true };
    parseApiAnswer(
      (await bus.request(`$JS.API.STREAM.CREATE.${STREAM}`, JSON.stringify(config), { timeoutMs: 5_000 })).data,
    );
    for (const name of ['anna', 'bert']) {
      await publishToStream(bus, `key.${name}`, Buffer.from(`wrapped-key-of-${name}`), {
        msgId: name,
        timeoutMs: 5_000,
      });
    }
    const isOnDisk = async (text: string) => {
      for await (const file of filesBelow(join(server.directory, 'js'))) {
        if ((await readFile(join(server.directory, 'js', file))).includes(text)) return true;
      }
      return false;
    };
    expect(await isOnDisk('wrapped-key-of-anna')).toBe(true);
    await eraseMessage(bus, STREAM, 1);
    expect([await isOnDisk('wrapped-key-of-anna'), await isOnDisk('wrapped-key-of-bert')]).toEqual([false, true]);
    const reader = new StreamReader(bus, { apiPrefix: '$JS.API' });
    expect(await reader.message(STREAM, 1)).toBeUndefined();
    expect((await reader.message(STREAM, 2))?.subject).toBe('key.bert');
    // Once more is fine: whoever died halfway begins again.
    await eraseMessage(bus, STREAM, 1);
    await eraseMessage(bus, STREAM, 77);
    await expect(eraseMessage(bus, 'NONE', 1)).rejects.toMatchObject({ name: 'StreamError' });
  });
});
