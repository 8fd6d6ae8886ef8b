import type { JsonObject } from '#writ/contracts';
import type { CommandToolDeclaration } from './tool-schema.js';

/** Arguments in their places among the declared ones; or why they cannot be put there. */
export type FilledCommand = { readonly args: readonly string[] } | { readonly problem: string };

const PLACE = /^\{\{([A-Za-z_][A-Za-z0-9_-]*)\}\}$/;
/** Behind it programs take no options. */
const END_OF_OPTIONS = '--';

/** Names of the arguments that have a place in a command, or the sentence that says what is wrong with its elements. */
export function placesOf({ args }: Pick<CommandToolDeclaration, 'args'>): readonly string[] | string {
  const broken = args.find((element) => element.includes('{{') && !PLACE.test(element));
  if (broken !== undefined) return 'has a place `{{…}}` that is not a whole element, or no name of an argument';
  return args.flatMap((element) => PLACE.exec(element)?.[1] ?? []);
}

/**
 * Puts arguments into their places, each as one element whatever it holds: no shell reads them. One that begins with `-` would be read
 * as an option, so it is refused unless the declaration ends its options by `--` before it.
 */
export function fillCommand({ args: elements }: Pick<CommandToolDeclaration, 'args'>, args: JsonObject): FilledCommand {
  const filled: string[] = [];
  for (const element of elements) {
    const name = PLACE.exec(element)?.[1];
    if (name === undefined) {
      filled.push(element);
      continue;
    }
    const value = Object.hasOwn(args, name) ? args[name] : undefined;
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
      return { problem: `the command needs the argument \`${name}\`` };
    const text = String(value);
    if (text.includes('\0')) return { problem: `the argument \`${name}\` cannot be one of a command` };
    if (text.startsWith('-') && !elements.slice(0, elements.indexOf(element)).includes(END_OF_OPTIONS))
      return { problem: `the argument \`${name}\` begins with \`-\`, so the program could take it for an option` };
    filled.push(text);
  }
  return { args: filled };
}
