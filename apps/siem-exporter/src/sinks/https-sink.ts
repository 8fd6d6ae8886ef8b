import type { RecordFormat } from '#writ/siem';
import type { Sink } from '../ports.js';
import { deliveryOf, HttpClient, type HttpOptions, isSuccess } from './http-client.js';

/** One record a line in the body of a POST. A 2xx is the acknowledgement of all of them. */
export function httpsSink(options: HttpOptions & { readonly format: RecordFormat }): Sink {
  const client = new HttpClient(options);
  const contentType = options.format === 'cef' ? 'text/plain; charset=utf-8' : 'application/x-ndjson';
  return {
    send: async (records) => {
      const body = records.map(({ text }) => `${text}\n`).join('');
      const answer = await client.post(body, { 'content-type': contentType });
      return isSuccess(answer) ? { status: 'acknowledged' } : deliveryOf(answer);
    },
    close: () => client.close(),
  };
}
