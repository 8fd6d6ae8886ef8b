import cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { Json, JsonObject } from '#writ/contracts';
import { bundleHash, PolicyBundle, PolicyJson } from '#writ/policy';

/** Cedar itself, as the oracle of the tests. It has to run with `--no-turbo-inline-js-wasm-calls`. */
export { cedar };

/** A bundle of policy texts by id, as the loader would make it, without the loader's own rules. */
export function bundleOf(policies: Readonly<Record<string, string>>): PolicyBundle {
  const sources = Object.entries(policies).map(([id, text]) => {
    const parsed = cedar.policyToJson(text);
    if (parsed.type === 'failure') throw new Error(parsed.errors.map((error) => error.message).join('; '));
    const est = PolicyJson.parse(parsed.json);
    const annotations = Object.fromEntries(
      Object.entries(est.annotations ?? {}).map(([key, value]) => [key, value ?? '']),
    );
    return { id, file: 'policies/test.cedar', line: 1, col: 1, text, est, annotations };
  });
  return PolicyBundle.parse({ v: 1, hash: bundleHash(sources, '0'), cedarVersion: '0', policies: sources });
}

/** Splits the text of a policy set; ids are `policy0`, `policy1` … in the order of the text, as Cedar numbers them. */
export function policiesOfText(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.map((text, i) => [`policy${i}`, text]));
}

interface SchemaType {
  readonly type: string;
  readonly name?: string;
  readonly element?: SchemaType;
  readonly attributes?: Readonly<Record<string, SchemaType>>;
}
interface SchemaNamespace {
  readonly commonTypes?: Readonly<Record<string, SchemaType>>;
  readonly entityTypes: Readonly<Record<string, { readonly shape?: SchemaType }>>;
  readonly actions: Readonly<Record<string, { readonly appliesTo?: { readonly context?: SchemaType } }>>;
}

/** Writes the entity references that only a schema makes out (`{type, id}`) with Cedar's explicit escape. */
export class ImplicitEscapes {
  readonly #namespaces: Readonly<Record<string, SchemaNamespace>>;

  constructor(schema: string) {
    const answer = cedar.schemaToJsonWithResolvedTypes(schema);
    if (answer.type === 'failure') throw new Error(answer.errors.map((error) => error.message).join('; '));
    this.#namespaces = answer.json as unknown as Readonly<Record<string, SchemaNamespace>>;
  }

  attributes(type: string, attrs: JsonObject): JsonObject {
    const [namespace, name] = this.#lookup(type);
    return this.#explicit(attrs, namespace?.entityTypes[name]?.shape) as JsonObject;
  }

  context(action: { readonly type: string; readonly id: string }, context: JsonObject): JsonObject {
    const [namespace] = this.#lookup(action.type);
    return this.#explicit(context, namespace?.actions[action.id]?.appliesTo?.context) as JsonObject;
  }

  #lookup(name: string): readonly [SchemaNamespace | undefined, string] {
    const at = name.lastIndexOf('::');
    return at < 0 ? [this.#namespaces[''], name] : [this.#namespaces[name.slice(0, at)], name.slice(at + 2)];
  }

  #explicit(value: Json, type: SchemaType | undefined): Json {
    if (type === undefined || typeof value !== 'object' || value === null) return value;
    switch (type.type) {
      case 'Entity':
      case 'EntityOrCommon':
        return 'type' in value && 'id' in value ? { __entity: value } : value;
      case 'Set':
        return (value as readonly Json[]).map((element) => this.#explicit(element, type.element));
      case 'Record':
        return Object.fromEntries(
          Object.entries(value as JsonObject).map(([key, member]) => [
            key,
            this.#explicit(member, type.attributes?.[key]),
          ]),
        );
      default: {
        const name = type.type === 'CommonType' ? (type.name ?? '') : type.type;
        const [namespace, local] = this.#lookup(name);
        return this.#explicit(value, namespace?.commonTypes?.[local]);
      }
    }
  }
}
