import type { Agent } from '#writ/agent-sdk';
import { readTrustBundle } from '#writ/deployment';
import { NatsBlockLog } from '#writ/ledger-client';
import { ledgerMessages } from '#writ/operator';
import { Authority } from '#writ/signing';
import { Integrator, leafHashOfText, openCheckpoint } from '#writ/tlog';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually, type Gateway } from '../harness/gateway.js';
import { OutsideService } from './outside-service.js';
import { SiemReceiver } from './siem-receiver.js';
import { startOffice } from './small-office.js';

const LEDGER = 'writ.test/default/2026';
// What is killed more often, and more of it, is in `a-feed-survives-whatever-is-killed`.
const ROUNDS = 2;
const CALLS = 30;
const WITHIN_MS = 60_000;

/** What the test reads of an OCSF event. */
interface Event {
  readonly metadata: { readonly log_name: string; readonly sequence?: number; readonly event_code: string };
  readonly unmapped: {
    readonly writ: {
      readonly leaf_hash?: string;
      readonly size?: number;
      readonly root?: string;
      readonly exported?: number;
    };
  };
}

/** Whole lines, in the order in which the receiver got them: the end of a file may be a line that is being written. */
const eventsOf = (ndjson: string): readonly Event[] =>
  ndjson
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Event);

const sequencesOf = (events: readonly Event[]): readonly number[] =>
  events.flatMap(({ metadata }) => metadata.sequence ?? []);

/** Steps forward that leave something out; going back is to what was sent before. */
function holesOf(sequences: readonly number[]): readonly number[] {
  let most = -1;
  return sequences.filter((sequence) => {
    const isHole = sequence > most + 1;
    most = Math.max(most, sequence);
    return isHole;
  });
}

