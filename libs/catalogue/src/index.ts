export { fillCommand } from './command-template.js';
export { type Catalogue, type CatalogueTool, loadCatalogue, readCatalogue } from './catalogue.js';
export { type PolicyFolders, policyFoldersOf, readPolicyFolders } from './policy-folders.js';
export {
  type CredentialDeclaration,
  credentialHeaders,
  type InjectionDeclaration,
  injectionOf,
  type InjectionOf,
  sourcesOf,
  tokenEndpointOf,
} from './credential-schema.js';
export {
  type LocalSource,
  type ProviderDeclaration,
  type ProviderOf,
  providerOrigin,
  providerSources,
  type ProviderSource,
} from './provider-schema.js';
export { fillBody } from './http-body.js';
export * from './schema.js';
export * from './tool-schema.js';
export type { SinkDeclaration } from './siem-schema.js';
export { addQuery, fillUrl, type UrlTemplate } from './url-template.js';
export { type Environment, substituteEnvironment } from './environment.js';
export { programsOf } from './programs.js';
export { parseYaml, type YamlSource } from './yaml-source.js';
export { readRedactionRules } from './redaction-rules.js';
export { TOOL_FILE_END } from './tool-files.js';
