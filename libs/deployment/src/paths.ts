import { basename, dirname, join, resolve } from 'node:path';

/** Where everything of a deployment lies, under one data directory. */
export interface DeploymentPaths {
  readonly dataDir: string;
  readonly lock: string;
  /** Written last at the first start: from then on what is missing is damage, and is not made again. */
  readonly deploymentFile: string;
  /** Written when the streams were made for the first time: from then on a stream that is missing is damage. */
  readonly streamsFile: string;
  readonly keysDir: string;
  readonly rootKey: string;
  readonly rootVkey: string;
  readonly trustBundle: string;
  /** Held by the rotation of keys while it runs. */
  readonly rotationLock: string;
  readonly logKey: string;
  /** While the key of the log is rotated: the one that signs beside `logKey`, and takes its place. */
  readonly logNextKey: string;
  /** What a witness needs of this log: the public half of `logKey`. */
  readonly logVkey: string;
  readonly payloadKey: string;
  readonly producerKey: (instance: string) => string;
  /** The key that takes the place of `producerKey`, until all services know it. */
  readonly producerNextKey: (instance: string) => string;
  readonly accessToken: (client: string) => string;
  /** Of the certificates that the egress proxy shows: those by which it ends the TLS of its clients, and its own. */
  readonly egressCaKey: string;
  /** What those clients trust for it. */
  readonly egressCa: string;
  /** Of the certificates by which it knows agents. The proxy itself never reads this key. */
  readonly egressAgentCaKey: string;
  /** What the proxy trusts for them. */
  readonly egressAgentCa: string;
  /** Holds the socket at which whoever reaches it is that agent to the egress proxy, and nothing else. */
  readonly egressDir: (agent: string) => string;
  readonly natsSeed: (user: string) => string;
  readonly agentsFile: string;
  readonly agentsLock: string;
  readonly agentsDir: string;
  readonly profile: (agent: string) => string;
  readonly natsDir: string;
  readonly natsConfig: string;
  readonly natsStore: string;
  readonly natsPorts: string;
  readonly natsLog: string;
  readonly memoryDir: string;
  /** The log: tiles, checkpoints, block index. Everything in it may be shown to an auditor. */
  readonly logDir: string;
  /** What the sealer knows that it signed. Keep it on another disk than the streams. */
  readonly sealerDir: string;
  /** Where the sinks of the SIEM feed are, and what they refused. */
  readonly siemDir: string;
  /** While a ledger ends and another one goes on: which ones. Nothing but that starts meanwhile. */
  readonly continuation: string;
  readonly runDir: string;
  /** By which the command line asks `writ up` to remove the oldest of the ledger, and what came of it. */
  readonly pruneRequest: string;
  readonly pruneAnswer: string;
}

/**
 * Where the log, or the sealer's memory, of a ledger that has ended lies: beside the place that it had, under the name of the ledger. A
 * name has slashes and no plus sign, so each has a folder of its own and none leads out of it.
 */
export function closedPlace(place: string, ledger: string): string {
  const whole = resolve(place);
  return join(dirname(whole), 'ledgers', ledger.replaceAll('/', '+'), basename(whole));
}

/** The paths under a data directory. */
export function deploymentPaths(dataDir: string): DeploymentPaths {
  const root = resolve(dataDir);
  const at = (...parts: string[]) => join(root, ...parts);
  return {
    dataDir: root,
    lock: at('lock'),
    deploymentFile: at('deployment.json'),
    streamsFile: at('streams.json'),
    keysDir: at('keys'),
    rootKey: at('keys', 'root.key'),
    rootVkey: at('keys', 'root.vkey'),
    trustBundle: at('keys', 'trust.bundle'),
    rotationLock: at('keys', 'rotation.lock'),
    logKey: at('keys', 'log.key'),
    logNextKey: at('keys', 'log.next.key'),
    logVkey: at('keys', 'log.vkey'),
    payloadKey: at('keys', 'payload.key'),
    producerKey: (instance) => at('keys', 'producers', `${instance}.key`),
    producerNextKey: (instance) => at('keys', 'producers', `${instance}.next.key`),
    accessToken: (client) => at('keys', 'access', `${client}.token`),
    egressCaKey: at('keys', 'egress-ca.key'),
    egressCa: at('egress-ca.pem'),
    egressAgentCaKey: at('keys', 'egress-agent-ca.key'),
    egressAgentCa: at('egress-agent-ca.pem'),
    egressDir: (agent) => at('run', 'egress', agent),
    natsSeed: (user) => at('keys', 'nats', `${user}.nk`),
    agentsFile: at('agents.json'),
    agentsLock: at('agents.lock'),
    agentsDir: at('agents'),
    profile: (agent) => at('agents', `${agent}.json`),
    natsDir: at('nats'),
    natsConfig: at('nats', 'nats-server.conf'),
    natsStore: at('nats', 'store'),
    natsPorts: at('nats', 'ports'),
    natsLog: at('nats', 'nats-server.log'),
    memoryDir: at('memory'),
    logDir: at('ledger'),
    sealerDir: at('sealer'),
    siemDir: at('siem'),
    continuation: at('continuation.json'),
    runDir: at('run'),
    pruneRequest: at('run', 'prune.request.json'),
    pruneAnswer: at('run', 'prune.answer.json'),
  };
}
