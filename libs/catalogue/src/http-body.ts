import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '#writ/contracts';
import { FILE_NAME, MEDIA_TYPE } from './schema-parts.js';
import type { HttpToolDeclaration } from './tool-schema.js';

/** The body of a request and its `content-type`; or why the arguments cannot be put into one. */
export type FilledBody =
  { readonly body: string | Buffer; readonly contentType: string } | { readonly problem: string };

type BodyDeclaration = Pick<HttpToolDeclaration, 'body' | 'files'>;

/** RFC 4648, section 4, with its padding. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Puts arguments into a body as the tool declares. In forms a list becomes one member for each element, an object JSON, and null is left
 * out. The same arguments always make the same bytes, so that a call that runs again sends what it sent.
 */
export function fillBody({ body, files }: BodyDeclaration, args: JsonObject): FilledBody {
  switch (body) {
    case 'json':
      return { body: JSON.stringify(args), contentType: 'application/json' };
    case 'form':
      return {
        body: new URLSearchParams(membersOf(args)).toString(),
        contentType: 'application/x-www-form-urlencoded',
      };
    case 'multipart':
      return fillMultipart(files, args);
  }
}

/** Arguments that say something of a file and are no parts of their own. */
export function namesOfFiles(files: HttpToolDeclaration['files']): readonly string[] {
  return Object.values(files).flatMap(({ nameFrom, mediaTypeFrom }) =>
    [nameFrom, mediaTypeFrom].flatMap((name) => (name === undefined ? [] : [name])),
  );
}

/** One part, as RFC 7578 has it: its header lines and its content. */
interface Part {
  readonly head: string;
  readonly content: Buffer;
}

function fillMultipart(files: HttpToolDeclaration['files'], args: JsonObject): FilledBody {
  const parts: Part[] = [];
  const about = namesOfFiles(files);
  for (const [name, value] of Object.entries(args)) {
    if (about.includes(name)) continue;
    const file = Object.hasOwn(files, name) ? files[name] : undefined;
    if (file === undefined) {
      for (const [, text] of membersOf({ [name]: value }))
        parts.push({ head: disposition(name), content: Buffer.from(text) });
      continue;
    }
    const part = filePart(name, file, args);
    if (typeof part === 'string') return { problem: part };
    parts.push(part);
  }
  return joined(parts);
}

function filePart(name: string, file: HttpToolDeclaration['files'][string], args: JsonObject): Part | string {
  const { [name]: content } = args;
  if (typeof content !== 'string' || !BASE64.test(content)) return `the argument \`${name}\` is no base64`;
  const fileName = said(args, file.nameFrom) ?? file.name;
  if (typeof fileName !== 'string' || !FILE_NAME.test(fileName))
    return `the argument \`${file.nameFrom}\` cannot be the name of a file`;
  const mediaType = said(args, file.mediaTypeFrom) ?? file.mediaType;
  if (typeof mediaType !== 'string' || mediaType.length > 128 || !MEDIA_TYPE.test(mediaType))
    return `the argument \`${file.mediaTypeFrom}\` is no media type`;
  return {
    head: `${disposition(name)}; filename="${quoted(fileName)}"\r\ncontent-type: ${mediaType}`,
    content: Buffer.from(content, 'base64'),
  };
}

function said(args: JsonObject, name: string | undefined): Json | undefined {
  return name !== undefined && Object.hasOwn(args, name) ? args[name] : undefined;
}

/** The boundary is a hash of what it stands between: nobody can write content that has its own boundary in it. */
function joined(parts: readonly Part[]): FilledBody {
  const hash = createHash('sha256');
  for (const { head, content } of parts) hash.update(`${head.length} ${content.length} `).update(head).update(content);
  const boundary = `writ-${hash.digest('hex').slice(0, 48)}`;
  const body = parts.flatMap(({ head, content }) => [
    Buffer.from(`--${boundary}\r\n${head}\r\n\r\n`),
    content,
    Buffer.from('\r\n'),
  ]);
  return {
    body: Buffer.concat([...body, Buffer.from(`--${boundary}--\r\n`)]),
    contentType: `multipart/form-data; boundary=${boundary}`,
  };
}

function disposition(name: string): string {
  return `content-disposition: form-data; name="${quoted(name)}"`;
}

/** As the HTML standard has names in forms, and as servers undo it. */
function quoted(name: string): string {
  return name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function membersOf(args: JsonObject): [string, string][] {
  return Object.entries(args).flatMap(([name, value]) =>
    (Array.isArray(value) ? (value as readonly Json[]) : [value])
      .filter((element) => element !== null)
      .map((element): [string, string] => [name, textOf(element)]),
  );
}

function textOf(value: Json): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
