import { messageOf } from '#writ/faults';
import type { ActionRunner } from '#writ/execution';
import { runService, type ServiceContext, startExecutor } from '#writ/service-host';
import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ToolExecutorConfig } from '../../apps/tool-executor/src/config.js';
import { toolExecutor } from '../../apps/tool-executor/src/tool-executor.module.js';
import { planOf, type Step } from './dying-step.js';

// The tool executor as it is deployed, whose process is killed at the step that the id of a call names: before or after each thing that
// another process could notice. It says which, in one line.

/** How often each command that came here was delivered, by call. A call kills once, so that the next executor can finish it. */
const deliveries = new Map<string, number>();
/** The call of each command, by the subject of its acknowledgement. */
const callOf = new Map<string, string>();

/** At its step the process of that call is gone after so many turns of the event loop: what it has sent by then, it has sent. */
async function at(step: Step, call: string): Promise<void> {
  const plan = planOf(call);
  if (plan?.step !== step || deliveries.get(call) !== 1) return;
  for (let turns = plan.turns; turns > 0; turns--) await nextTurn();
  writeSync(1, `killed ${call}\n`);
  process.kill(process.pid, 'SIGKILL');
  // The signal is on its way: nothing is done any more.
  await new Promise(() => undefined);
}

/** The object with some of its methods replaced; all others are its own. */
function watched<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get: (_, name) => {
      const changed = Reflect.get(changes, name) as unknown;
      if (changed !== undefined) return changed;
      const own = Reflect.get(target, name) as unknown;
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });
}

/** A command that may run again is acknowledged without an answer: when the server has seen all that was sent, it has that too. */
async function afterAcknowledging(bus: ServiceContext['bus'], call: string): Promise<void> {
  await at('acknowledging', call);
  await bus.flush();
  await at('acknowledged', call);
}

function watchedBus({ bus }: ServiceContext): ServiceContext['bus'] {
  return watched(bus, {
    subscribe: (subject, options) =>
      bus.subscribe(subject, {
        ...options,
        onMessage: (message) => {
          const { reply = '' } = message;
          if (!reply.startsWith('$JS.ACK.')) return options.onMessage(message);
          const { body } = JSON.parse(Buffer.from(message.data).toString()) as {
            readonly body: { readonly call: string };
          };
          const tokens = reply.split('.');
          deliveries.set(body.call, Number(tokens[tokens.length >= 11 ? 6 : 4]));
          callOf.set(reply, body.call);
          void at('taken', body.call).then(() => options.onMessage(message));
        },
      }),
    request: async (subject, data, options) => {
      const call = callOf.get(subject);
      if (call === undefined) return bus.request(subject, data, options);
      await at('verified', call);
      const answer = bus.request(subject, data, options);
      await at('acknowledging', call);
      const taken = await answer;
      await at('acknowledged', call);
      return taken;
    },
    publish: (subject, data, options) => {
      bus.publish(subject, data, options);
      const acknowledged = callOf.get(subject);
      if (acknowledged !== undefined && data === '+ACK') void afterAcknowledging(bus, acknowledged);
      if (subject.startsWith('_R_.')) void at('answered', (JSON.parse(String(data)) as { readonly call: string }).call);
    },
  });
}

function watchedContext(context: ServiceContext): ServiceContext {
  return {
    ...context,
    bus: watchedBus(context),
    decisions: watched(context.decisions, {
      allowAt: async (seq, i) => {
        const allow = await context.decisions.allowAt(seq, i);
        await at('read-back', allow.entry.corr.call);
        return allow;
      },
    }),
    openWriter: async (producer, onDead) => {
      const writer = await context.openWriter(producer, onDead);
      return watched(writer, {
        append: async (body, values, options) => {
          const appending = writer.append(body, values, options);
          const call = 'corr' in body ? body.corr.call : '';
          await at('recording', call);
          const appended = await appending;
          await at('recorded', call);
          return appended;
        },
      });
    },
  };
}

function watchedRunner(runner: ActionRunner): ActionRunner {
  return {
    run: async (command, ...rest) => {
      // One that runs once was verified before it was acknowledged.
      await at('verified', command.call);
      await at('before-effect', command.call);
      const result = await runner.run(command, ...rest);
      await at('after-effect', command.call);
      return result;
    },
  };
}

// The request is written whole; whether it arrives is up to the system. The path of the tool ends with the call.
subscribe('undici:request:bodySent', (message) => {
  const { path } = (message as { readonly request: { readonly path: string } }).request;
  void at('during-effect', path.slice(path.lastIndexOf('/') + 1));
});
process.on('unhandledRejection', (error) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(70);
});
await runService(ToolExecutorConfig, async (context) => {
  const executor = await toolExecutor(context);
  await startExecutor(watchedContext(context), { ...executor, runner: watchedRunner(executor.runner) });
});
