import { hash } from 'node:crypto';

/** What the current size of a witness is sent as, with the status 409. */
export const SIZE_MEDIA_TYPE = 'text/x.tlog.size';

/** Names a log in paths: 64 lower-case hexadecimal digits. An origin itself could hold anything. */
export function logId(origin: string): string {
  return hash('sha256', origin, 'hex');
}

/** Where a witness shows the checkpoint of a log that it cosigned last, for monitors. */
export function checkpointPath(origin: string): string {
  return `/${logId(origin)}/checkpoint`;
}
