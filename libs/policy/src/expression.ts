import type { Json, JsonObject } from '#writ/contracts';
import { Unsupported } from './values.js';

/** A node of Cedar's JSON expressions: one operator and its operands. */
export interface Expression {
  readonly operator: string;
  readonly operands: Json;
}

/** Reads one node. Throws Unsupported on anything but an object with one member. */
export function readExpression(node: Json | undefined): Expression {
  if (!isObject(node)) throw new Unsupported('something that is not an expression');
  let operator: string | undefined;
  // Every node of every policy is read here when a service starts: no list is made of its one member.
  for (const name in node) {
    if (operator !== undefined) throw new Unsupported('something that is not an expression');
    operator = name;
  }
  const operands = operator === undefined ? undefined : node[operator];
  if (operator === undefined || operands === undefined) throw new Unsupported('something that is not an expression');
  return { operator, operands };
}

/** A named operand of a node, such as `left`. */
export function operand(operands: Json, name: string): Json {
  const value = isObject(operands) ? operands[name] : undefined;
  if (value === undefined) throw new Unsupported(`an expression without \`${name}\``);
  return value;
}

export function optionalOperand(operands: Json, name: string): Json | undefined {
  return isObject(operands) ? operands[name] : undefined;
}

export function textOperand(operands: Json, name: string): string {
  const value = operand(operands, name);
  if (typeof value !== 'string') throw new Unsupported(`\`${name}\` that is not text`);
  return value;
}

/** The literal that an expression is, unless it is an entity. */
export function literalOf(node: Json): string | number | boolean | undefined {
  const literal = isObject(node) ? node['Value'] : undefined;
  return typeof literal === 'object' ? undefined : literal;
}

/** The operands of a set literal. */
export function listOperand(operands: Json): readonly Json[] {
  if (!isList(operands)) throw new Unsupported('a set that is not a list');
  return operands;
}

/** The attributes of `has`: one, or a path. */
export function attributesOfHas(operands: Json): readonly string[] {
  const value = operand(operands, 'attr');
  const path = isList(value) ? value : [value];
  return path.map((attribute) => {
    if (typeof attribute !== 'string') throw new Unsupported('`has` of something that is not text');
    return attribute;
  });
}

/** Pattern of `like`: null is the wildcard; neighbouring pieces of text are joined. */
export function patternOf(operands: Json): readonly (string | null)[] {
  const pattern: (string | null)[] = [];
  for (const piece of listOperand(operand(operands, 'pattern'))) {
    const last = pattern.at(-1);
    if (piece === 'Wildcard') {
      if (last !== null) pattern.push(null);
    } else if (typeof last === 'string') pattern[pattern.length - 1] = last + textOperand(piece, 'Literal');
    else pattern.push(textOperand(piece, 'Literal'));
  }
  return pattern;
}

/** The attribute names of `context.a.b`, `principal.a` and so on, after the variable; undefined for anything else. */
export function attributePath(node: Json): { readonly variable: string; readonly path: readonly string[] } | undefined {
  const path: string[] = [];
  let at = readExpression(node);
  while (at.operator === '.') {
    path.unshift(textOperand(at.operands, 'attr'));
    at = readExpression(operand(at.operands, 'left'));
  }
  return at.operator === 'Var' && typeof at.operands === 'string' ? { variable: at.operands, path } : undefined;
}

/** The operands of the top-level `&&` of a condition, from left to right. */
export function conjunctsOf(node: Json): readonly Json[] {
  const { operator, operands } = readExpression(node);
  if (operator !== '&&') return [node];
  return [...conjunctsOf(operand(operands, 'left')), ...conjunctsOf(operand(operands, 'right'))];
}

/** Whether the value of the expression depends on the resource. */
export function mentionsResource(node: Json): boolean {
  if (typeof node !== 'object' || node === null) return false;
  if (isList(node)) return node.some(mentionsResource);
  return node['Var'] === 'resource' || Object.values(node).some(mentionsResource);
}

/** Whether the value of the expression depends on the request. */
export function mentionsVariable(node: Json): boolean {
  if (typeof node !== 'object' || node === null) return false;
  if (isList(node)) return node.some(mentionsVariable);
  return 'Var' in node || Object.values(node).some(mentionsVariable);
}

export function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

export function isList(json: Json | undefined): json is readonly Json[] {
  return Array.isArray(json);
}
