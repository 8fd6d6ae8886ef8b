import assert from 'node:assert/strict';
import type { CatalogueTool } from '#writ/catalogue';
import type { RunResult } from '#writ/execution';
import type { ToolKindRunner, ToolRun } from './ports.js';

/** Runs the functions that are part of Writ: `noop` answers null, `echo` answers its arguments. */
export class FunctionToolRunner implements ToolKindRunner {
  async run({ declaration }: CatalogueTool, { command: { args } }: ToolRun): Promise<RunResult> {
    assert(declaration.kind === 'function');
    switch (declaration.function) {
      case 'noop':
        return { output: null };
      case 'echo':
        return { output: args };
    }
  }
}
