import type { JsonObject } from '#writ/contracts';
import { namesOfFiles } from './http-body.js';
import type { HttpToolDeclaration } from './tool-schema.js';

type Fault = (field: 'body' | 'files', problem: string) => Error;

/** Checks how a tool fills its body: there is one, and what it says of files are arguments that go there. */
export function checkBody(
  { method, body, files }: HttpToolDeclaration,
  schema: JsonObject,
  { inUrl, fault }: { readonly inUrl: readonly string[]; readonly fault: Fault },
): void {
  if (['GET', 'DELETE'].includes(method) && body !== 'json') throw fault('body', `means nothing with ${method}`);
  const names = [...Object.keys(files), ...namesOfFiles(files)];
  if (names.length > 0 && body !== 'multipart') throw fault('files', 'are parts of a body that is `multipart`');
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, { readonly type?: unknown }>>;
  for (const name of names) {
    const type = Object.hasOwn(properties, name) ? properties[name]?.type : undefined;
    if (type !== 'string') throw fault('files', `the argument \`${name}\` must be in \`input\`, of type string`);
    if (inUrl.includes(name)) throw fault('files', `the argument \`${name}\` already has a place in the URL`);
  }
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw fault('files', `the argument \`${twice}\` is two things at once`);
}
