import { LEDGER_STREAM, PAYLOAD_KEYS_STREAM, PAYLOADS_STREAM } from '#writ/contracts';
import type { StreamReader } from '#writ/nats';
import type { Shard } from './ports.js';

/** Told from this share on, and again at each further step: early enough to make room before everything is denied. */
const FIRST_SHARE = 0.8;
const STEP_SHARE = 0.05;

/** Watches how full the ledger is. Full, it denies everything; long before that it says so, in the log and on record. */
export class LedgerAlarm {
  #told = 0;

  constructor(
    private readonly streams: Pick<StreamReader, 'info'>,
    private readonly log: { error(fields: Record<string, unknown>, message: string): void },
  ) {}

  /** One look at each stream. */
  async check(shard: Shard | undefined): Promise<void> {
    for (const stream of [LEDGER_STREAM, PAYLOADS_STREAM, PAYLOAD_KEYS_STREAM]) {
      const { config, state } = await this.streams.info(stream);
      const max = Number(config['max_bytes']);
      const share = max > 0 ? state.bytes / max : 0;
      if (share < FIRST_SHARE || share < this.#told + STEP_SHARE) continue;
      this.#told = share;
      this.log.error({ stream, usedBytes: state.bytes, maxBytes: max }, 'the ledger is nearly full');
      await shard?.append({ type: 'ledger.near_full', used: state.bytes, max });
    }
  }
}
