import { defaultTemplate, ensureTemplate } from './pglite-template.js';

// Run once at installation, so that the first start of the memory executor copies a database instead of making one.
const template = defaultTemplate();
if (template !== undefined) await ensureTemplate(template);
