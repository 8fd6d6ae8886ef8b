import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseWitnessVkey, type WitnessKey } from '#writ/signing';
import { initWitness } from '../../libs/witness-server/src/directory.js';
import { openWitness, type Witness } from '../../libs/witness-server/src/open-witness.js';
import { createWitnessServer } from '../../libs/witness-server/src/server.js';

export interface Told {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

interface WitnessOptions {
  readonly requestTimeoutMs?: number;
  /** A free one unless given. */
  readonly port?: number;
}

/** A witness in this process, with a state directory of its own and a real port. */
export class TestWitness {
  readonly told: Told[] = [];
  /** In milliseconds since 1970. */
  nowMs = Date.now();
  url = '';
  #witness: Witness | undefined;
  #stop: () => Promise<void> = async () => undefined;

  private constructor(
    readonly state: string,
    readonly key: WitnessKey,
    readonly vkey: string,
    private readonly scratch: string,
  ) {}

  static async make(name = 'witness.example/w1'): Promise<TestWitness> {
    const scratch = await mkdtemp(join(tmpdir(), 'writ-witness-'));
    const state = join(scratch, 'w');
    const { vkey } = await initWitness(state, name);
    return new TestWitness(state, parseWitnessVkey(vkey), vkey, scratch);
  }

  get witness(): Witness {
    if (this.#witness === undefined) throw new Error('the witness does not run');
    return this.#witness;
  }

  async start(logs: readonly string[], options: WitnessOptions = {}): Promise<this> {
    const witness = await openWitness({ state: this.state, keyFile: undefined, logs });
    const tell = (level: string) => (fields: Record<string, unknown>, message: string) =>
      this.told.push({ level, message, fields });
    const log = { info: tell('info'), warn: tell('warn'), error: tell('error') };
    const { port = 0, ...limits } = options;
    const server = createWitnessServer({ witness, log, now: () => this.nowMs, ...limits });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    this.#witness = witness;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#stop = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await witness.close();
    };
    return this;
  }

  async stop(): Promise<void> {
    await this.#stop();
    this.#stop = async () => undefined;
  }

  async add(body: string | Uint8Array): Promise<{ status: number; type: string | null; body: string }> {
    const response = await fetch(`${this.url}/add-checkpoint`, { method: 'POST', body });
    return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.scratch, { recursive: true, force: true });
  }
}
