import type { Json, JsonObject } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { Resolve } from './tidy-schema.js';
import { isObject } from './tidy-schema.js';

/** One operation of an OpenAPI document, and what it shares with its neighbours. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operation: JsonObject;
  /** Of the path and of the operation, references followed; those of the operation win. */
  readonly parameters: readonly JsonObject[];
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const OPERATIONS_MAX = 1024;
const REFERENCES_MAX = 16;

/** An OpenAPI 3.0 or 3.1 document. It is read and nothing that it points at is fetched. */
export class OpenApiDocument {
  constructor(private readonly document: JsonObject) {
    const version = document['openapi'];
    if (typeof version !== 'string' || !/^3\.[01]\./.test(version))
      throw new Fault('CONFIG_INVALID', 'the document is no OpenAPI 3.0 or 3.1');
  }

  /** Where the operations are, without a slash at the end. Throws CONFIG_INVALID when the document does not say it and nobody else does. */
  baseUrl(told: string | undefined): string {
    const { servers } = this.document;
    const [first] = Array.isArray(servers) ? (servers as readonly Json[]) : [];
    const url = told ?? (isObject(first) ? first['url'] : undefined);
    if (typeof url !== 'string' || !/^https?:\/\/[^{}?#]+$/.test(url))
      throw new Fault('CONFIG_INVALID', 'the document names no server by an absolute URL without variables: `--url`');
    return url.replace(/\/+$/, '');
  }

  /** Every operation with a method that tools have, in the order of the document. Throws CONFIG_INVALID for more than 1,024. */
  operations(): readonly Operation[] {
    const { paths } = this.document;
    const operations = Object.entries(isObject(paths) ? paths : {}).flatMap(([path, item]) =>
      this.#operationsAt(path, this.follow(item)),
    );
    if (operations.length > OPERATIONS_MAX)
      throw new Fault('CONFIG_INVALID', `the document has more than ${OPERATIONS_MAX} operations`);
    return operations;
  }

  /** What a reference in this document points at; undefined when it is elsewhere, or nothing is there. */
  readonly resolve: Resolve = (reference) => {
    if (!reference.startsWith('#/')) return undefined;
    let at: Json | undefined = this.document;
    for (const token of reference.slice(2).split('/')) {
      const name = decoded(token).replaceAll('~1', '/').replaceAll('~0', '~');
      at = isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
    }
    return at;
  };

  /** The object itself, or the one that its reference leads to. Throws CONFIG_INVALID for one that leads out of the document. */
  follow(value: Json | undefined): JsonObject {
    let at = value;
    for (let steps = 0; steps < REFERENCES_MAX; steps++) {
      const reference = isObject(at) ? at['$ref'] : undefined;
      if (typeof reference !== 'string') return isObject(at) ? at : {};
      at = this.resolve(reference);
      if (at === undefined)
        throw new Fault(
          'CONFIG_INVALID',
          `the reference ${JSON.stringify(reference.slice(0, 200))} is not in the document: only local ones are followed`,
        );
    }
    throw new Fault('CONFIG_INVALID', 'references of the document lead in a circle');
  }

  /** The value, and all that it refers to at any depth, by reference. It changes when anything that the operation means changes. */
  withReferences(value: Json): Json {
    const found = new Map<string, Json>();
    const visit = (each: Json): void => {
      if (Array.isArray(each)) for (const element of each as readonly Json[]) visit(element);
      if (!isObject(each)) return;
      const reference = each['$ref'];
      if (typeof reference === 'string' && !found.has(reference)) {
        const at = this.resolve(reference) ?? null;
        found.set(reference, at);
        visit(at);
      }
      for (const member of Object.values(each)) visit(member);
    };
    visit(value);
    return { value, references: Object.fromEntries(found) };
  }

  #operationsAt(path: string, item: JsonObject): Operation[] {
    return METHODS.flatMap((method) => {
      const operation = item[method];
      if (!isObject(operation)) return [];
      const parameters = new Map<string, JsonObject>();
      for (const each of [...listOf(item['parameters']), ...listOf(operation['parameters'])]) {
        const parameter = this.follow(each);
        parameters.set(`${String(parameter['in'])} ${String(parameter['name'])}`, parameter);
      }
      return [{ method: method.toUpperCase(), path, operation, parameters: [...parameters.values()] }];
    });
  }
}

function decoded(token: string): string {
  try {
    return decodeURIComponent(token);
  } catch {
    // Not percent-encoded: the name itself has the sign.
    return token;
  }
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}
