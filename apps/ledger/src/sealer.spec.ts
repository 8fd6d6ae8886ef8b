import { Fault } from '#writ/faults';
import { Integrator, type Integrated, type LedgerMessage, openCheckpoint } from '#writ/tlog';
import { buildHealthyLedger } from '../../../test/harness/ledger-builder.js';
import type { Late, LogStore, Shown } from './ports.js';
import { Sealer, type SealerPorts, type SealerState } from './sealer.js';
import type { Stored } from './state-store.js';

const { deployment, messages } = buildHealthyLedger(6);

/** A disk that can be full, with the order in which things happened on it. */
class Disk implements LogStore {
  constructor(private readonly history: readonly LedgerMessage[] = messages) {}

  readonly events: string[] = [];
  readonly notes: string[] = [];
  readonly kept: [size: number, note: string][] = [];
  /** The tree that the tiles have, by size. */
  readonly roots = new Map<number, string>();
  lines = 0;
  stored: Stored<SealerState> | undefined;
  failing: string | undefined;

  #do(what: string): Promise<void> {
    if (this.failing === what.split(' ')[0]) return Promise.reject(new Fault('LEDGER_LOG_UNWRITABLE', 'full'));
    this.events.push(what);
    return Promise.resolve();
  }

  async write(before: { size: number; messages: number }, integrated: readonly Integrated[]): Promise<void> {
    if (integrated[0]?.first !== before.size) throw new Error(`written behind ${before.size}`);
    await this.#do(`write ${before.size}`);
    this.lines = before.messages + integrated.length;
    const { size, root } = rootOf(integrated.at(-1)?.seq ?? 0, this.history);
    this.roots.set(size, root);
  }

  async publish(note: string, size: number): Promise<void> {
    await this.#do(`publish ${size}`);
    this.notes.push(note);
  }

  keep(note: string, size: number): Promise<void> {
    this.kept.push([size, note]);
    return Promise.resolve();
  }

  store = async (value: SealerState, after: number): Promise<Stored<SealerState>> => {
    if ((this.stored?.generation ?? 0) !== after) throw new Fault('LEDGER_FENCED', 'another sealer');
    await this.#do(`store ${value.log.size}`);
    this.stored = { generation: after + 1, value };
    return this.stored;
  };

  assertNewest = (generation: number): Promise<void> =>
    (this.stored?.generation ?? 0) === generation
      ? Promise.resolve()
      : Promise.reject(new Fault('LEDGER_FENCED', 'another sealer'));

  rootAt = (size: number) => Promise.resolve(this.roots.get(size));
  checkpoint = () => Promise.resolve(this.notes.at(-1));
}

function aSealer(disk: Disk, clock = { ms: 0 }, late: Late = () => undefined) {
  const fed: number[] = [];
  const ports: SealerPorts = {
    store: disk,
    states: { store: disk.store, assertNewest: disk.assertNewest },
    origin: deployment.ledger,
    signers: () => [deployment.logKey],
    authority: () => deployment.authority,
    cosign: (note) => Promise.resolve(note),
    late,
    feed: ({ size }) => void fed.push(size),
    digest: ({ seq }) => `message ${seq}`,
    onIntegrated: () => undefined,
    elapsed: () => clock.ms,
  };
  const integrator = new Integrator(deployment.authority, disk.stored?.value.log);
  return { sealer: new Sealer(ports, integrator, disk.stored), clock, fed };
}

const rootOf = (count: number, history: readonly LedgerMessage[] = messages) => {
  const integrator = new Integrator(deployment.authority);
  for (const message of history.slice(0, count)) integrator.integrate(message);
  return { size: integrator.size, root: integrator.root().toString('base64url') };
};

