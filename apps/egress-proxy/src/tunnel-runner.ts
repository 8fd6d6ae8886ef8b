import type { Catalogue } from '#writ/catalogue';
import { type CommandBody, EgressConnectRequest, parse } from '#writ/contracts';
import type { ActionRunner, RunResult } from '#writ/execution';
import { Fault } from '#writ/faults';
import type { dialDecided } from '#writ/outbound';
import { carry } from './carry.js';
import { takeClientHello } from './take-client-hello.js';
import type { Tunnels } from './tunnels.js';

interface TunnelPorts {
  readonly tunnels: Pick<Tunnels, 'claim'>;
  readonly dial: typeof dialDecided;
  readonly now: () => number;
}

/** What a command of `egress.connect` carries: host and port as they were decided. */
const ConnectArguments = EgressConnectRequest.pick({ host: true, port: true });
const DIAL_WITHIN_MS = 10_000;
const IDLE_MS = 120_000;
/** A tunnel ends by its age so long before its command does: that is an outcome, and no time-out. */
const BEFORE_DEADLINE_MS = 500;

/** Runs an approved `egress.connect`: dials what was decided, and carries the bytes of the client that waits for it. */
export class TunnelRunner implements ActionRunner {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly ports: TunnelPorts,
  ) {}

  async run(command: CommandBody, signal: AbortSignal): Promise<RunResult> {
    const { internal, bytesMax } = this.#destinationOf(command);
    const { host, port } = parse(ConnectArguments, command.args, 'EXECUTOR_FAILED');
    const tunnel = this.ports.tunnels.claim(command.agent, command.call);
    const stopped = AbortSignal.any([signal, tunnel.stopped]);
    const server = await this.ports.dial({ host, port, internal, timeoutMs: DIAL_WITHIN_MS, signal: stopped });
    server.on('error', () => undefined);
    const { socket: client, head } = tunnel.client;
    try {
      tunnel.accept();
      const first = await takeClientHello(client, head, { host, signal: stopped });
      const ageMs = Math.max(0, command.finishBy - this.ports.now() - BEFORE_DEADLINE_MS);
      const limits = { bytesMax, ageMs, idleMs: IDLE_MS, signal: stopped };
      const { sent, received, endedBy } = await carry({ client, server, first }, limits);
      return { output: { sent, received, endedBy }, bytes: received, sent };
    } finally {
      client.destroy();
      server.destroy();
    }
  }

  #destinationOf({ resource, dig }: CommandBody): { readonly internal: boolean; readonly bytesMax: number } {
    const declared = this.catalogue.destinations.get(resource);
    const { tunnel, internal } = declared?.declaration ?? {};
    if (declared?.digest !== dig || tunnel === undefined || internal === undefined)
      throw new Fault('COMMAND_TOOL_CHANGED', `the destination \`${resource}\` changed since the decision`);
    return { internal, bytesMax: tunnel.bytesMax };
  }
}
