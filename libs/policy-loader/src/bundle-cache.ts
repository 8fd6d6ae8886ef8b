import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  bundleHash,
  JsonTable,
  markShared,
  type PolicyBundle,
  type PolicyJson,
  type PolicyProblem,
  type PolicySource,
  readJsonTable,
  type TabledJson,
} from '#writ/policy';
import type { ChildComplaint } from './child.js';
import type { PolicyFile } from './policy-files.js';

export interface LoadedBundle {
  readonly bundle: PolicyBundle;
  readonly warnings: readonly PolicyProblem[];
  /** What Cedar warned of, by the digest of the policy's text. */
  readonly cedarWarnings: Readonly<Record<string, readonly ChildComplaint[]>>;
}

/** Names a bundle: `rules` is everything that decides how content is read, `content` the hash of the files. */
export interface BundleName {
  readonly rules: string;
  readonly content: string;
}

/** What Cedar once said of policies that were accepted, by the digest of their text. */
export interface KnownPolicies {
  readonly cedarVersion: string;
  readonly policies: ReadonlyMap<string, Pick<PolicySource, 'est' | 'annotations'>>;
  readonly cedarWarnings: LoadedBundle['cedarWarnings'];
}

/** A policy as it is kept. Its text is that of its file, which is at hand whenever the content has the same hash. */
interface StoredPolicy extends Omit<PolicySource, 'file' | 'text' | 'est'> {
  /** Index in `files`. */
  readonly file: number;
  /** Offset in its file, in UTF-16 units. */
  readonly start: number;
  readonly length: number;
  readonly digest: string;
  /** Number in `json`. */
  readonly est: number;
}

interface StoredBundle extends Omit<PolicyBundle, 'policies'>, Omit<LoadedBundle, 'bundle'> {
  readonly files: readonly string[];
  readonly policies: readonly StoredPolicy[];
  /** What Cedar read. Policies are much alike: what several of them say stands here, and is parsed and compiled, once. */
  readonly json: TabledJson;
}

/** A stored bundle with the table opened: `ests` by number. */
interface ReadBundle extends Omit<StoredBundle, 'json'> {
  readonly ests: readonly PolicyJson[];
}

/** The files that a bundle was made of, beside it: whoever has only the bundle's hash finds both by it. */
interface StoredTexts {
  readonly hash: string;
  readonly texts: readonly (readonly [file: string, text: string])[];
}

/** So many bundles are kept: the one in force, and some to go back to. */
const BUNDLES_MAX = 4;
const DIGEST_CHARACTERS = 64;

/** Where bundles are kept below a data directory. */
export const bundleCacheFolder = (dataDir: string): string => join(dataDir, 'cache', 'policies');

/**
 * The bundle that was made of the same files before. The folder must be as private as the keys: who can write there
 * decides. A damaged file is as good as none: its digest is checked, and what has the digest is what this module wrote.
 */
export async function readCachedBundle(
  directory: string,
  name: BundleName,
  files: readonly PolicyFile[],
): Promise<LoadedBundle | undefined> {
  return openStored(join(directory, fileOf(name)), new Map(files.map((file) => [file.name, textOf(file)])));
}

async function openStored(path: string, texts: ReadonlyMap<string, string>): Promise<LoadedBundle | undefined> {
  const stored = await readBundleFile(path);
  if (stored === undefined) return undefined;
  const { files: names, policies, warnings, cedarWarnings, ests, ...rest } = stored;
  const opened = policies.map(({ set, id, file: index, line, col, start, length, est: at, annotations }) => {
    const file = names[index] ?? '';
    const text = (texts.get(file) ?? '').slice(start, start + length);
    return { set, id, file, line, col, text, est: ests[at] as PolicyJson, annotations };
  });
  return { bundle: markShared({ ...rest, policies: opened }), warnings, cedarWarnings };
}

/**
 * The bundle of that hash with the texts that it was made of, whatever the policy files are now. Undefined when it is not kept any
 * more, and when what is kept does not have that hash.
 */
export async function openCachedBundle(cacheFolder: string, hash: string): Promise<PolicyBundle | undefined> {
  for (const { path } of await bundlesOf(cacheFolder, '')) {
    const stored = await readStored<StoredTexts>(textsOf(path));
    if (stored?.hash !== hash) continue;
    const bundle = (await openStored(path, new Map(stored.texts)))?.bundle;
    if (bundle !== undefined && bundleHash(bundle.policies, bundle.cedarVersion) === hash) return bundle;
  }
  return undefined;
}

