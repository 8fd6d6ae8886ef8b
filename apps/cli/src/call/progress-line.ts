import type { Progress } from '#writ/agent-sdk';
import { printable } from '../printable.js';

/** One line that says how far a call is, such as `progress: 3 of 10: copying`. The message comes from the tool. */
export function progressLine({ progress, total, message }: Progress): string {
  const amount = total === undefined ? String(progress) : `${progress} of ${total}`;
  return `progress: ${amount}${message === undefined ? '' : `: ${printable(message)}`}`;
}
