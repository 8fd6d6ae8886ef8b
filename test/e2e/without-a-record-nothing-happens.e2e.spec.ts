import type { Agent } from '#writ/agent-sdk';
import { findNatsServer, StreamReader } from '#writ/nats';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, type Gateway } from '../harness/gateway.js';
import { packageRoot } from '../harness/package-root.js';
import { OutsideService } from './outside-service.js';
import { startOffice } from './small-office.js';

const LEDGER_BYTES_MAX = 1_000_000;
/** Blocks of 512 bytes: no file of the server grows beyond half a megabyte, as on a disk that is full. */
const FILE_BLOCKS_MAX = 1_024;

/** Codes of the answers, `completed` for those that completed. */
async function outcomes(asked: readonly Promise<unknown>[]): Promise<readonly string[]> {
  const settled = await Promise.allSettled(asked);
  return settled.map((one) =>
    one.status === 'fulfilled' ? 'completed' : ((one.reason as { code?: string }).code ?? '?'),
  );
}

function calls(agent: Agent, marker: string, count: number): readonly Promise<unknown>[] {
  return Array.from({ length: count }, (_, n) =>
    agent.tool('act', { marker: `${marker}-${n}` }, { timeoutMs: 28_000 }),
  );
}

describe('when the ledger is full', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let alice: Agent;

  beforeAll(async () => {
    outside = await OutsideService.start();
    gateway = await startOffice(outside, {
      config: { limits: { ledgerBytesMax: LEDGER_BYTES_MAX, payloadBytesMax: 100_000_000 } },
    });
    alice = await gateway.agent('alice');
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  async function usedShare(): Promise<number> {
    const operator = await gateway.service('operator');
    const { state } = await new StreamReader(operator, { apiPrefix: '$JS.API' }).info('LEDGER');
    await operator.close();
    return state.bytes / LEDGER_BYTES_MAX;
  }

  it('it said so long before, in the log and on record', async () => {
    for (let round = 0; (await usedShare()) < 0.85; round++) {
      const answers = await outcomes(calls(alice, `fill-${round}`, 32));
      expect(new Set(answers)).toEqual(new Set(['completed']));
    }
    const { entry } = await gateway.entry((placed) => placed.entry.type === 'ledger.near_full');
    expect(entry).toMatchObject({ max: LEDGER_BYTES_MAX });
    expect(gateway.stderr).toContain('nearly full');
  }, 60_000);

  it('everything is refused with its code, and nothing ran that is not on record as allowed', async () => {
    const refused = await eventually(async () => {
      const answers = await outcomes(calls(alice, 'on', 32));
      return answers.every((code) => code === 'LEDGER_FULL') ? answers : undefined;
    }, 'a full ledger');
    expect(refused).toHaveLength(32);
    const effects = outside.effects.length;
    await outcomes(calls(alice, 'more', 8));
    expect(outside.effects).toHaveLength(effects);
    const ledger = (await gateway.ledger()).map(({ entry }) => entry);
    const allowed = ledger.filter((entry) => entry.type === 'tool.call.decided' && entry.eff.d === 'allow');
    expect(effects).toBeLessThanOrEqual(allowed.length);
  }, 60_000);

  it('an operator can still look: status, export and verify work', async () => {
    const directory = join(gateway.directory, 'export');
    expect(await gateway.cli('ledger', 'status')).toMatchObject({ status: 0 });
    expect(await gateway.cli('ledger', 'export', directory)).toMatchObject({ status: 0 });
    expect(await gateway.cli('ledger', 'verify', directory)).toMatchObject({ status: 10 });
  });
});

describe('when the disk is full', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let folder: string;

  beforeAll(async () => {
    outside = await OutsideService.start();
    folder = await mkdtemp(join(tmpdir(), 'writ-limited-'));
    const { binary } = await findNatsServer({ env: process.env, packageRoot, log: () => undefined });
    const limited = join(folder, 'nats-server');
    await writeFile(limited, `#!/bin/sh\ntrap '' XFSZ\nulimit -f ${FILE_BLOCKS_MAX}\nexec "${binary}" "$@"\n`);
    await chmod(limited, 0o755);
    gateway = await startOffice(outside, { env: { WRIT_NATS_SERVER: limited } });
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('calls are refused and not one runs unrecorded', async () => {
    const alice = await gateway.agent('alice');
    const seen = new Set<string>();
    await eventually(
      async () => {
        const answers = await outcomes(calls(alice, 'disk', 32));
        answers.forEach((code) => seen.add(code));
        return answers.some((code) => code !== 'completed') ? answers : undefined;
      },
      'a full disk',
      60_000,
    );
    process.stderr.write([...seen].join() + gateway.stderr);
    const ledger = (await gateway.ledger()).map(({ entry }) => entry);
    const allowed = ledger.filter((entry) => entry.type === 'tool.call.decided' && entry.eff.d === 'allow');
    expect(outside.effects.length).toBeLessThanOrEqual(allowed.length);
  }, 120_000);
});
