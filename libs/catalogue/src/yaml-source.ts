import { Fault } from '#writ/faults';
import { isMap, isNode, isScalar, LineCounter, parseDocument, visit, type Document, type Pair } from 'yaml';

/** Where something stands in the configuration: names of members, and indices of elements. */
export type ConfigPath = readonly (string | number)[];
/** Makes the fault for a field of the configuration. */
export type FaultAt = (path: ConfigPath, problem: string) => Error;

/** A configuration as YAML text that parsed, with a way back from a path to the line that it came from. */
export interface YamlSource {
  readonly value: unknown;
  /** A CONFIG_INVALID fault that starts with `file:line:col` and names the field. The message never holds a value. */
  fault(path: ConfigPath, problem: string): Fault;
  /** The line, from 1, of what stands at that path, or of its nearest parent that exists. */
  lineOf(path: ConfigPath): number;
}

// An alias bomb would need many; a configuration needs few.
const ALIASES_MAX = 50;

/**
 * Parses YAML 1.2 strictly: one document, no duplicate keys, no unknown tags, no merge keys. Throws CONFIG_INVALID with
 * `file:line:col`.
 */
export function parseYaml(text: string, file: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true, uniqueKeys: true });
  const placeOf = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) {
    // Only the first line of the parser's sentence: the rest quotes the source, which may hold a secret.
    const [sentence] = problem.message.split('\n');
    throw new Fault('CONFIG_INVALID', `${placeOf(problem.pos[0])}: ${lowerFirst(sentence ?? 'not YAML')}`);
  }
  visit(document, {
    Pair: (_at, { key }) => {
      // JavaScript would take it for the prototype, and the schema would overlook it.
      if (!isScalar(key) || key.value !== '__proto__') return;
      throw new Fault('CONFIG_INVALID', `${placeOf(key.range?.[0] ?? 0)}: the key \`__proto__\` is not taken`);
    },
  });
  return {
    value: toValue(document, file),
    fault: (path, message) =>
      new Fault('CONFIG_INVALID', `${placeOf(offsetOf(document, path))}: ${nameOf(path)}: ${message}`),
    lineOf: (path) => lines.linePos(offsetOf(document, path)).line,
  };
}

/** A path as people write it: `tools["slack.chat"].url`, `agents.support.teams[0]`. */
function nameOf(path: ConfigPath): string {
  if (path.length === 0) return 'the configuration';
  let name = '';
  for (const step of path) {
    if (typeof step === 'number') name += `[${step}]`;
    else if (!/^[A-Za-z_$][A-Za-z0-9_$-]*$/.test(step)) name += `[${JSON.stringify(step)}]`;
    else name += name === '' ? step : `.${step}`;
  }
  return `\`${name}\``;
}

function toValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown;
  } catch (cause) {
    throw new Fault('CONFIG_INVALID', `${file}:1:1: the YAML cannot be expanded`, { cause });
  }
}

/** The offset of the key at that path, or of its nearest parent that exists: a missing field is reported there. */
function offsetOf(document: Document, path: ConfigPath): number {
  for (let length = path.length; length > 0; length--) {
    const parent: unknown = document.getIn(path.slice(0, length - 1), true);
    const offset = isMap(parent) ? keyOffset(parent.items, path[length - 1]) : undefined;
    if (offset !== undefined) return offset;
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

function keyOffset(pairs: readonly Pair[], key: string | number | undefined): number | undefined {
  for (const pair of pairs) {
    if (isScalar(pair.key) && String(pair.key.value) === String(key)) return pair.key.range?.[0];
  }
  return undefined;
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
