import type { ConfigPath, YamlSource } from './yaml-source.js';

export type Environment = Readonly<Record<string, string | undefined>>;

// `$${` is a literal `${`; `${` without a name behind it is an error, so that a typing mistake is not taken for text.
const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}|\$\{/g;

/**
 * Replaces `${VAR}` in every string value by that variable of the environment, `${VAR:-text}` by the text where it is not set or
 * empty. A missing variable without such a text is CONFIG_INVALID and is named; `$${` stands for `${`. Keys are left alone, and what was put in is not looked at again.
 */
export function substituteEnvironment(source: YamlSource, environment: Environment): unknown {
  const visit = (value: unknown, path: ConfigPath): unknown => {
    if (typeof value === 'string') return substituteText(value, (problem) => source.fault(path, problem), environment);
    if (Array.isArray(value)) return value.map((element: unknown, index) => visit(element, [...path, index]));
    if (typeof value === 'object' && value !== null) {
      // `fromEntries` defines members, so a key `__proto__` stays a key and the schema refuses it.
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, visit(member, [...path, key])]));
    }
    return value;
  };
  return visit(source.value, []);
}

function substituteText(text: string, fault: (problem: string) => Error, environment: Environment): string {
  return text.replace(REFERENCE, (match: string, name: string | undefined, otherwise: string | undefined) => {
    if (match === '$${') return '${';
    if (name === undefined)
      throw fault('`${` must be followed by the name of a variable and `}`; write `$${` for the text itself');
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (otherwise !== undefined && (value === undefined || value === '')) return otherwise;
    if (value === undefined) throw fault(`the environment has no variable \`${name}\``);
    return value;
  });
}
