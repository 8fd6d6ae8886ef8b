import type { HttpReply } from './ask-witness.js';

/** A cosignature is a line of some 200 bytes; a checkpoint has at most a hundred. */
const REPLY_BYTES_MAX = 65_536;

/** Sends text by POST. Rejects when the whole reply has not come when the signal fires, or is over 64 KiB. */
export async function postText(url: string, body: string, signal: AbortSignal): Promise<HttpReply> {
  return exchange(url, { method: 'POST', body, headers: { 'content-type': 'text/plain; charset=utf-8' } }, signal);
}

/** Reads text by GET, within the same limits. */
export async function getText(url: string, signal: AbortSignal): Promise<HttpReply> {
  return exchange(url, { method: 'GET' }, signal);
}

async function exchange(url: string, request: RequestInit, signal: AbortSignal): Promise<HttpReply> {
  // A redirect is not followed: a witness is where the configuration says.
  const response = await fetch(url, { ...request, redirect: 'manual', signal });
  const contentType = response.headers.get('content-type') ?? '';
  return { status: response.status, contentType, body: await limitedText(response) };
}

/** Reads no further than the limit, counted after decompression: a witness is not trusted with our memory. */
async function limitedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    const bytes: Uint8Array = chunk;
    length += bytes.length;
    // To leave the loop cancels the body, and with it the connection.
    if (length > REPLY_BYTES_MAX) throw new Error(`the reply is over ${REPLY_BYTES_MAX} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
