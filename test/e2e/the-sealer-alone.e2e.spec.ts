import { cp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { subjects } from '#writ/contracts';
import { verifyLog } from '#writ/tlog';
import { LogFolder } from '../../apps/cli/src/ledger/log-folder.js';
import { SealerHost, type SealerProcess, until } from '../harness/sealer-host.js';

describe('a sealer', () => {
  let host: SealerHost;
  let sealer: SealerProcess;
  beforeAll(async () => {
    host = await SealerHost.start();
    sealer = await host.sealer();
    await host.write(40);
    await host.sealed();
  }, 120_000);
  afterAll(() => host?.[Symbol.asyncDispose]());

  /** The newest tree is the one that the stream says, and the log verifies as a whole. */
  async function expectOneHistory(): Promise<void> {
    await host.sealed();
    await sealer.end();
    const [head, trees] = [await host.newest(), await host.trees()];
    expect(trees.get(head?.size ?? 0)).toBe(head?.root);
    const { exit, problems } = await verifyLog(new LogFolder(host.paths.logDir));
    expect([exit, problems.filter((problem) => problem.exit > 0)]).toEqual([10, []]);
    sealer = await host.sealer();
  }

  it('that slept while another one was at work ends, and harms nothing of what was sealed meanwhile', async () => {
    sealer.signal('SIGSTOP');
    // As if somebody had removed the lease: then nothing keeps the second one from trying.
    await rm(join(host.paths.sealerDir, 'lock'));
    const second = await host.sealer();
    await host.write(300);
    await host.sealed();
    sealer.signal('SIGCONT');
    await host.write(5);
    await expect(sealer.exit).resolves.toBe(0);
    expect(second.isAlive).toBe(true);
    sealer = second;
    await expectOneHistory();
  }, 90_000);

  it('takes a flood of junk from a stolen bus seed for what it is: a leaf for each message, and no entry more', async () => {
    const bus = await host.connect('exec-tool-1');
    for (let n = 0; n < 400; n++)
      bus.publish(subjects.ledgerBlock('exec-tool-1'), Buffer.alloc(n % 7 === 0 ? 200_000 : 64, n));
    await bus.drain();
    await until(async () => (await sealer.health()).refusedMessages['malformed'] === 400, 'a leaf for each', 60_000);
    expect(await sealer.health()).toMatchObject({ ready: true, refusedMessages: { malformed: 400 } });
    await expectOneHistory();
  }, 120_000);

  it('LEDGER-10: says that its disk takes nothing, is not ready, loses nothing, and goes on when there is space', async () => {
    // A file where a folder must be fails every write, as a full disk does; root could write to a folder that forbids it.
    const folder = join(host.paths.logDir, 'blocks');
    const before = await host.sealed();
    await rename(folder, `${folder}.aside`);
    await writeFile(folder, '');
    await host.write(300);
    await until(async () => (await sealer.health()).problem !== undefined, 'the problem');
    expect(await sealer.health()).toMatchObject({ ready: false });
    expect((await host.newest())?.size).toBe(before.size);
    await rm(folder);
    await rename(`${folder}.aside`, folder);
    await host.sealed();
    await until(async () => (await sealer.health()).ready, 'readiness');
    await expectOneHistory();
  }, 90_000);

  describe('when somebody changed what it rests on', () => {
    let backup: string;
    beforeAll(async () => {
      await sealer.end();
      backup = join(host.directory, 'backup');
      await host.overStoppedBus(() => cp(host.paths.dataDir, backup, { recursive: true }));
      sealer = await host.sealer();
      await host.write(20);
      await host.sealed();
      await sealer.end();
    }, 60_000);

    const restore = async (part: string) => {
      await rm(join(host.paths.dataDir, part), { recursive: true });
      await cp(join(backup, part), join(host.paths.dataDir, part), { recursive: true });
    };

    it.each<[string, () => Promise<void>, RegExp]>([
      ['the streams were restored from an old backup', () => restore('nats/store'), /cut or restored|another stream/],
      ['its own state was rolled back', () => restore('sealer'), /a checkpoint of \d+ entries was published/],
      ['its own state is gone', () => rm(host.paths.sealerDir, { recursive: true }), /own state is gone/],
      ['the files of the log were rolled back', () => restore('ledger'), /do not hold/],
    ])(
      'signs nothing more when %s, and says why',
      async (_case, change, sentence) => {
        const intact = join(host.directory, 'intact');
        const before = await host.newest();
        await host.overStoppedBus(async () => {
          await cp(host.paths.dataDir, intact, { recursive: true });
          await change();
        });
        sealer = await host.sealer();
        const { ready, refusal } = await sealer.health();
        expect([ready, refusal]).toEqual([false, expect.stringMatching(/^LEDGER_INTEGRITY: /)]);
        expect(refusal).toMatch(sentence);
        await host.write(3);
        expect((await host.newest())?.size ?? 0).toBeLessThanOrEqual(before?.size ?? 0);
        await sealer.end();
        await host.overStoppedBus(async () => {
          await rm(host.paths.dataDir, { recursive: true });
          await rename(intact, host.paths.dataDir);
        });
      },
      60_000,
    );

    it('signs nothing more when the streams are restored under it, while it runs, nor does the one that comes after it', async () => {
      sealer = await host.sealer();
      await host.write(5);
      const before = await host.sealed();
      await host.overStoppedBus(() => restore('nats/store'));
      await host.write(3);
      // It refuses, or ends because its bus was away or its own chain was cut; the one that starts after it refuses.
      let refusal: string | undefined;
      await until(async () => {
        refusal = await sealer.health().then(
          (health) => health.refusal,
          () => undefined,
        );
        return refusal !== undefined || !sealer.isAlive;
      }, 'its refusal or its end');
      if (refusal === undefined) refusal = (await (await host.sealer()).health()).refusal;
      expect(refusal).toMatch(/cut or restored|another stream/);
      expect((await host.newest())?.size).toBe(before.size);
    }, 60_000);
  });
});
