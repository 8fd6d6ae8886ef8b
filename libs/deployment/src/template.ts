import { Fault } from '#writ/faults';

/** What a template is filled with: values, and lists for `#each`. Inside a list, names are looked up outwards. */
export interface TemplateModel {
  readonly [name: string]: string | number | readonly TemplateModel[];
}

/**
 * What may stand in for `@name@`: names, keys, numbers and addresses, without blank, quote, brace, comma, wildcard or line
 * break; and absolute paths, which the template quotes. No value can say more than a value, whatever it was checked for.
 */
const SAFE_VALUE = /^[A-Za-z0-9_][A-Za-z0-9_.:-]*$|^\/[^"\\$\p{Cc}]*$/u;
const EACH = /^\s*#each (\w+)\s*$/;
const END = /^\s*#end\s*$/;

/** Fills a template: `@name@` by its value, the lines between `#each list` and `#end` once for each element. Throws on a value that is not safe. */
export function fillTemplate(template: string, model: TemplateModel): string {
  const { text, next } = fillLines(template.split('\n'), 0, [model]);
  if (next !== undefined) throw new Fault('INTERNAL', 'a template has an `#end` too many');
  return text.join('\n');
}

interface Filled {
  readonly text: string[];
  /** The line behind the `#end` that was reached; undefined at the end of the template. */
  readonly next: number | undefined;
}

function fillLines(lines: readonly string[], start: number, scopes: readonly TemplateModel[]): Filled {
  const text: string[] = [];
  for (let at = start; at < lines.length; at += 1) {
    const line = lines[at] as string;
    const list = EACH.exec(line)?.[1];
    if (END.test(line)) return { text, next: at + 1 };
    if (list === undefined) {
      text.push(line.replace(/@(\w+)@/g, (_, name: string) => valueOf(name, scopes)));
      continue;
    }
    const elements = listOf(list, scopes);
    const bodies = elements.map((element) => fillLines(lines, at + 1, [element, ...scopes]));
    for (const body of bodies) text.push(...body.text);
    at = (bodies[0]?.next ?? endOf(lines, at + 1)) - 1;
  }
  return { text, next: undefined };
}

/** The line behind the `#end` of the list whose body starts at that line. */
function endOf(lines: readonly string[], start: number): number {
  let depth = 1;
  for (let at = start; at < lines.length; at += 1) {
    if (EACH.test(lines[at] as string)) depth += 1;
    if (END.test(lines[at] as string)) depth -= 1;
    if (depth === 0) return at + 1;
  }
  throw new Fault('INTERNAL', 'a template has an `#each` without its `#end`');
}

function lookUp(name: string, scopes: readonly TemplateModel[]): TemplateModel[string] {
  for (const scope of scopes) {
    const value = scope[name];
    if (value !== undefined) return value;
  }
  throw new Fault('INTERNAL', `a template asks for \`${name}\`, which nobody gives`);
}

function listOf(name: string, scopes: readonly TemplateModel[]): readonly TemplateModel[] {
  const list = lookUp(name, scopes);
  if (typeof list === 'string' || typeof list === 'number') {
    throw new Fault('INTERNAL', `\`${name}\` is not a list`);
  }
  return list;
}

function valueOf(name: string, scopes: readonly TemplateModel[]): string {
  const value = lookUp(name, scopes);
  const text = typeof value === 'object' ? '' : String(value);
  if (!SAFE_VALUE.test(text)) {
    throw new Fault(
      'CONFIG_INVALID',
      `${JSON.stringify(text.slice(0, 80))} cannot be the \`${name}\` of a nats-server`,
    );
  }
  return text;
}
