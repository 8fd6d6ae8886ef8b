/** What a change of version looks at in an event, and whatever else there is. */
export interface OcsfEvent extends Readonly<Record<string, unknown>> {
  readonly metadata: Readonly<Record<string, unknown>> & { readonly profiles: readonly string[] };
  readonly unmapped: { readonly writ: Readonly<Record<string, unknown>> };
  readonly raw_data_hash?: Readonly<Record<string, unknown>>;
}

/**
 * An event of 1.9.0 as one of 1.8.0. That version has no `ai_agent`, applies the profile `ai_operation` to few classes, calls the state after a
 * change `entity_result`, and does not name the serialisation of a hash. Nothing is lost: what has no place moves to `unmapped`.
 */
export function downConvert(event: OcsfEvent): OcsfEvent {
  const { ai_agent: agent, updated_entity: updated, raw_data_hash: digest, ...rest } = event;
  const { metadata, unmapped } = event;
  const profiles = metadata.profiles.filter((profile) => profile !== 'ai_operation');
  return {
    ...rest,
    metadata: { ...metadata, version: '1.8.0', profiles },
    ...(updated !== undefined && { entity_result: updated }),
    ...(digest !== undefined && { raw_data_hash: withoutSerialization(digest) }),
    unmapped: { writ: { ...unmapped.writ, ...(agent !== undefined && { ai_agent: agent }) } },
  };
}

function withoutSerialization({
  serialization: _name,
  serialization_id: _id,
  ...rest
}: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return rest;
}
