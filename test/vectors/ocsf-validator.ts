import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

type RecordObject = Readonly<Record<string, unknown>>;
interface Attribute {
  readonly type?: string;
  readonly is_array?: boolean;
  readonly requirement?: string;
  readonly enum?: Readonly<Record<string, { readonly caption: string }>>;
  readonly sibling?: string;
  readonly profile?: string | null;
}
interface Definition {
  readonly name: string;
  readonly caption?: string;
  readonly uid?: number;
  readonly category?: string;
  readonly extends?: string;
  readonly attributes: Readonly<Record<string, Attribute>> & { readonly $include?: string | readonly string[] };
  readonly constraints?: { readonly at_least_one?: readonly string[]; readonly just_one?: readonly string[] };
}
interface Scalar {
  readonly type?: string;
  readonly regex?: string;
  readonly max_len?: number;
  readonly range?: readonly [number, number];
  readonly values?: readonly unknown[];
}

/** The official schema of a version, as the files lie there; undefined when they are not at hand. */
export function readOcsfSchema(version: string): OcsfValidator | undefined {
  const folder = fileURLToPath(new URL(`../../../shared/benchmarks/conformance/ocsf-${version}`, import.meta.url));
  return existsSync(folder) ? new OcsfValidator(folder) : undefined;
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesIn(path) : path.endsWith('.json') ? [path] : [];
  });

/** Checks events against the schema: required and unknown attributes, types, enums, sibling captions, constraints, profiles. */
export class OcsfValidator {
  readonly #read = (...path: string[]) => JSON.parse(readFileSync(join(this.folder, ...path), 'utf8')) as RecordObject;
  readonly #events: ReadonlyMap<string, Definition>;
  readonly #objects: ReadonlyMap<string, Definition>;
  readonly #dictionary: Readonly<Record<string, Attribute>>;
  readonly #scalars: Readonly<Record<string, Scalar>>;
  readonly #categories: Readonly<Record<string, { readonly uid: number }>>;
  readonly version: unknown;

  constructor(private readonly folder: string) {
    const definitions = (kind: string) =>
      new Map(
        filesIn(join(folder, kind)).map((file) => {
          const definition = JSON.parse(readFileSync(file, 'utf8')) as Definition;
          return [kind === 'objects' ? definition.name : basename(file, '.json'), definition];
        }),
      );
    this.#events = definitions('events');
    this.#objects = definitions('objects');
    const dictionary = this.#read('dictionary.json') as { attributes: never; types: { attributes: never } };
    this.#dictionary = dictionary.attributes;
    this.#scalars = dictionary.types.attributes;
    this.#categories = this.#read('categories.json')['attributes'] as never;
    this.version = this.#read('version.json')['version'];
  }

