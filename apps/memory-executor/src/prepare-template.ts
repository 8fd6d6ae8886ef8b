import { messageOf } from '#writ/faults';
import { defaultTemplate, ensureTemplate } from './pglite-template.js';

// Run once at installation, so that the first start of the memory executor copies a database instead of making one. Without
// it that start takes some seconds longer, which is no reason to fail an installation.
function giveUp(error: unknown): never {
  process.stderr.write(`warning: no template of the memory database could be made: ${messageOf(error)}\n`);
  process.exit(0);
}

// PGlite also fails where none of the promises that it gave out says so.
process.on('uncaughtException', giveUp);
const template = defaultTemplate();
if (template !== undefined) await ensureTemplate(template).catch(giveUp);
