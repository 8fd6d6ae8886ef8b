import 'reflect-metadata';
import { createPrivateKey, KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { Fault } from '#writ/faults';

/** A certificate and its private key, PEM both. Who has the key of an authority can be anyone to those who trust its certificate. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly certificate: string;
}

/** Whom an authority makes certificates for. What one of them makes is worth nothing where the other is trusted, nor in the other role. */
export type Purpose = 'server' | 'client';

const KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;
/** Extended key usages of RFC 5280. */
const USAGE: Readonly<Record<Purpose, string>> = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' };
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const CA_DAYS = 1_825;
const LEAF_DAYS = 7;
/** A leaf is used so long; by then clients of a slow clock still take it. */
const LEAF_USE_MS = 5 * DAY_MS;
const LEAVES_MAX = 1_024;

/** Makes a certificate authority that may sign certificates for that purpose, and no other authority. */
export async function createCa(name: string, purpose: Purpose, nowMs: number): Promise<KeyAndCertificate> {
  const keys = await newKeys();
  const subject = [{ CN: [name] }];
  const certificate = await X509CertificateGenerator.create({
    ...validity(nowMs, CA_DAYS),
    subject,
    issuer: subject,
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      new ExtendedKeyUsageExtension([USAGE[purpose]]),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { key: pemOf(keys.privateKey), certificate: `${certificate.toString('pem')}\n` };
}

interface Leaf {
  readonly context: Promise<SecureContext>;
  readonly madeMs: number;
}

/** What a certificate is to say, and until when. */
interface Subject {
  readonly purpose: Purpose;
  readonly commonName: string;
  readonly names: readonly { readonly type: 'dns' | 'ip' | 'url'; readonly value: string }[];
  readonly days: number;
}

/** An authority that has its key. */
export class LocalCa {
  readonly #leaves = new Map<string, Leaf>();

  private constructor(
    private readonly certificate: X509Certificate,
    private readonly signingKey: webcrypto.CryptoKey,
    private readonly now: () => number,
  ) {}

  /** Throws CONFIG_KEY when the files are none, do not belong to each other, or the certificate has expired. */
  static async open({ key, certificate }: KeyAndCertificate, now: () => number): Promise<LocalCa> {
    try {
      const der = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' });
      const signingKey = await webcrypto.subtle.importKey('pkcs8', der, KEY, false, ['sign']);
      const read = new X509Certificate(certificate);
      const isOurs = await isSignedBy(read, signingKey);
      if (isOurs && read.notAfter.getTime() > now()) return new LocalCa(read, signingKey, now);
    } catch (cause) {
      throw new Fault('CONFIG_KEY', 'the certificate authority of the egress proxy is damaged', { cause });
    }
    throw new Fault('CONFIG_KEY', 'the certificate authority of the egress proxy has expired, or has another key');
  }

  /** What a server of that name, or address, shows: a certificate of a week, made once and used for some days. */
  contextFor(host: string): Promise<SecureContext> {
    const known = this.#leaves.get(host);
    if (known !== undefined && this.now() - known.madeMs < LEAF_USE_MS) return known.context;
    // The oldest goes. INVARIANT: hosts are those that the configuration names, so there are few.
    const [oldest] = this.#leaves.keys();
    if (this.#leaves.size >= LEAVES_MAX && oldest !== undefined) this.#leaves.delete(oldest);
    const context = this.#mint(host);
    this.#leaves.set(host, { context, madeMs: this.now() });
    context.catch(() => this.#leaves.delete(host));
    return context;
  }

  /** What a server of these names and addresses shows, for a week. */
  serverCertificate(hosts: readonly string[]): Promise<KeyAndCertificate> {
    const names = hosts.map((host) => host.replace(/^\[(.*)\]$/, '$1'));
    return this.#sign({
      purpose: 'server',
      commonName: names[0] ?? '',
      names: names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
      days: LEAF_DAYS,
    });
  }

  /** What a client shows that is known by a URI, and by nothing else. */
  clientCertificate(uri: string, { name, days }: { readonly name: string; readonly days: number }) {
    return this.#sign({ purpose: 'client', commonName: name, names: [{ type: 'url', value: uri }], days });
  }

  async #mint(host: string): Promise<SecureContext> {
    const { key, certificate } = await this.serverCertificate([host]);
    return createSecureContext({ key, cert: certificate, minVersion: 'TLSv1.2' });
  }

  async #sign({ purpose, commonName, names, days }: Subject): Promise<KeyAndCertificate> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.create({
      ...validity(this.now(), days),
      // A common name has 64 characters at most, and nobody reads it where there are alternative names.
      subject: [{ CN: [commonName.slice(0, 64)] }],
      issuer: this.certificate.subject,
      publicKey: keys.publicKey,
      signingKey: this.signingKey,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([USAGE[purpose]]),
        new SubjectAlternativeNameExtension([...names], true),
        await AuthorityKeyIdentifierExtension.create(this.certificate),
      ],
    });
    return { key: pemOf(keys.privateKey), certificate: `${certificate.toString('pem')}\n` };
  }
}

async function isSignedBy(certificate: X509Certificate, signingKey: webcrypto.CryptoKey): Promise<boolean> {
  const text = Buffer.from('writ');
  const signature = await webcrypto.subtle.sign(SIGNATURE, signingKey, text);
  const publicKey = await certificate.publicKey.export(KEY, ['verify'], webcrypto);
  return webcrypto.subtle.verify(SIGNATURE, publicKey, signature, text);
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify']);
}

function pemOf(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** A clock that is an hour behind still takes what is new. */
function validity(nowMs: number, days: number) {
  return {
    serialNumber: `00${randomBytes(15).toString('hex')}`,
    notBefore: new Date(nowMs - HOUR_MS),
    notAfter: new Date(nowMs + days * DAY_MS),
    signingAlgorithm: SIGNATURE,
  };
}
