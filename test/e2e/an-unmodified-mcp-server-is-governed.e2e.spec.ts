import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathWithBubblewrap } from '../harness/bubblewrap.js';
import { packageRoot } from '../harness/package-root.js';

describe('the example with a server from the npm registry', () => {
  it('lets one agent read, denies the other, and sees every promise of its README kept', async () => {
    const example = spawn(process.execPath, [join(packageRoot, 'examples', 'mcp-filesystem', 'run.mjs')], {
      // Contained where this machine can.
      env: { ...process.env, PATH: pathWithBubblewrap() ?? process.env['PATH'] },
    });
    let said = '';
    for (const stream of [example.stdout, example.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    await once(example, 'close');
    // What it said stands in the failure.
    expect({ code: example.exitCode, said }).toEqual({ code: 0, said: expect.stringContaining('as promised') });
  }, 240_000);
});
