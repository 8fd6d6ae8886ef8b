import type { Json, JsonObject } from '#writ/contracts';
import type { Entity, EntityUid } from './bundle.js';
import { listOperand, operand, optionalOperand, textOperand } from './expression.js';
import { callExtension, EXTENSION_FUNCTIONS } from './extension-functions.js';
import { CedarSet, EntityRef, EvaluationError, Unsupported, type Value } from './values.js';

/**
 * The entities that are declared or named in a policy, one object each, so that comparison is by identity. An id that only
 * a request names is never stored: callers can enumerate ids.
 */
export class EntityStore {
  readonly #byType = new Map<string, Map<string, EntityRef>>();
  /** Stand-ins for entities that nobody declared: by type, and by parent for entities that a request brings along. */
  readonly #standIns = new Map<string, EntityRef>();

  constructor(entities: readonly Entity[]) {
    for (const entity of entities) {
      const ref = this.intern(entity.uid);
      ref.attributes = this.#record(entity.attrs);
      if (entity.tags !== undefined) ref.tags = this.#tags(entity.tags);
      ref.parents = entity.parents.map((parent) => this.intern(parent));
    }
    for (const refs of this.#byType.values()) for (const ref of refs.values()) ref.ancestors = ancestorsOf(ref.parents);
  }

  /** The one object for an entity that a policy or the entity data names. */
  intern(uid: EntityUid): EntityRef {
    let refs = this.#byType.get(uid.type);
    if (refs === undefined) this.#byType.set(uid.type, (refs = new Map()));
    let ref = refs.get(uid.id);
    if (ref === undefined) refs.set(uid.id, (ref = new EntityRef(uid.type, uid.id, true)));
    return ref;
  }

  /** The entity that a request names. */
  find(uid: EntityUid): EntityRef {
    const known = this.#byType.get(uid.type)?.get(uid.id);
    if (known !== undefined) return known;
    const ref = new EntityRef(uid.type, uid.id, false);
    ref.candidateKey = this.#standIn(uid.type, []);
    return ref;
  }

  /** An entity that a request brings along. Its attributes are plain data: Cedar's JSON escapes mean nothing in them. */
  bring(entity: Entity): EntityRef {
    const { type, id } = entity.uid;
    const ref = new EntityRef(type, id, false);
    ref.attributes = entity.attrs;
    ref.parents = entity.parents.map((parent) => this.find(parent));
    const [parent] = ref.parents;
    const isNamedByPolicy = this.#byType.get(type)?.has(id) === true;
    const hasStandIn = !isNamedByPolicy && ref.parents.length <= 1 && (parent === undefined || parent.isInterned);
    const standIn = hasStandIn ? this.#standIn(type, ref.parents) : undefined;
    ref.candidateKey = standIn;
    ref.ancestors = standIn?.ancestors ?? ancestorsOf(ref.parents);
    return ref;
  }

  /** Stands for any entity of a type below a parent, when it is not known which. */
  anyBelow(type: string, parent: EntityUid): EntityRef {
    return this.#standIn(type, [this.find(parent)]);
  }

  /** A value of a policy or of the entity data: the only place where Cedar's escapes are honoured. */
  literal(json: Json | undefined): Value {
    if (json === undefined || json === null) throw new Unsupported('null');
    if (typeof json === 'number') {
      if (!Number.isSafeInteger(json)) throw new Unsupported('an integer beyond 2^53');
      return json;
    }
    if (typeof json !== 'object') return json;
    if (isArray(json)) return new CedarSet(json.map((element) => this.literal(element)));
    if (Object.hasOwn(json, '__entity')) return this.intern(json['__entity'] as EntityUid);
    if (Object.hasOwn(json, '__extn')) return this.#extensionValue(json['__extn']);
    return this.#record(json);
  }

  #record(json: { readonly [key: string]: Json }): Readonly<Record<string, Value>> {
    const record: Record<string, Value> = {};
    for (const [key, member] of Object.entries(json)) {
      if (key === '__proto__') throw new Unsupported('the attribute `__proto__`');
      record[key] = this.literal(member);
    }
    return record;
  }

  /** `{fn, arg}` or `{fn, args}`. */
  #extensionValue(json: Json | undefined): Value {
    const name = textOperand(json ?? null, 'fn');
    const extensionFunction = EXTENSION_FUNCTIONS.get(name);
    if (extensionFunction === undefined) throw new Unsupported(`\`${name}\``);
    const args = optionalOperand(json ?? null, 'args') ?? [operand(json ?? null, 'arg')];
    try {
      return callExtension(
        extensionFunction,
        listOperand(args).map((arg) => this.literal(arg)),
      );
    } catch (thrown) {
      if (thrown instanceof EvaluationError) throw new Unsupported(`a value that errors (${thrown.message})`);
      throw thrown;
    }
  }

  #tags(json: JsonObject): ReadonlyMap<string, Value> {
    return new Map(Object.entries(json).map(([name, value]) => [name, this.literal(value)]));
  }

  #standIn(type: string, parents: readonly EntityRef[]): EntityRef {
    const name = `${type}\0${parents[0]?.uid ?? ''}`;
    let standIn = this.#standIns.get(name);
    if (standIn === undefined) {
      standIn = new EntityRef(type, '', false);
      standIn.isStandIn = true;
      standIn.ancestors = ancestorsOf(parents);
      // INVARIANT: types are those of the schema and parents are interned, so there are few stand-ins.
      if (this.#standIns.size < STAND_INS_MAX) this.#standIns.set(name, standIn);
      else standIn.candidateKey = undefined;
    }
    return standIn;
  }
}

const STAND_INS_MAX = 10_000;

function isArray(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

function ancestorsOf(parents: readonly EntityRef[]): ReadonlySet<EntityRef> {
  const found = new Set<EntityRef>();
  const open = [...parents];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...next.parents);
  }
  return found;
}
