#!/usr/bin/env node
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';

// Node 22 and later keep compiled code between starts; Node 20 has no such function.
nodeModule.enableCompileCache?.();

const main = new URL('../dist/programs/cli.js', import.meta.url);
if (existsSync(main)) {
  await import(main);
} else {
  process.stderr.write('CONFIG_INVALID: Writ is not built yet: run `npm run build` in its directory\n');
  process.exitCode = 78;
}
