import { join, resolve } from 'node:path';
import { assertAgentName } from '#writ/contracts';
import { deploymentPaths, type DeploymentPaths, listAgents, readEgressAgentCa, tenantOf } from '#writ/deployment';
import { Fault } from '#writ/faults';
import { makePrivateDirectory, readFileIfPresent, writeFileAtomic } from '#writ/files';
import { agentUri, LocalCa } from '#writ/local-ca';
import { existsSync } from 'node:fs';
import { assertDeployment } from './change-agents.js';

/** Where to put a certificate, and how long it counts. */
interface CertificateOptions {
  readonly out: string;
  readonly days: number;
}

/** The files that were written, and when the certificate ends. */
export interface WrittenCertificate {
  readonly name: string;
  readonly key: string;
  readonly certificate: string;
  /** What the proxy's own certificate is verified by; null where Writ's authority does not make it. */
  readonly ca: string | null;
  readonly expires: string;
}

const DAY_MS = 86_400_000;

/**
 * Writes what an agent shows the egress proxy over TLS: a new key and a certificate of it that says the agent's name and present key on the
 * bus, with the certificate of the authority that the proxy shows itself by. Throws INPUT_BAD_NAME, CONFIG_NOT_FOUND, CONFIG_KEY,
 * CONFIG_DATA_DIR.
 */
export async function writeProxyCertificate(
  dataDir: string,
  name: string,
  { out, days }: CertificateOptions,
): Promise<WrittenCertificate> {
  const paths = deploymentPaths(dataDir);
  assertAgentName(name);
  assertDeployment(paths);
  const agent = (await listAgents(paths)).find((each) => each.name === name);
  if (agent === undefined) throw new Fault('CONFIG_NOT_FOUND', `there is no agent \`${name}\``);
  const nowMs = Date.now();
  const ca = await openCa(paths, nowMs);
  const uri = agentUri({ tenant: await tenantOf(paths), name, key: agent.key });
  const { key, certificate } = await ca.clientCertificate(uri, { name, days });
  const shown = await readFileIfPresent(paths.egressCa);
  const file = (last: string) => join(resolve(out), last);
  const files = { key: file(`${name}.key`), certificate: file(`${name}.pem`) };
  await makePrivateDirectory(resolve(out));
  await writeFileAtomic(files.key, key);
  // If the process dies here an older certificate is that of another key, and says so when it is used.
  await writeFileAtomic(files.certificate, certificate);
  if (shown !== undefined) await writeFileAtomic(file('proxy-ca.pem'), shown);
  const expires = new Date(nowMs + days * DAY_MS).toISOString();
  return { name, ...files, ca: shown === undefined ? null : file('proxy-ca.pem'), expires };
}

async function openCa(paths: DeploymentPaths, nowMs: number): Promise<LocalCa> {
  if (existsSync(paths.egressAgentCaKey)) return LocalCa.open(await readEgressAgentCa(paths), () => nowMs);
  throw new Fault(
    'CONFIG_NOT_FOUND',
    'no authority makes certificates of agents here: `writ up` with `egressProxy.tls`',
  );
}
