import { Fault } from '#writ/faults';

/** What a declared destination says about requests to it, beyond where they go. What is not said is not limited here. */
export interface RequestRules {
  /** Of the body, in UTF-8. */
  readonly bodyBytesMax?: number | undefined;
  /** What a body may be, as `application/json`; none at all when the list is empty. */
  readonly mediaTypes?: readonly string[] | undefined;
  /** Lower-case names of the headers that an agent may set. */
  readonly headers?: readonly string[] | undefined;
}

/** One media type (RFC 9110, 8.3.1) with no parameter but the two that do not change what a body means. */
const CONTENT_TYPE =
  /^([a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126})(?:;[ \t]{0,8}(?:charset="?utf-8"?|boundary=[a-z0-9'()+_,./:=?-]{1,70}))?$/;

/**
 * Refuses a request to a destination that its rules do not let through, with INPUT_INVALID. Headers have lower-case names; they and
 * the body are attacker-controlled, so no message quotes a value of them.
 */
export function checkRequestRules(
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body?: string | undefined },
  { bodyBytesMax, mediaTypes, headers: allowed }: RequestRules,
): void {
  if (allowed !== undefined) {
    const other = Object.keys(headers).find((name) => !allowed.includes(name));
    if (other !== undefined) throw refused(`\`headers\`: the destination takes no header \`${other}\``);
  }
  if (body === undefined || body === '') return;
  if (bodyBytesMax !== undefined && Buffer.byteLength(body) > bodyBytesMax)
    throw refused(`\`body\`: the destination takes at most ${bodyBytesMax} bytes`);
  if (mediaTypes === undefined) return;
  // A body without a type is whatever the server takes it for, and two types in one header are two readings of it.
  const type = CONTENT_TYPE.exec((headers['content-type'] ?? '').toLowerCase())?.[1];
  if (type === undefined || !mediaTypes.includes(type))
    throw refused('`body`: its `content-type` is not one that the destination takes');
}

function refused(why: string): Fault {
  return new Fault('INPUT_INVALID', why);
}
