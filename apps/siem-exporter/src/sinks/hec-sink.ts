import type { RecordFormat, SiemRecord } from '#writ/siem';
import { z } from 'zod';
import type { Delivery, Sink } from '../ports.js';
import { deliveryOf, HttpClient, type HttpOptions, isSuccess } from './http-client.js';

export interface HecOptions extends HttpOptions {
  readonly format: RecordFormat;
  readonly indexerAck: boolean;
  readonly index?: string | undefined;
  /** Names this sender to the receiver; acknowledgements are kept by it. */
  readonly channel: string;
  readonly sleep: (ms: number) => Promise<void>;
  /** How long the indexer may take; after it everything is sent again. */
  readonly ackWithinMs: number;
}

const Accepted = z.object({ code: z.literal(0), ackId: z.int().optional() });
const Acks = z.object({ acks: z.record(z.string(), z.boolean()) });
const ACK_POLL_MS = 500;

/**
 * Splunk's HTTP event collector. With indexer acknowledgement a batch counts when the indexer has it; a 200 alone says that it was understood,
 * and the receiver may lose it after that.
 */
export function hecSink(options: HecOptions): Sink {
  const client = new HttpClient(options);
  const url = (path: string) => new URL(`/services/collector/${path}`, options.url).href;
  const channel = { 'x-splunk-request-channel': options.channel, 'content-type': 'application/json' };
  return {
    send: async (records) => {
      const body = records.map((record) => envelope(record, options)).join('\n');
      const answer = await client.post(body, channel, url('event'));
      if (!isSuccess(answer)) return deliveryOf(answer);
      const accepted = Accepted.safeParse(parseJson(answer.text)).data;
      if (accepted === undefined) return again('the receiver answers 200 with what is no answer of an event collector');
      if (!options.indexerAck) return { status: 'acknowledged' };
      if (accepted.ackId === undefined) return again('the token has no indexer acknowledgement');
      return indexed(accepted.ackId, { client, url: url('ack'), channel, options });
    },
    close: () => client.close(),
  };
}

interface Asking {
  readonly client: HttpClient;
  readonly url: string;
  readonly channel: Readonly<Record<string, string>>;
  readonly options: HecOptions;
}

/** Asks until the indexer has the batch. The identifier is true once: asked again after it, the receiver would say no. */
async function indexed(ackId: number, { client, url, channel, options }: Asking): Promise<Delivery> {
  const attempts = Math.ceil(options.ackWithinMs / ACK_POLL_MS);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const answer = await client.post(JSON.stringify({ acks: [ackId] }), channel, url);
    if (!isSuccess(answer)) return again(`the receiver answers ${answer.status} when asked for an acknowledgement`);
    if (Acks.safeParse(parseJson(answer.text)).data?.acks[String(ackId)] === true) return { status: 'acknowledged' };
    await options.sleep(ACK_POLL_MS);
  }
  return again(`the indexer did not acknowledge in ${options.ackWithinMs} ms`);
}

function envelope(record: SiemRecord, { format, index }: HecOptions): string {
  const event = format === 'cef' ? JSON.stringify(record.text) : record.text;
  const meta = {
    time: record.timeMs / 1_000,
    source: record.logName,
    sourcetype: `writ:${format}`,
    ...(index !== undefined && { index }),
  };
  // The record is JSON already: it goes in as it is.
  return `${JSON.stringify(meta).slice(0, -1)},"event":${event}}`;
}

function again(why: string): Delivery {
  return { status: 'again', why };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
