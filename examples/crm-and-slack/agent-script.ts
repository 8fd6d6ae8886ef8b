import { connectAgent, WritError, type Completed } from '#writ/agent-sdk';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentTask, type AgentLine } from './agent-task.js';
import { customers } from './customers.js';

/**
 * What every agent of the example runs: `node agent-script.js PROFILE TASK`. It knows its profile file, asks through the SDK, and
 * prints each question and its answer as JSON. Nothing in here depends on who the agent is.
 */
const [profile = '', task] = process.argv.slice(2);
const agent = await connectAgent(profile);

const RECORDS_PER_WRITE = 40;
const POST_EVERY_MS = 100;
const POST_WITHIN_MS = 3000;
const QUESTION = 'who is under litigation hold with counsel involved in a contract dispute?';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

await run(AgentTask.parse(task));
await agent.close();

function run(chosen: AgentTask): Promise<void> {
  switch (chosen) {
    case 'round':
      return round();
    case 'upload':
      return upload();
    case 'keep-posting':
      return keepPosting();
    case 'load':
      return load();
    case 'search':
      return search();
  }
}

async function round(): Promise<void> {
  const text = 'Ticket 4711 is solved. The card on file is 4111 1111 1111 1111.';
  const statusUrl = `${process.env['STATUS_URL'] ?? ''}/api/status`;
  await ask('slack', (call) => agent.tool('slack.chat.postMessage', { channel: '#support', text }, { call }));
  await search();
  await ask('mcp', (call) => agent.tool('everything.echo', { message: 'write to ada@example.com' }, { call }));
  await ask('status', (call) => agent.egress(statusUrl, {}, { call }));
  await ask('foreign', (call) => agent.egress('https://collector.example.net/upload', {}, { call }));
}

async function search(): Promise<void> {
  await ask('crm', (call) => agent.memory('CRM.customers').query({ text: QUESTION, k: 5 }, { call }));
}

async function upload(): Promise<void> {
  const file = { channel: '#support', filename: 'transcript.txt', content: 'The whole conversation.' };
  await ask('upload', (call) => agent.tool('slack.files.upload', file, { call }));
}

/** Posts its call ids until SIGTERM, so that what arrived can be compared with what was answered. */
async function keepPosting(): Promise<void> {
  const options = { timeoutMs: POST_WITHIN_MS };
  while (!stop.signal.aborted) {
    await ask('post', (call) =>
      agent.tool('slack.chat.postMessage', { channel: '#status', text: call }, { call, ...options }),
    );
    await sleep(POST_EVERY_MS);
  }
}

async function load(): Promise<void> {
  const records = customers();
  for (let at = 0; at < records.length; at += RECORDS_PER_WRITE) {
    const batch = records.slice(at, at + RECORDS_PER_WRITE);
    await ask('write', (call) => agent.memory('CRM.customers').write(batch, { call }));
  }
}

async function ask(what: string, make: (call: string) => Promise<Completed>): Promise<void> {
  const call = `${what}-${randomUUID()}`;
  say({ event: 'asking', what, call });
  try {
    const { output } = await make(call);
    say({ event: 'answered', what, call, ok: true, output });
  } catch (error) {
    if (!(error instanceof WritError)) throw error;
    const { name, code, reason } = error;
    say({ event: 'answered', what, call, ok: false, error: name, code, ...(reason === undefined ? {} : { reason }) });
  }
}

function say(line: AgentLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
