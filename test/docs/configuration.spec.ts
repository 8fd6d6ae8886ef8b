import { WritConfig } from '#writ/catalogue';
import { EgressProxyConfig } from '../../apps/egress-proxy/src/config.js';
import { serviceSettings } from '#writ/service-host';
import { z } from 'zod';
import { read } from './repository.js';

const page = read('docs/configuration.md');

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly default?: unknown;
}

interface Field {
  readonly name: string;
  readonly default: unknown;
}

/** Every member of the schema, at any depth, with its default. */
function fieldsOf(schema: JsonSchema | boolean | undefined): readonly Field[] {
  if (typeof schema !== 'object') return [];
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, member]) => [
    { name, default: member.default },
    ...fieldsOf(member),
  ]);
  const others = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), schema.additionalProperties].flatMap(fieldsOf);
  return [...own, ...others];
}

describe('docs/configuration.md', () => {
  const fields = fieldsOf(z.toJSONSchema(WritConfig, { io: 'input', unrepresentable: 'any' }) as JsonSchema);

  it('has every field of writ.yaml', () => {
    expect(fields.length).toBeGreaterThan(50);
    const missing = fields.filter(({ name }) => !new RegExp(`[\`.{ ]${name}[\`:. ]`).test(page));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  it('has their defaults', () => {
    const numbers = fields.filter((field) => typeof field.default === 'number');
    expect(numbers.length).toBeGreaterThan(5);
    const missing = numbers.filter(({ name, default: value }) => {
      return !page.split('\n').some((line) => line.includes(`${name}\``) && line.includes(`\`${String(value)}\``));
    });
    expect(missing).toEqual([]);
  });

  it('has every variable of a service', () => {
    expect(Object.keys(EgressProxyConfig.shape).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
    expect(Object.keys(serviceSettings).filter((name) => !page.includes(`| \`${name}\``))).toEqual([]);
  });
});
