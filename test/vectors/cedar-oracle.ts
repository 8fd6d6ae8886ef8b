import cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { Json, JsonObject } from '#writ/contracts';
import { bundleHash, PolicyBundle, type PolicyDecision, PolicyJson } from '#writ/policy';

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
    return { set: 'policies' as const, id, file: 'policies/test.cedar', line: 1, col: 1, text, est, annotations };
  });
  return PolicyBundle.parse({ v: 1, hash: bundleHash(sources, '0'), cedarVersion: '0', policies: sources });
}

/** Splits the text of a policy set; ids are `policy0`, `policy1` … in the order of the text, as Cedar numbers them. */
export function policiesOfText(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.map((text, i) => [`policy${i}`, text]));
}

/** What Cedar says of a request: the deciding policies, and those that it could not evaluate. */
export interface CedarAnswer {
  readonly decision: 'allow' | 'deny';
  readonly reason: readonly string[];
  readonly errors: readonly string[];
}

export interface Expected {
  readonly effect: 'permit' | 'forbid';
  readonly determining: readonly string[];
  readonly errors: readonly string[];
}

/**
 * What Writ has to answer where Cedar answers this. They differ in one place: a forbid that errors denies. Writ does not
 * evaluate permits once a forbid has decided, so it does not name their errors either.
 */
export function expectedOf(answer: CedarAnswer, forbids: ReadonlySet<string>): Expected {
  const isForbid = (id: string): boolean => forbids.has(id);
  const erroringForbids = answer.errors.filter(isForbid).toSorted();
  const determining = answer.reason.toSorted();
  if (answer.reason.some(isForbid)) return { effect: 'forbid', determining, errors: erroringForbids };
  if (erroringForbids.length > 0) return { effect: 'forbid', determining: erroringForbids, errors: erroringForbids };
  const effect = answer.decision === 'allow' ? 'permit' : 'forbid';
  return { effect, determining, errors: answer.errors.toSorted() };
}

/** Cedar's answer for a few of the policies that hold, as its rules put them together: forbids first, then permits. */
export function answerFor(
  ids: readonly string[],
  forbids: ReadonlySet<string>,
  evaluated: { readonly satisfied: ReadonlySet<string>; readonly errors: ReadonlySet<string> },
): CedarAnswer {
  const satisfied = ids.filter((id) => evaluated.satisfied.has(id));
  const forbidding = satisfied.filter((id) => forbids.has(id));
  const decision = forbidding.length === 0 && satisfied.length > 0 ? 'allow' : 'deny';
  const reason = forbidding.length > 0 ? forbidding : satisfied;
  return { decision, reason, errors: ids.filter((id) => evaluated.errors.has(id)) };
}

/** The part of a decision that Cedar has an opinion on. */
export function actualOf(decision: PolicyDecision): Expected {
  const ids = (list: readonly { readonly id: string }[]): readonly string[] => list.map(({ id }) => id).toSorted();
  return { effect: decision.effect, determining: ids(decision.determining), errors: ids(decision.errors) };
}

export function forbidsOf(bundle: PolicyBundle): ReadonlySet<string> {
  return new Set(bundle.policies.filter(({ est }) => est.effect === 'forbid').map(({ id }) => id));
}

interface SchemaType {
  readonly type: string;
  readonly name?: string;
  readonly element?: SchemaType;
  readonly attributes?: Readonly<Record<string, SchemaType>>;
}
interface SchemaNamespace {
  readonly commonTypes?: Readonly<Record<string, SchemaType>>;
  readonly entityTypes: Readonly<Record<string, { readonly shape?: SchemaType; readonly tags?: SchemaType }>>;
  readonly actions: Readonly<Record<string, { readonly appliesTo?: { readonly context?: SchemaType } }>>;
}

/** Writes the entity references and extension values that only a schema makes out with Cedar's explicit escapes. */
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

  tags(type: string, tags: JsonObject): JsonObject {
    const [namespace, name] = this.#lookup(type);
    const element = namespace?.entityTypes[name]?.tags;
    return Object.fromEntries(Object.entries(tags).map(([tag, value]) => [tag, this.#explicit(value, element)]));
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
    if (type?.type === 'Extension') return explicitExtension(value, type.name ?? '');
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

/** A text, `{fn, arg}`, or the escape already. */
function explicitExtension(value: Json, name: string): Json {
  if (typeof value === 'string') return { __extn: { fn: name === 'ipaddr' ? 'ip' : name, arg: value } };
  return typeof value === 'object' && value !== null && 'fn' in value ? { __extn: value } : value;
}
