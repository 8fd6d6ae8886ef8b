import type { Agent } from '#writ/agent-sdk';
import { findNatsServer, StreamReader } from '#writ/nats';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, type Gateway, runCli } from '../harness/gateway.js';
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

function calls(agent: Agent, marker: string, count: number, timeoutMs = 20_000): readonly Promise<unknown>[] {
  return Array.from({ length: count }, (_, n) => agent.tool('act', { marker: `${marker}-${n}` }, { timeoutMs }));
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

  it('Writ said so long before, in the log and on record', async () => {
    for (let round = 0; (await usedShare()) < 0.85; round++) {
      const answers = await outcomes(calls(alice, `fill-${round}`, 32));
      expect(new Set(answers)).toEqual(new Set(['completed']));
    }
    const { entry } = await gateway.entry((placed) => placed.entry.type === 'ledger.near_full');
    expect(entry).toMatchObject({ max: LEDGER_BYTES_MAX });
    expect(gateway.stderr).toContain('nearly full');
  }, 60_000);

  it('LEDGER-10: everything is refused with its code, and nothing ran that is not on record as allowed', async () => {
    // The last calls fit one by one, or their decisions do and their outcomes do not.
    let refusedInARow = 0;
    await eventually(async () => {
      const [code] = await outcomes([alice.tool('act', { marker: 'on' }, { timeoutMs: 500 })]);
      refusedInARow = code === 'LEDGER_FULL' ? refusedInARow + 1 : 0;
      return refusedInARow === 5 ? true : undefined;
    }, 'a full ledger');
    const effects = outside.effects.length;
    const answers = await outcomes(calls(alice, 'no', 8, 5_000));
    expect(new Set(answers)).toEqual(new Set(['LEDGER_FULL']));
    expect(outside.effects).toHaveLength(effects);
    const ledger = (await gateway.ledger()).map(({ entry }) => entry);
    const allowed = ledger.filter((entry) => entry.type === 'tool.call.decided' && entry.eff.d === 'allow');
    expect(effects).toBeLessThanOrEqual(allowed.length);
  }, 60_000);

  it('an operator can still look: status, export and verify work', async () => {
    const directory = join(gateway.directory, 'export');
    expect(await gateway.cli('ledger', 'status')).toMatchObject({ status: 0 });
    expect(await gateway.cli('ledger', 'export', directory)).toMatchObject({ status: 0 });
    expect(await runCli(['ledger', 'verify', directory])).toMatchObject({ status: 10 });
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

  it('calls are refused in time, and not one runs unrecorded', async () => {
    const alice = await gateway.agent('alice');
    await eventually(
      async () => {
        const answers = await outcomes(calls(alice, 'disk', 32, 8_000));
        return answers.includes('LEDGER_UNAVAILABLE') || answers.includes('LEDGER_FULL') ? answers : undefined;
      },
      'a full disk',
      60_000,
    );
    const effects = outside.effects.length;
    const answers = await outcomes(calls(alice, 'no', 8, 8_000));
    expect(answers.every((code) => /^(LEDGER_(UNAVAILABLE|FULL|FENCED)|DECISION_UNAVAILABLE)$/.test(code))).toBe(true);
    expect(outside.effects).toHaveLength(effects);
    const ledger = (await gateway.ledger()).map(({ entry }) => entry);
    const allowed = ledger.filter((entry) => entry.type === 'tool.call.decided' && entry.eff.d === 'allow');
    expect(effects).toBeLessThanOrEqual(allowed.length);
  }, 90_000);
});