describe('Sealer', () => {
  it('writes, remembers, and only then shows a checkpoint; what is handed on comes last', async () => {
    const disk = new Disk();
    const { sealer, clock, fed } = aSealer(disk);
    await sealer.take(messages.slice(0, 4));
    expect(disk.events).toEqual([]);
    clock.ms = 1_000;
    await sealer.take([]);
    const { size, root } = rootOf(4);
    expect(disk.events).toEqual(['write 0', `store ${size}`, `publish ${size}`]);
    expect(fed).toEqual([size]);
    const { logKey, ledger } = deployment;
    const note = disk.notes[0] as string;
    expect(openCheckpoint(note, ledger, [{ name: logKey.name, key: logKey.verifyKey }])).toMatchObject({ size, root });
  });

  it('seals at once when a batch is large', async () => {
    const many = buildHealthyLedger(60).messages;
    const disk = new Disk(many);
    const { sealer } = aSealer(disk);
    await sealer.take(many);
    expect(sealer.waiting).toBe(0);
    expect(disk.notes).toHaveLength(1);
  });

  it('signs the tree that it had promised when it died before the checkpoint was shown, and goes on from there', async () => {
    const disk = new Disk();
    const { sealer } = aSealer(disk);
    await sealer.take(messages.slice(0, 5));
    disk.failing = 'publish';
    await expect(sealer.close()).rejects.toMatchObject({ code: 'LEDGER_LOG_UNWRITABLE' });
    disk.failing = undefined;

    const { sealer: next } = aSealer(disk);
    await next.recover();
    expect(next.published).toEqual(rootOf(5));
    expect(next.position).toBe(6);
    await next.take(messages.slice(5));
    await next.close();
    expect(next.published).toEqual(rootOf(messages.length));
    expect(disk.lines).toBe(messages.length);
  });

  it('loses nothing while the disk is full, and takes nothing more than what it had', async () => {
    const many = buildHealthyLedger(60).messages;
    const disk = new Disk(many);
    const { sealer, clock } = aSealer(disk);
    disk.failing = 'write';
    await expect(sealer.take(many)).rejects.toMatchObject({ code: 'LEDGER_LOG_UNWRITABLE' });
    const { position } = sealer;
    await expect(sealer.take([])).rejects.toMatchObject({ code: 'LEDGER_LOG_UNWRITABLE' });
    expect(sealer.position).toBe(position);
    disk.failing = undefined;
    clock.ms = 1_000;
    await sealer.take([]);
    expect(sealer.waiting).toBe(0);
    expect(sealer.published?.size).toBe(sealer.head.size);
  });

  it('shows the checkpoint with its cosignatures again after a restart, while the witnesses are away', async () => {
    const disk = new Disk();
    const { sealer } = aSealer(disk);
    await sealer.take(messages.slice(0, 5));
    await sealer.close();
    disk.notes[0] += '\u2014 witness.example/w1 AAAA\n';
    await aSealer(disk).sealer.recover();
    expect(disk.notes).toHaveLength(2);
    expect(disk.notes[1]).toBe(disk.notes[0]);
  });

  it('shows the newest checkpoint again when a cosignature came late, and keeps one that came for an earlier checkpoint', async () => {
    const disk = new Disk();
    const offered: Shown[] = [];
    const { sealer, clock, fed } = aSealer(disk, { ms: 0 }, (shown) => {
      offered.push(shown);
      // At the third look comes the first one, at the fourth the newest.
      const came = { 3: offered[0], 4: shown }[offered.length];
      return came && { ...came, note: `${came.note}a cosignature\n` };
    });
    await sealer.take(messages.slice(0, 3));
    for (clock.ms = 1_000; clock.ms < 5_000; clock.ms += 1_000)
      await sealer.take(clock.ms === 2_000 ? messages.slice(3) : []);
    const [first = '', newest = '', again = ''] = disk.notes;
    expect(disk.kept).toEqual([[rootOf(3).size, `${first}a cosignature\n`]]);
    expect([disk.notes.length, again]).toEqual([3, `${newest}a cosignature\n`]);
    expect(sealer.published).toEqual(rootOf(messages.length));
    expect(fed.at(-1)).toBe(rootOf(messages.length).size);
  });

  it('writes while it is behind, and shows what it wrote when a little time has passed', async () => {
    const many = buildHealthyLedger(200).messages;
    const disk = new Disk(many);
    const { sealer, clock } = aSealer(disk);
    for (let at = 0; at < many.length; at += 160) await sealer.take(many.slice(at, at + 160));
    expect(disk.events.filter((event) => event.startsWith('store')).length).toBeGreaterThan(2);
    expect(disk.notes).toHaveLength(1);
    clock.ms += 1_000;
    await sealer.take([]);
    expect(disk.notes).toHaveLength(2);
    expect(sealer.published).toEqual(sealer.head);
  });

  it('promises nothing over tiles that somebody changed on the disk', async () => {
    const disk = new Disk();
    const { sealer } = aSealer(disk);
    await sealer.take(messages.slice(0, 5));
    disk.rootAt = () => Promise.resolve('A'.repeat(43));
    await expect(sealer.close()).rejects.toMatchObject({ code: 'LEDGER_INTEGRITY' });
    expect(disk.stored).toBeUndefined();
    expect(disk.notes).toEqual([]);
  });

  it('does not write over the log when another sealer went on while this one slept', async () => {
    const disk = new Disk();
    const sleeping = aSealer(disk).sealer;
    await sleeping.take(messages.slice(0, 2));
    const { sealer } = aSealer(disk);
    await sealer.take(messages);
    await sealer.close();
    const lines = disk.lines;
    await expect(sleeping.close()).rejects.toMatchObject({ code: 'LEDGER_FENCED' });
    expect(disk.lines).toBe(lines);
  });

  it('stops when another sealer has signed', async () => {
    const disk = new Disk();
    const first = aSealer(disk).sealer;
    const second = aSealer(disk).sealer;
    await first.take(messages.slice(0, 5));
    await second.take(messages.slice(0, 3));
    await first.close();
    await expect(second.close()).rejects.toMatchObject({ code: 'LEDGER_FENCED' });
    expect(disk.notes).toHaveLength(1);
  });

  it('signs nothing over a hole in the stream', async () => {
    const { sealer } = aSealer(new Disk());
    const withHole = messages.filter(({ seq }) => seq !== 3) as LedgerMessage[];
    await expect(sealer.take(withHole)).rejects.toMatchObject({ code: 'LEDGER_INTEGRITY' });
  });
});
