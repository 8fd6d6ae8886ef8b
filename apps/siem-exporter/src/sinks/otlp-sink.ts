import type { RecordFormat, SiemRecord } from '#writ/siem';
import { z } from 'zod';
import type { Delivery, Sink } from '../ports.js';
import { deliveryOf, HttpClient, type HttpOptions, isSuccess } from './http-client.js';

/** In JSON a 64 bit number may be a text. */
const Answer = z.object({
  partialSuccess: z
    .object({
      rejectedLogRecords: z.coerce.number().optional(),
      errorMessage: z.string().optional(),
    })
    .nullish(),
});

/** OpenTelemetry severity numbers by that of OCSF: INFO, INFO, INFO2, WARN, ERROR, FATAL. */
const SEVERITIES = [9, 9, 10, 13, 17, 21];
const TEXTS = ['INFO', 'INFO', 'INFO2', 'WARN', 'ERROR', 'FATAL'];

/** OTLP logs over HTTP, as JSON. A 200 counts only when it says that no record was rejected. */
export function otlpSink(options: HttpOptions & { readonly format: RecordFormat }): Sink {
  const client = new HttpClient(options);
  return {
    send: async (records) => {
      const answer = await client.post(bodyOf(records, options.format), { 'content-type': 'application/json' });
      return isSuccess(answer) ? acceptedOf(answer.text) : deliveryOf(answer);
    },
    close: () => client.close(),
  };
}

function acceptedOf(text: string): Delivery {
  const { data } = Answer.safeParse(parseJson(text));
  if (data === undefined) return { status: 'again', why: 'the receiver answers 200 with what is no answer of OTLP' };
  const rejected = data.partialSuccess?.rejectedLogRecords ?? 0;
  if (rejected === 0) return { status: 'acknowledged' };
  // It does not say which: they are found by sending less.
  return { status: 'refused', why: `the receiver rejects ${rejected} records`, code: 'OTLP_REJECTED' };
}

function bodyOf(records: readonly SiemRecord[], format: RecordFormat): string {
  return JSON.stringify({
    resourceLogs: [
      {
        resource: { attributes: [text('service.name', 'writ')] },
        scopeLogs: [{ scope: { name: 'writ.siem' }, logRecords: records.map((record) => logRecord(record, format)) }],
      },
    ],
  });
}

function logRecord(record: SiemRecord, format: RecordFormat): object {
  const { timeMs, severity, type, index, id, logName } = record;
  const isOcsf = format === 'ocsf';
  return {
    timeUnixNano: `${timeMs}000000`,
    severityNumber: SEVERITIES[severity] ?? 9,
    severityText: TEXTS[severity] ?? 'INFO',
    eventName: type,
    body: { stringValue: isOcsf ? type : record.text },
    attributes: [
      text('event.name', type),
      text('writ.log_name', logName),
      ...(index === undefined ? [] : [{ key: 'writ.sequence', value: { intValue: String(index) } }]),
      ...(id === undefined ? [] : [text('writ.id', id)]),
      ...(isOcsf ? [text('ocsf.raw', record.text)] : []),
    ],
  };
}

function text(key: string, value: string): object {
  return { key, value: { stringValue: value } };
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
