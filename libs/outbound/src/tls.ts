import { createHash, X509Certificate } from 'node:crypto';
import { checkServerIdentity, type ConnectionOptions, type PeerCertificate } from 'node:tls';

/** How a destination wants TLS, beyond a certificate that is trusted and for its name. */
export interface OutboundTls {
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  /** Certificate authorities in PEM, instead of those of the system. */
  readonly ca?: string | undefined;
  /** `sha256/` and the digest of the public key of the server's certificate (SPKI, base64; RFC 7469): one of them must be its. */
  readonly pins?: readonly string[] | undefined;
}

/** The same for Node. A certificate without a pinned key is refused with CERT_NOT_PINNED, also when everybody else trusts it. */
export function tlsOptions({ minVersion = 'TLSv1.2', ca, pins = [] }: OutboundTls): ConnectionOptions {
  return {
    minVersion,
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    checkServerIdentity: (host, certificate) => checkServerIdentity(host, certificate) ?? checkPin(certificate, pins),
  };
}

/** Of the server's own certificate alone: which others stand above it is what the server says. */
function checkPin({ raw }: PeerCertificate, pins: readonly string[]): Error | undefined {
  if (pins.length === 0) return undefined;
  const key = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' });
  const pin = `sha256/${createHash('sha256').update(key).digest('base64')}`;
  if (pins.includes(pin)) return undefined;
  return Object.assign(new Error('the certificate has a key that is not pinned'), { code: 'CERT_NOT_PINNED' });
}
