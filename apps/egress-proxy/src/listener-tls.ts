import { constants } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createSecureContext, type TlsOptions } from 'node:tls';
import type { WritConfig } from '#writ/catalogue';
import { type DeploymentPaths, readEgressAgentCaCertificate, readEgressCa } from '#writ/deployment';
import { Fault } from '#writ/faults';
import { readSecretFile } from '#writ/files';
import { type KeyAndCertificate, LocalCa } from '#writ/local-ca';

/** How `egressProxy.tls` is declared. */
export type ProxyTls = NonNullable<NonNullable<WritConfig['egressProxy']>['tls']>;

/** Where keys and certificates are. */
export interface ListenerPlaces {
  readonly paths: DeploymentPaths;
  /** What the files of the configuration are relative to. */
  readonly baseDirectory: string;
}

/**
 * What the proxy's listener shows and takes: a certificate that is made or read anew at each call, and clients with a certificate of the
 * agents' authority or with none. Throws CONFIG_KEY, naming the file.
 */
export async function listenerTls(tls: ProxyTls, places: ListenerPlaces): Promise<TlsOptions> {
  const { key, certificate } = await shownBy(tls, places);
  const options: TlsOptions = {
    key,
    cert: certificate,
    ca: await readEgressAgentCaCertificate(places.paths),
    minVersion: 'TLSv1.2',
    // INVARIANT: every connection is a whole handshake, and has one. A session that is resumed would bring a certificate that nobody
    // looked at again, and a renegotiation another one in the middle.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    requestCert: true,
    // Who has none brings a token, and who has one that does not count is told so in HTTP.
    rejectUnauthorized: false,
    handshakeTimeout: 10_000,
    // A tunnel goes on one way when the other has ended.
    allowHalfOpen: true,
  };
  try {
    createSecureContext(options);
  } catch (cause) {
    throw new Fault('CONFIG_KEY', 'the certificate of the egress proxy and its key are damaged, or are no pair', {
      cause,
    });
  }
  return options;
}

async function shownBy(
  { names, certificateFile, keyFile }: ProxyTls,
  places: ListenerPlaces,
): Promise<KeyAndCertificate> {
  if (certificateFile === undefined || keyFile === undefined)
    return (await LocalCa.open(await readEgressCa(places.paths), Date.now)).serverCertificate(names);
  const file = resolve(places.baseDirectory, certificateFile);
  const certificate = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Fault('CONFIG_KEY', `the certificate \`${file}\` cannot be read`, { cause });
  });
  return { key: await readSecretFile(resolve(places.baseDirectory, keyFile)), certificate };
}
