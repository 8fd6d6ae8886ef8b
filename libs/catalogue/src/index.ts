export { type Catalogue, type CatalogueTool, type Declared, loadCatalogue, readCatalogue } from './catalogue.js';
export * from './schema.js';
export { addQuery, fillUrl, type FilledUrl, type UrlTemplate } from './url-template.js';
