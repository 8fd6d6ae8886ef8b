interface HelloOptions {
  /** Has the extension of Encrypted Client Hello. */
  readonly encrypted?: boolean;
  /** So many bytes more, in an extension that means nothing. */
  readonly padding?: number;
  /** In how many records it comes. */
  readonly records?: number;
}

const vector = (lengthBytes: number, ...parts: readonly Buffer[]) => {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(body.length, 0, lengthBytes);
  return Buffer.concat([length, body]);
};
const number = (value: number, bytes: number) => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
};
const extension = (type: number, body: Buffer) => Buffer.concat([number(type, 2), vector(2, body)]);

/** The ClientHello of TLS 1.2 and 1.3 for the names, in its records. No name: none is said. */
export function clientHello(...names: readonly (string | undefined | HelloOptions)[]): Buffer {
  const { encrypted, padding = 0, records = 1 } = names.find((each) => typeof each === 'object') ?? {};
  const said = names.filter((each) => typeof each === 'string');
  const list = said.map((name) => Buffer.concat([number(0, 1), vector(2, Buffer.from(name))]));
  const extensions = [
    ...(said.length === 0 ? [] : [extension(0, vector(2, ...list))]),
    ...(encrypted === true ? [extension(0xfe0d, Buffer.alloc(40))] : []),
    ...(padding > 0 ? [extension(21, Buffer.alloc(padding))] : []),
  ];
  const random = Buffer.alloc(32, 7);
  const suites = vector(2, number(0x1301, 2));
  const body = Buffer.concat([
    number(0x0303, 2),
    random,
    vector(1),
    suites,
    vector(1, number(0, 1)),
    vector(2, ...extensions),
  ]);
  const message = Buffer.concat([number(1, 1), vector(3, body)]);
  const size = Math.ceil(message.length / records);
  const parts = Array.from({ length: records }, (_, at) => message.subarray(at * size, (at + 1) * size));
  return Buffer.concat(parts.map((part) => Buffer.concat([Buffer.from([22, 3, 1]), vector(2, part)])));
}
