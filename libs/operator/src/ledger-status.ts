import { LEDGER_STREAM, PAYLOAD_KEYS_STREAM, PAYLOADS_STREAM, subjects } from '#writ/contracts';
import { readTrustBundle } from '#writ/deployment';
import { formatVkey } from '#writ/signing';
import type { Operator } from './open-operator.js';

/** From this share on a stream is about to be full; full, everything is denied. */
export const NEARLY_FULL_SHARE = 0.8;

export interface StreamStatus {
  readonly stream: string;
  readonly messages: number;
  readonly bytes: number;
  readonly bytesMax: number;
  /** What stood before it was removed: it is in the log. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly isNearlyFull: boolean;
}

export interface ProducerStatus {
  readonly producer: string;
  /** Stream sequence and time of its last block. */
  readonly lastSeq: number;
  readonly lastAt: string;
}

export interface LedgerStatus {
  readonly ledger: string;
  /** Vkeys of the keys that may sign its checkpoints, as the trust bundle names them: a witness needs them all. */
  readonly logVkeys: readonly string[];
  readonly streams: readonly StreamStatus[];
  /** Producers that have written. */
  readonly producers: readonly ProducerStatus[];
}

/** How full the streams of the ledger are, and who wrote last. */
export async function ledgerStatus(operator: Operator): Promise<LedgerStatus> {
  const { keys } = await readTrustBundle(operator.paths);
  const names = [...new Set(keys.flatMap(({ producers }) => producers))].toSorted();
  const [streams, producers] = await Promise.all([
    Promise.all([LEDGER_STREAM, PAYLOADS_STREAM, PAYLOAD_KEYS_STREAM].map((stream) => streamStatus(operator, stream))),
    Promise.all(names.map((name) => producerStatus(operator, name))),
  ]);
  const { ledger } = operator.authority;
  const logVkeys = operator.authority.logKeys().map(({ name, key }) => formatVkey({ name, key }));
  return { ledger, logVkeys, streams, producers: producers.flat() };
}

async function streamStatus({ streams }: Operator, stream: string): Promise<StreamStatus> {
  const { config, state } = await streams.info(stream);
  const bytesMax = Number(config['max_bytes']);
  const { messages, bytes, first_seq: firstSeq, last_seq: lastSeq } = state;
  return { stream, messages, bytes, bytesMax, firstSeq, lastSeq, isNearlyFull: bytes > bytesMax * NEARLY_FULL_SHARE };
}

async function producerStatus({ streams }: Operator, producer: string): Promise<readonly ProducerStatus[]> {
  const last = await streams.lastOnSubject(LEDGER_STREAM, subjects.ledgerBlock(producer));
  return last === undefined ? [] : [{ producer, lastSeq: last.seq, lastAt: last.time }];
}
