import { runCommandLine } from './program.js';

// Whoever reads us may stop reading: `writ tail | head` is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const exitCode = await runCommandLine(process.argv.slice(2));
// What was written goes out first: a pipe takes it later than a file does.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