describe('the SIEM feed of a running deployment', () => {
  let outside: OutsideService;
  let receiver: SiemReceiver;
  let gateway: Gateway;
  let alice: Agent;

  beforeAll(async () => {
    outside = await OutsideService.start();
    receiver = await SiemReceiver.start();
    // Small batches, so that a kill falls between any two of them.
    const sinks = [
      { name: 'lake', kind: 'file', path: 'log.ndjson', batchBytesMax: 20_000 },
      { name: 'http', kind: 'https', url: receiver.url, batchBytesMax: 20_000 },
    ];
    gateway = await startOffice(outside, { config: { siem: { sinks } } });
    alice = await gateway.agent('alice');
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await receiver?.[Symbol.asyncDispose]();
    await outside?.[Symbol.asyncDispose]();
  });

  /** What the file and the receiver have by now. */
  async function feeds(): Promise<readonly (readonly Event[])[]> {
    const path = join(gateway.directory, 'log.ndjson');
    return [eventsOf(existsSync(path) ? await readFile(path, 'utf8') : ''), eventsOf(receiver.text)];
  }

  /** Hash of every leaf of the log, computed here from the signed blocks of the stream. */
  async function leafHashes(): Promise<readonly string[]> {
    const bus = await gateway.service('operator');
    const integrator = new Integrator(new Authority(await readTrustBundle(gateway.paths)));
    const hashes: string[] = [];
    for await (const message of ledgerMessages(new NatsBlockLog(bus, '$JS.API'))) {
      const { leaves } = integrator.integrate(message);
      hashes.push(...leaves.map(({ text }) => leafHashOfText(text).toString('base64url')));
    }
    await bus.close();
    return hashes;
  }

  /** Kills the process of that name, or the next one when it is about to start again. */
  async function kill(name: string): Promise<void> {
    const pid = await eventually(
      async () => (await gateway.processes()).find((process) => process.name === name)?.pid,
      `a ${name} to kill`,
    );
    gateway.kill(pid);
  }

  /** Waits until both have every leaf that is in the stream now. */
  async function exported(): Promise<readonly string[]> {
    const hashes = await leafHashes();
    const isWhole = async () =>
      (await feeds()).every((events) => new Set(sequencesOf(events)).size >= hashes.length) || undefined;
    await eventually(isWhole, `${hashes.length} leaves in every sink`, WITHIN_MS);
    return hashes;
  }

  it('has every leaf from 0 on, in order, as the producers signed it, though exporter and sealer are killed', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const before = (await feeds()).map((events) => events.length);
      const work = Promise.all(
        Array.from({ length: CALLS }, (_, n) => alice.tool('act', { marker: `feed-${round}-${n}` })),
      );
      const hasMoved = async () => (await feeds()).some((events, at) => events.length > (before[at] ?? 0)) || undefined;
      await eventually(hasMoved, 'progress', WITHIN_MS);
      await kill('siem-1');
      if (round % 2 === 1) await kill('ledger-1');
      await work;
    }
    const hashes = await exported();
    expect(hashes.length).toBeGreaterThan(ROUNDS * CALLS * 2);
    expect(receiver.refusals).toBeGreaterThan(0);
    for (const events of await feeds()) {
      expect(holesOf(sequencesOf(events))).toEqual([]);
      const wrong = events.filter(
        ({ metadata, unmapped }) =>
          metadata.sequence !== undefined &&
          metadata.sequence < hashes.length &&
          (metadata.log_name !== LEDGER || unmapped.writ.leaf_hash !== hashes[metadata.sequence]),
      );
      expect(wrong).toEqual([]);
    }
  }, 240_000);

  it('sends a sink its entries again when it is asked to, from any index, proved and on record', async () => {
    await exported();
    const before = sequencesOf((await feeds())[0] ?? []).length;
    const asked = await gateway.cli('siem', 'replay', '--sink', 'lake', '--from', '20', '--json');
    expect(asked).toMatchObject({ status: 0, stdout: '{"sink":"lake","from":20}\n' });
    const { entry } = await gateway.entry(({ entry: { type } }) => type === 'export.replayed', WITHIN_MS);
    expect(entry).toMatchObject({ sink: 'lake', first: 20, prod: { id: 'siem-1' } });
    const last = 'last' in entry ? entry.last : -1;
    const again = await eventually(
      async () => {
        const sequences = sequencesOf((await feeds())[0] ?? []).slice(before);
        return sequences.filter((sequence) => sequence <= last).length > last - 20 ? sequences : undefined;
      },
      'all of it again',
      WITHIN_MS,
    );
    // What was sealed meanwhile may stand before it.
    const replayed = again.slice(again.indexOf(20)).filter((sequence) => sequence <= last);
    expect(replayed).toEqual(Array.from({ length: last - 19 }, (_, n) => 20 + n));
    expect((await gateway.cli('siem', 'replay', '--sink', 'nobody', '--from', '0')).status).toBe(64);
  }, 120_000);

  it('sends a sink a marked record when somebody tests it, and says what the sink made of it', async () => {
    const asked = await gateway.cli('siem', 'test', 'lake', '--json');
    expect(asked.status).toBe(0);
    const { id, ...said } = JSON.parse(asked.stdout) as { readonly id: string };
    expect(said).toEqual({ sink: 'lake', kind: 'file', status: 'acknowledged' });
    expect(await readFile(join(gateway.directory, 'log.ndjson'), 'utf8')).toContain(`"test":"${id}"`);
  }, 60_000);

  it('says in a heartbeat how far it is, under a checkpoint that the key of the log signed', async () => {
    await exported();
    // An exporter says it when it starts, once, and then once a minute: it is to be heard.
    receiver.isBusyAtTimes = false;
    const before = (await feeds()).map((events) => events.length);
    await kill('siem-1');
    const trusted = new Authority(await readTrustBundle(gateway.paths));
    for (const at of [0, 1]) {
      const beats = async () => {
        const events = (await feeds())[at] ?? [];
        const last = events.findLastIndex(
          ({ metadata, unmapped }) => metadata.event_code === 'export.heartbeat' && (unmapped.writ.exported ?? 0) > 0,
        );
        return last < (before[at] ?? 0) ? undefined : events.slice(0, last + 1);
      };
      const events = await eventually(beats, 'a heartbeat', WITHIN_MS);
      const { size = 0, root, exported: below = 0 } = events.at(-1)?.unmapped.writ ?? {};
      const note = await readFile(join(gateway.paths.logDir, 'checkpoints', String(size)), 'utf8');
      expect(openCheckpoint(note, trusted.ledger, trusted.logKeys())).toMatchObject({ size, root });
      // All that it says to have is before it.
      expect(new Set(sequencesOf(events).filter((sequence) => sequence < below)).size).toBe(below);
    }
  }, 120_000);
});
