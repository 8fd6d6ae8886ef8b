import type { Catalog } from '#writ/agent-sdk';
import type { Paint } from '../paint.js';

const NAME_WIDTH = 28;

/** A catalogue for people, one line for each thing, in columns. */
export function formatCatalog(agent: string, catalog: Catalog, paint: Paint): readonly string[] {
  const { tools, namespaces, destinations } = catalog;
  if (tools.length + namespaces.length + destinations.length === 0)
    return [`nothing could be permitted to \`${agent}\``];
  return [
    ...section('tools', tools, ({ name, description, input, hints }) => {
      const again = hints.idempotent ? '  (may be repeated)' : '';
      return [`${name}(${argumentNames(input).join(', ')})`, `${description ?? ''}${again}`];
    }),
    ...section('namespaces', namespaces, ({ name, operations, description }) => [
      name,
      `${operations.join(', ')}${description === undefined ? '' : `  ${description}`}`,
    ]),
    ...section('destinations', destinations, ({ name, origin, methods, paths }) => [
      name,
      `${methods.join(', ')} ${paths.map((path) => `${origin}${path}`).join(', ')}`,
    ]),
  ];

  function section<T>(title: string, items: readonly T[], row: (item: T) => readonly [string, string]): string[] {
    if (items.length === 0) return [];
    return [
      paint('bold', title),
      ...items.map((item) => {
        const [name, about] = row(item);
        return `  ${name.padEnd(NAME_WIDTH)}  ${paint('dim', about.trim())}`.trimEnd();
      }),
    ];
  }
}

/** The names of the arguments, those that may be left out with a question mark. */
function argumentNames(input: Catalog['tools'][number]['input']): readonly string[] {
  const properties = Object.keys((input?.['properties'] as object | undefined) ?? {});
  const required = (input?.['required'] as readonly string[] | undefined) ?? [];
  return properties.map((name) => (required.includes(name) ? name : `${name}?`));
}
