import type { WritConfig } from '#writ/catalogue';
import { Fault } from '#writ/faults';
import { readFileIfPresent, readSecretFile, writeFileAtomic } from '#writ/files';
import { existsSync } from 'node:fs';
import type { DeploymentPaths } from './paths.js';

/** Key and certificate of an authority: where they are, or what is there. */
interface KeyAndCertificate {
  readonly key: string;
  readonly certificate: string;
}

/**
 * Makes the certificate authorities of the egress proxy that the configuration needs and that are not there: one of what it shows to its
 * clients, and one of what they show to it. They are no evidence: with its key file removed another one is made, which has to be trusted
 * anew, and whose predecessor's certificates count no more.
 */
export async function createEgressCas(paths: DeploymentPaths, { egressProxy, ledger }: WritConfig): Promise<void> {
  const { inspect = [], tls } = egressProxy ?? {};
  if (inspect.length > 0 || (tls !== undefined && tls.certificateFile === undefined))
    await createWhereAbsent(shownCa(paths), `Writ egress proxy of ${ledger}`, 'server');
  if (tls !== undefined) await createWhereAbsent(agentCa(paths), `Writ agents of ${ledger}`, 'client');
}

async function createWhereAbsent(files: KeyAndCertificate, name: string, purpose: 'server' | 'client'): Promise<void> {
  if (existsSync(files.key)) return;
  const { createCa } = await import('#writ/local-ca');
  const { key, certificate } = await createCa(name.slice(0, 64), purpose, Date.now());
  await writeFileAtomic(files.certificate, certificate);
  // If the process dies here the certificate is that of no key, and the next start writes both again.
  await writeFileAtomic(files.key, key);
}

/** Key and certificate of the authority of what the proxy shows, in PEM. Throws CONFIG_KEY, naming the file. */
export function readEgressCa(paths: DeploymentPaths): Promise<KeyAndCertificate> {
  return readCa(shownCa(paths));
}

/** Key and certificate of the authority of what agents show to the proxy, in PEM. Throws CONFIG_KEY, naming the file. */
export function readEgressAgentCa(paths: DeploymentPaths): Promise<KeyAndCertificate> {
  return readCa(agentCa(paths));
}

/** The certificate of that authority alone, in PEM: whoever verifies needs no more. Throws CONFIG_KEY, naming the file. */
export function readEgressAgentCaCertificate(paths: DeploymentPaths): Promise<string> {
  return readCertificate(paths.egressAgentCa);
}

async function readCa({ key, certificate }: KeyAndCertificate): Promise<KeyAndCertificate> {
  return { key: await readSecretFile(key), certificate: await readCertificate(certificate) };
}

async function readCertificate(file: string): Promise<string> {
  const certificate = await readFileIfPresent(file);
  if (certificate === undefined) throw new Fault('CONFIG_KEY', `the certificate \`${file}\` is missing`);
  return certificate;
}

function shownCa({ egressCaKey: key, egressCa: certificate }: DeploymentPaths): KeyAndCertificate {
  return { key, certificate };
}

function agentCa({ egressAgentCaKey: key, egressAgentCa: certificate }: DeploymentPaths): KeyAndCertificate {
  return { key, certificate };
}

/** How contained programs reach the egress proxy as an agent: by the folder of its socket, and trusting its authority where it has one. */
export function egressWays(
  paths: DeploymentPaths,
  { egressProxy }: Pick<WritConfig, 'egressProxy'>,
): (agent: string) => { readonly folder: string; readonly ca?: string } {
  const isInspecting = (egressProxy?.inspect ?? []).length > 0;
  return (agent) => ({ folder: paths.egressDir(agent), ...(isInspecting && { ca: paths.egressCa }) });
}
