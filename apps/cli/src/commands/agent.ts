import type { Command } from 'commander';
import { parseWhole } from '../call/parse-whole.js';
import { type Cli, CODES, type CommonOptions, dataDirectory, helpEnd, withDataAndJson } from '../cli.js';

const CODES_OF_AGENT = [CODES.ok, `${CODES.usage}, or a name that cannot be one`, CODES.unavailable, CODES.config];
const CERTIFICATE_DAYS_MAX = 365;
const LATER = 'no `writ up` runs: the next one records it in the ledger';

/** `writ agent add|list|remove|proxy-token|proxy-cert` */
export function addAgentCommand(program: Command, cli: Cli): void {
  const agent = program.command('agent').description('give agents their identity, list them, take it away');
  addAdd(agent, cli);
  addList(agent, cli);
  addRemove(agent, cli);
  addProxyToken(agent, cli);
  addProxyCertificate(agent, cli);
}

function addAdd(agent: Command, cli: Cli): void {
  const command = agent
    .command('add')
    .description('make an agent with a key of its own, and its profile file')
    .argument('<name>', 'name of the agent: ^[a-z0-9][a-z0-9_-]{0,62}$')
    .option('--team <team...>', 'teams it belongs to, for policies')
    .addHelpText('after', helpEnd(CODES_OF_AGENT, 'writ agent add support --team support'));
  withDataAndJson(command).action(async (name: string, options: CommonOptions & { readonly team?: string[] }) => {
    const { makeAgent } = await import('../agent/change-agents.js');
    const made = await makeAgent(dataDirectory(options), name, options.team ?? []);
    // The seed is in the profile file and is never printed.
    cli.print(options.json ? JSON.stringify(made) : made.profile);
    if (!options.json && !made.recorded) cli.note(LATER);
  });
}

function addList(agent: Command, cli: Cli): void {
  const command = agent
    .command('list')
    .description('the agents of this deployment')
    .addHelpText('after', helpEnd(CODES_OF_AGENT, 'writ agent list'));
  withDataAndJson(command).action(async (options: CommonOptions) => {
    const { agentsOf } = await import('../agent/change-agents.js');
    const agents = await agentsOf(dataDirectory(options));
    if (options.json) {
      cli.print(JSON.stringify({ agents }));
      return;
    }
    const width = Math.max(0, ...agents.map(({ name }) => name.length));
    for (const { name, teams, key, profile } of agents) {
      cli.print(
        `${name.padEnd(width)}  ${key}  teams: ${teams.join(', ') || 'none'}  ${profile ?? '(no profile here)'}`,
      );
    }
  });
}

function addRemove(agent: Command, cli: Cli): void {
  const command = agent
    .command('remove')
    .description('take an agent its identity; it is disconnected at once')
    .argument('<name>', 'name of the agent')
    .addHelpText('after', helpEnd(CODES_OF_AGENT, 'writ agent remove support'));
  withDataAndJson(command).action(async (name: string, options: CommonOptions) => {
    const { unmakeAgent } = await import('../agent/change-agents.js');
    const removed = await unmakeAgent(dataDirectory(options), name);
    cli.print(options.json ? JSON.stringify(removed) : `${name} is removed`);
    if (!options.json && !removed.recorded) cli.note(LATER);
  });
}

function addProxyToken(agent: Command, cli: Cli): void {
  const command = agent
    .command('proxy-token')
    .description('print what the agent shows the egress proxy; it follows from the key of the agent')
    .argument('<name>', 'name of the agent')
    .addHelpText('after', helpEnd([CODES.ok, CODES.usage, CODES.config], 'writ agent proxy-token support'));
  withDataAndJson(command).action(async (name: string, options: CommonOptions) => {
    const { proxyTokenOf } = await import('../agent/change-agents.js');
    const token = await proxyTokenOf(dataDirectory(options), name);
    cli.print(options.json ? JSON.stringify({ name, token }) : token);
  });
}

function addProxyCertificate(agent: Command, cli: Cli): void {
  const command = agent
    .command('proxy-cert')
    .description('write a key and a client certificate by which the egress proxy knows the agent over TLS')
    .argument('<name>', 'name of the agent')
    .requiredOption('--out <dir>', 'where NAME.key, NAME.pem and proxy-ca.pem go')
    .option('--days <number>', `how long it counts, 1 to ${CERTIFICATE_DAYS_MAX}`, '90')
    .addHelpText('after', helpEnd(CODES_OF_AGENT, 'writ agent proxy-cert support --out support-tls'));
  type Options = CommonOptions & { readonly out: string; readonly days: string };
  withDataAndJson(command).action(async (name: string, options: Options) => {
    const days = parseWhole(options.days, '--days', { min: 1, max: CERTIFICATE_DAYS_MAX });
    const { writeProxyCertificate } = await import('../agent/proxy-certificate.js');
    const written = await writeProxyCertificate(dataDirectory(options), name, { out: options.out, days });
    if (options.json) cli.print(JSON.stringify(written));
    else for (const file of [written.key, written.certificate, written.ca]) if (file !== null) cli.print(file);
    if (!options.json) cli.note(`it counts until ${written.expires}, or until the agent has another key`);
  });
}
