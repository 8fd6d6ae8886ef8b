import { z } from 'zod';
import { ResourceName } from './names.js';
import { JsonRecord } from './request.js';

/** The operation of `req.<agent>.catalog.list`. */
export const CATALOG_LIST = 'catalog.list';

/** Asks what the agent could use at all. `after` is `next` of the page before. */
export const CatalogRequest = z.strictObject({ v: z.literal(1), after: z.string().max(256).optional() });
export type CatalogRequest = Readonly<z.infer<typeof CatalogRequest>>;

const Description = z.string().optional();

/** One thing that the agent could be permitted to use. */
export const CatalogItem = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('tool'),
    name: ResourceName,
    description: Description,
    /** JSON Schema of the arguments, closed. */
    input: JsonRecord.optional(),
    /** The schema is too large for an answer. */
    inputOmitted: z.literal(true).optional(),
    /** `idempotent`: it may run again on a retry. `timeoutMs`: how long it may run. */
    hints: z.strictObject({ idempotent: z.boolean(), timeoutMs: z.int() }),
  }),
  z.strictObject({
    type: z.literal('namespace'),
    name: ResourceName,
    description: Description,
    operations: z.array(z.enum(['query', 'write', 'delete'])),
  }),
  z.strictObject({
    type: z.literal('destination'),
    name: ResourceName,
    origin: z.string(),
    methods: z.array(z.string()),
    paths: z.array(z.string()),
  }),
]);
export type CatalogItem = Readonly<z.infer<typeof CatalogItem>>;

/** One page of the answer, at most 64 KiB. `next` is there when more follows: ask again with it as `after`. */
export const CatalogPage = z.strictObject({
  v: z.literal(1),
  status: z.literal('listed'),
  items: z.array(CatalogItem),
  next: z.string().optional(),
});
export type CatalogPage = Readonly<z.infer<typeof CatalogPage>>;
