import { readSigningKey } from '#writ/deployment';
import { formatVkey } from '#writ/signing';
import { verifyLog } from '#writ/tlog';
import { LogFolder } from '../../apps/cli/src/ledger/log-folder.js';
import { freePort } from '../harness/free-port.js';
import { SealerHost, until } from '../harness/sealer-host.js';
import { TestWitness } from '../harness/test-witness.js';

const WITNESSED = 0;
const UNWITNESSED = 10;

describe('a witness that was away when the newest checkpoint was shown', () => {
  it('cosigns it when it is back: the log becomes WITNESSED by itself, without a new entry', async () => {
    await using witness = await TestWitness.make();
    const port = await freePort();
    const { name } = witness.key;
    await using host = await SealerHost.start([{ name, vkey: witness.vkey, url: `http://127.0.0.1:${port}` }]);
    const sealer = await host.sealer();
    await host.write(3);
    const { size } = await host.sealed();
    const verdict = async () => (await verifyLog(new LogFolder(host.paths.logDir))).exit;
    expect(await verdict()).toBe(UNWITNESSED);

    const logKey = await readSigningKey(host.paths.logKey);
    await witness.start([formatVkey({ name: logKey.name, key: logKey.verifyKey })], { port });
    await until(async () => (await verdict()) === WITNESSED, 'a witnessed log', 40_000);
    expect((await host.newest())?.size).toBe(size);
    await until(async () => (await sealer.health()).isWitnessed === true, 'a sealer that says so', 10_000);
    expect(await sealer.health()).toMatchObject({ ready: true, isWitnessed: true });
    expect(await sealer.end()).toBe(0);
  }, 90_000);
});