  /** What is wrong with the event, as sentences; empty when nothing is. */
  problems(event: RecordObject): string[] {
    const classOf = [...this.#events].find(([name, each]) => this.#classUid(name, each) === event['class_uid']);
    if (classOf === undefined) return [`class_uid: there is no class ${String(event['class_uid'])}`];
    const [name, definition] = classOf;
    const found: string[] = [];
    const metadata = event['metadata'] as RecordObject | undefined;
    if (metadata?.['version'] !== this.version) found.push(`metadata.version: is not ${String(this.version)}`);
    const uid = event['class_uid'] as number;
    if (event['category_uid'] !== Math.floor(uid / 1000)) found.push('category_uid: is not that of the class');
    if (event['type_uid'] !== uid * 100 + Number(event['activity_id']))
      found.push('type_uid: is not class and activity');
    const className = event['class_name'];
    if (className !== undefined && className !== definition.caption) found.push('class_name: is not the caption');
    const profiles = (metadata?.['profiles'] ?? []) as readonly string[];
    const own = new Set(['class_uid', 'category_uid', 'type_uid']);
    return [...found, ...this.#check(event, this.#chain(name, this.#events), { path: '', profiles, own })];
  }

  #classUid(name: string, definition: Definition): number | undefined {
    if (name === 'base_event') return 0;
    const category = this.#chain(name, this.#events).find((each) => each.category !== undefined)?.category ?? '';
    return definition.uid === undefined ? undefined : (this.#categories[category]?.uid ?? 0) * 1000 + definition.uid;
  }

  /** The definition and those that it extends, itself first. */
  #chain(name: string, all: ReadonlyMap<string, Definition>): Definition[] {
    const definition = all.get(name) ?? [...all.values()].find((each) => each.name === name);
    if (definition === undefined) return [];
    const { extends: parent } = definition;
    return [definition, ...(parent === undefined ? [] : this.#chain(parent, all))];
  }

  /** All attributes, merged from the dictionary down; each knows the profile that it needs. */
  #attributes(chain: readonly Definition[]): Map<string, Attribute> {
    const merged = new Map<string, Attribute>();
    const put = (name: string, attribute: Attribute) => {
      const before: Attribute = merged.get(name) ?? this.#dictionary[name] ?? {};
      const choices = { ...before.enum, ...attribute.enum };
      merged.set(name, { ...before, ...attribute, ...(Object.keys(choices).length > 0 && { enum: choices }) });
    };
    for (const { attributes } of chain.toReversed()) {
      for (const file of [attributes.$include ?? []].flat()) {
        const profile = this.#read(...file.split('/')) as unknown as Definition;
        for (const [name, each] of Object.entries(profile.attributes)) {
          put(name, { ...(each as Attribute), ...(merged.has(name) ? {} : { profile: profile.name }) });
        }
      }
      for (const [name, each] of Object.entries(attributes)) if (name !== '$include') put(name, each as Attribute);
    }
    return merged;
  }

  #check(
    value: RecordObject,
    chain: readonly Definition[],
    at: { readonly path: string; readonly profiles: readonly string[]; readonly own?: ReadonlySet<string> },
  ): string[] {
    const attributes = this.#attributes(chain);
    const isOn = ({ profile }: Attribute) => profile === undefined || profile === null || at.profiles.includes(profile);
    const problems: string[] = [];
    for (const [name, member] of Object.entries(value)) {
      const attribute = attributes.get(name);
      const path = at.path === '' ? name : `${at.path}.${name}`;
      if (attribute === undefined) problems.push(`${path}: there is no such attribute`);
      else if (!isOn(attribute)) problems.push(`${path}: needs the profile ${attribute.profile}`);
      else problems.push(...this.#checkMember(member, attribute, { path, profiles: at.profiles }));
      if (attribute !== undefined && at.own?.has(name) !== true)
        problems.push(...siblingProblems(value, name, attribute, path));
    }
    for (const [name, attribute] of attributes) {
      if (attribute.requirement === 'required' && isOn(attribute) && value[name] === undefined)
        problems.push(`${at.path}.${name}: is required`);
    }
    const constraints = chain.find((each) => each.constraints !== undefined)?.constraints;
    const count = (names: readonly string[]) => names.filter((name) => value[name] !== undefined).length;
    if (constraints?.at_least_one !== undefined && count(constraints.at_least_one) === 0)
      problems.push(`${at.path}: needs one of ${constraints.at_least_one.join(', ')}`);
    if (constraints?.just_one !== undefined && count(constraints.just_one) !== 1)
      problems.push(`${at.path}: needs exactly one of ${constraints.just_one.join(', ')}`);
    return problems;
  }

  #checkMember(
    member: unknown,
    attribute: Attribute,
    at: { readonly path: string; readonly profiles: readonly string[] },
  ): string[] {
    if (attribute.is_array === true) {
      if (!Array.isArray(member)) return [`${at.path}: is not a list`];
      return member.flatMap((element: unknown, i) =>
        this.#checkMember(element, { ...attribute, is_array: false }, { ...at, path: `${at.path}[${i}]` }),
      );
    }
    const type = attribute.type ?? 'string_t';
    if (type in this.#scalars) return this.#scalarProblems(member, type).map((problem) => `${at.path}: ${problem}`);
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return [`${at.path}: is no object`];
    // The type `object` is anything.
    return type === 'object' ? [] : this.#check(member as RecordObject, this.#chain(type, this.#objects), at);
  }

  #scalarProblems(value: unknown, type: string): string[] {
    const scalar = this.#scalars[type] ?? {};
    const problems = scalar.type === undefined ? [] : this.#scalarProblems(value, scalar.type);
    const isRight: Readonly<Record<string, boolean>> = {
      string_t: typeof value === 'string',
      integer_t: Number.isSafeInteger(value),
      long_t: Number.isSafeInteger(value),
      float_t: typeof value === 'number',
      boolean_t: typeof value === 'boolean',
    };
    if (isRight[type] === false) problems.push(`is no ${type}`);
    const { regex, max_len: max, range, values } = scalar;
    if (regex !== undefined && !new RegExp(regex).test(String(value))) problems.push(`does not match ${type}`);
    if (max !== undefined && String(value).length > max) problems.push(`is longer than ${max}`);
    if (range !== undefined && (Number(value) < range[0] || Number(value) > range[1])) problems.push('is out of range');
    if (values !== undefined && !values.includes(value)) problems.push('is none of the values');
    return problems;
  }
}

/** An enumerated value is one that there is; beside it stands its caption, or, for `Other`, a name of one's own. */
function siblingProblems(value: RecordObject, name: string, attribute: Attribute, path: string): string[] {
  const { enum: choices, sibling } = attribute;
  if (choices === undefined) return [];
  const chosen = choices[String(value[name])];
  if (chosen === undefined) return [`${path}: ${String(value[name])} is none of the choices`];
  const caption = sibling === undefined ? undefined : value[sibling];
  if (value[name] === 99 && sibling !== undefined && caption === undefined) return [`${path}: 99 needs ${sibling}`];
  const isWrong = value[name] !== 99 && caption !== undefined && caption !== chosen.caption;
  return isWrong ? [`${sibling}: is not the caption of ${String(value[name])}`] : [];
}
