/**
 * Bytes of base64url text without padding, or undefined unless the text is the one and only encoding of its bytes and, if
 * `length` is given, of so many. Node decodes leniently; a lenient decoder would give one signature many spellings.
 */
export function decodeBase64url(text: string, length?: number): Buffer | undefined {
  return decode(text, length, 'base64url');
}

/** As `decodeBase64url`, for padded standard base64, which is what signed notes and checkpoints use. */
export function decodeBase64(text: string, length?: number): Buffer | undefined {
  return decode(text, length, 'base64');
}

function decode(text: string, length: number | undefined, encoding: 'base64' | 'base64url'): Buffer | undefined {
  const bytes = Buffer.from(text, encoding);
  if (length !== undefined && bytes.length !== length) return undefined;
  return bytes.toString(encoding) === text ? bytes : undefined;
}
