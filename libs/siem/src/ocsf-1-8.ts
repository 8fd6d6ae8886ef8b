type RecordObject = Record<string, unknown>;

/**
 * An event of 1.9.0 as one of 1.8.0. That version has no `ai_agent`, applies the profile `ai_operation` to few classes, calls the state after a
 * change `entity_result`, and does not name the serialisation of a hash. Nothing is lost: what has no place moves to `unmapped`.
 */
export function downConvert(record: RecordObject): RecordObject {
  const { ai_agent: agent, updated_entity: updated, raw_data_hash: digest, ...rest } = record;
  const metadata = record['metadata'] as RecordObject;
  const unmapped = record['unmapped'] as { readonly writ: RecordObject };
  const profiles = (metadata['profiles'] as readonly string[]).filter((profile) => profile !== 'ai_operation');
  return {
    ...rest,
    metadata: { ...metadata, version: '1.8.0', profiles },
    ...(updated !== undefined && { entity_result: updated }),
    ...(digest !== undefined && { raw_data_hash: withoutSerialization(digest as RecordObject) }),
    unmapped: { writ: { ...unmapped.writ, ...(agent !== undefined && { ai_agent: agent }) } },
  };
}

function withoutSerialization(digest: RecordObject): RecordObject {
  return Object.fromEntries(Object.entries(digest).filter(([name]) => !name.startsWith('serialization')));
}