/** The policies of the newest bundle of the same rules, whatever its files: most of them are in the next one as well. */
export async function readKnownPolicies(directory: string, { rules }: BundleName): Promise<KnownPolicies | undefined> {
  const [newest] = await bundlesOf(directory, rules);
  const stored = newest === undefined ? undefined : await readBundleFile(newest.path);
  if (stored === undefined) return undefined;
  const { cedarVersion, policies, cedarWarnings, ests } = stored;
  const known = policies.map(({ digest, est, annotations }) => {
    return [digest, { est: ests[est] as PolicyJson, annotations }] as const;
  });
  return { cedarVersion, policies: new Map(known), cedarWarnings };
}

/** Keeps a bundle. That it cannot be kept is no failure: the next start takes longer. */
export async function writeCachedBundle(
  directory: string,
  name: BundleName,
  { loaded, files }: { readonly loaded: LoadedBundle; readonly files: readonly PolicyFile[] },
): Promise<void> {
  const path = join(directory, fileOf(name));
  const texts: StoredTexts = {
    hash: loaded.bundle.hash,
    texts: files.map((file) => [file.name, textOf(file)]),
  };
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    // The texts come first, so that a bundle that is found can be shown. If the process dies in between nobody reads them.
    await writeStored(textsOf(path), texts);
    await writeStored(path, storedBundle(loaded, files));
    for (const old of (await bundlesOf(directory, '')).slice(BUNDLES_MAX)) {
      await rm(old.path, { force: true });
      await rm(textsOf(old.path), { force: true });
    }
  } catch {
    return;
  }
}

async function writeStored(path: string, content: StoredBundle | StoredTexts): Promise<void> {
  const body = Buffer.from(JSON.stringify(content));
  const temporary = `${path}.${randomUUID()}.tmp`;
  await writeFile(temporary, Buffer.concat([Buffer.from(`${digestOf(body)}\n`), body]), { mode: 0o600 });
  // If the process dies here a stray temporary file is left, which nobody reads.
  await rename(temporary, path);
}

/** Names the text of a policy. */
export function digestOfText(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function storedBundle({ bundle, ...more }: LoadedBundle, files: readonly PolicyFile[]): StoredBundle {
  const indexes = new Map(files.map(({ name }, at) => [name, at]));
  const lineStarts = files.map((file) => [0, ...[...textOf(file).matchAll(/\n/g)].map(({ index }) => index + 1)]);
  const json = new JsonTable();
  const policies = bundle.policies.map(({ file: name, text, est, ...policy }): StoredPolicy => {
    const file = indexes.get(name) ?? 0;
    const start = (lineStarts[file]?.[policy.line - 1] ?? 0) + policy.col - 1;
    return { ...policy, file, start, length: text.length, digest: digestOfText(text), est: json.idOf(est) };
  });
  return {
    ...bundle,
    ...more,
    files: files.map(({ name }) => name),
    policies,
    json: { shapes: json.shapes, rows: json.rows },
  };
}

function textOf({ bytes }: PolicyFile): string {
  return new TextDecoder().decode(bytes);
}

async function readBundleFile(path: string): Promise<ReadBundle | undefined> {
  const stored = await readStored<StoredBundle>(path);
  if (stored === undefined) return undefined;
  const { json, ...rest } = stored;
  try {
    return { ...rest, ests: readJsonTable(json) as unknown as readonly PolicyJson[] };
  } catch {
    return undefined;
  }
}

/** What `writeStored` wrote there; undefined when there is nothing, or it is damaged. */
async function readStored<T extends StoredBundle | StoredTexts>(path: string): Promise<T | undefined> {
  try {
    const bytes = await readFile(path);
    const body = bytes.subarray(DIGEST_CHARACTERS + 1);
    if (bytes.toString('latin1', 0, DIGEST_CHARACTERS + 1) !== `${digestOf(body)}\n`) return undefined;
    return JSON.parse(body.toString()) as T;
  } catch {
    return undefined;
  }
}

/** The bundles of some rules, the newest first. */
async function bundlesOf(directory: string, rules: string): Promise<readonly { path: string; writtenMs: number }[]> {
  try {
    const names = (await readdir(directory)).filter((name) => name.startsWith(rules) && name.endsWith('.json'));
    const bundles = names.map(async (name) => {
      const path = join(directory, name);
      // Another process may have removed it meanwhile: that hides none of the others.
      const found = await stat(path).catch(() => undefined);
      return found === undefined ? [] : [{ path, writtenMs: found.mtimeMs }];
    });
    return (await Promise.all(bundles)).flat().toSorted((a, b) => b.writtenMs - a.writtenMs);
  } catch {
    return [];
  }
}

function fileOf({ rules, content }: BundleName): string {
  return `${rules}-${content}.json`;
}

function textsOf(bundlePath: string): string {
  return bundlePath.replace(/\.json$/, '.texts');
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
