import { startExampleServices } from './environment.js';

/**
 * Runs the two services on fixed ports until Ctrl-C and prints the variables that writ.yaml reads, for trying the example by
 * hand: `eval` them in the shell that runs `writ up`.
 */
const services = await startExampleServices({ slack: 8801, status: 8802 });
for (const [name, value] of Object.entries(services.variables)) {
  process.stdout.write(`export ${name}='${value}'\n`);
}
process.once('SIGINT', () => void services.close());
process.once('SIGTERM', () => void services.close());
