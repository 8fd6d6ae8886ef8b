import { type ExecutorKind, parse, parseStrictJson, PoolHeartbeat } from '#writ/contracts';
import type { Bus } from '#writ/nats';

const ABSENT_AFTER_MS = 3_000;
const HEARTBEAT_JSON_LIMITS = { bytesMax: 262_144, depthMax: 4 };

/** Which executors are there: each says so every second. A pool that fell silent is absent, and its calls are denied. */
export class Pools {
  readonly #heardMs = new Map<string, number>();

  constructor(private readonly now: () => number) {}

  listen(bus: Bus): void {
    bus.subscribe('pool.*.*', {
      onMessage: ({ subject, data }) => {
        try {
          parse(PoolHeartbeat, parseStrictJson(data, HEARTBEAT_JSON_LIMITS));
          this.#heardMs.set(subject, this.now());
        } catch {
          // Not a heartbeat. Only executors may publish here; one that says nonsense is absent.
        }
      },
    });
  }

  /** The pools that are there, for health. */
  present(): readonly string[] {
    const now = this.now();
    return [...this.#heardMs].filter(([, heardMs]) => now - heardMs < ABSENT_AFTER_MS).map(([subject]) => subject);
  }

  isPresent(kind: ExecutorKind, pool: string): boolean {
    return this.now() - (this.#heardMs.get(`pool.${kind}.${pool}`) ?? 0) < ABSENT_AFTER_MS;
  }
}
