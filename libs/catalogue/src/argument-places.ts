import type { ArgumentSchema } from './argument-schema.js';

const SCALARS = ['string', 'integer', 'number', 'boolean'];

/** The members of an argument schema. */
export function propertiesOf({ schema }: ArgumentSchema): Readonly<Record<string, { readonly type?: unknown }>> {
  return (schema['properties'] ?? {}) as Readonly<Record<string, { readonly type?: unknown }>>;
}

/** Every place needs an argument that is always there and is one value. */
export function checkPlaces(
  places: readonly string[],
  schema: ArgumentSchema,
  fault: (problem: string) => Error,
): void {
  const properties = propertiesOf(schema);
  const required = schema.schema['required'];
  for (const name of places) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property === undefined) throw fault(`the argument \`${name}\` is not in the schema under \`input\``);
    if (!Array.isArray(required) || !required.includes(name)) throw fault(`the argument \`${name}\` must be required`);
    if (!SCALARS.includes(property.type as string))
      throw fault(`the argument \`${name}\` must be of type ${SCALARS.join(', ')}`);
  }
}
