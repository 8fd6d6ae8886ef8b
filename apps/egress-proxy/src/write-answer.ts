import type { Completed } from '#writ/agent-sdk';
import { parse } from '#writ/contracts';
import type { ServerResponse } from 'node:http';
import { z } from 'zod';

/** What the egress executor gives back of a request; policy may have taken any of it out. */
const Output = z.looseObject({
  status: z.int().min(200).max(599),
  headers: z.record(z.string(), z.unknown()).default({}),
  body: z.string().default(''),
  encoding: z.literal('base64').optional(),
});

/** A header of these would frame another message than the one that is written, or speak for Writ. */
const OWN = /^(connection|content-length|transfer-encoding|keep-alive|trailer|upgrade|proxy-.*|writ-.*)$/i;

/** Writes the answer of a completed call, with its call id and ledger entry. Throws EXECUTOR_BAD_ANSWER when it is no answer of a service. */
export function writeAnswer(completed: Completed, response: ServerResponse): void {
  const { status, headers, body, encoding } = parse(Output, completed.output, 'EXECUTOR_BAD_ANSWER');
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string' && !OWN.test(name)) response.setHeader(name, value);
  }
  response.setHeader('writ-call', completed.callId);
  response.setHeader('writ-entry', completed.entry);
  response.end(encoding === undefined ? body : Buffer.from(body, encoding));
}
