import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WritConfig } from '#writ/catalogue';
import { listAgents, openDeployment } from '#writ/deployment';
import { writeProxyCertificate } from './proxy-certificate.js';

describe('the certificate of an agent for the egress proxy', () => {
  let scratch: string;
  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-proxy-cert-'));
  });
  afterEach(() => rm(scratch, { recursive: true, force: true }));

  const dataDir = () => join(scratch, 'data');
  const deploy = async (egressProxy: object) => {
    const base = { version: 1, ledger: 'test/default/0', agents: { alice: {} } };
    const deployment = await openDeployment({ dataDir: dataDir(), config: WritConfig.parse({ ...base, egressProxy }) });
    await deployment.close();
    return deployment.paths;
  };

  it('says the agent and its present key, and is written beside a key that only its owner reads', async () => {
    const paths = await deploy({ tls: {} });
    const out = join(scratch, 'out');
    const written = await writeProxyCertificate(dataDir(), 'alice', { out, days: 2 });
    expect((await readdir(out)).toSorted()).toEqual(['alice.key', 'alice.pem', 'proxy-ca.pem']);
    expect((await stat(written.key)).mode & 0o777).toBe(0o600);
    const certificate = new X509Certificate(await readFile(written.certificate));
    const [agent] = await listAgents(paths);
    expect(certificate.subjectAltName).toBe(`URI:writ://default/agent/alice/${agent?.key}`);
    expect(certificate.checkPrivateKey(createPrivateKey(await readFile(written.key)))).toBe(true);
    expect(certificate.verify(new X509Certificate(await readFile(paths.egressAgentCa)).publicKey)).toBe(true);
    expect(await readFile(join(out, 'proxy-ca.pem'), 'utf8')).toBe(await readFile(paths.egressCa, 'utf8'));
    expect(Math.abs(Date.parse(certificate.validTo) - Date.parse(written.expires))).toBeLessThan(1_000);
  });

  it('comes without the authority of the proxy where the proxy shows a certificate of somebody else', async () => {
    await deploy({ tls: { certificateFile: 'a.pem', keyFile: 'a.key' } });
    const out = join(scratch, 'out');
    expect(await writeProxyCertificate(dataDir(), 'alice', { out, days: 2 })).toMatchObject({ ca: null });
    expect((await readdir(out)).toSorted()).toEqual(['alice.key', 'alice.pem']);
  });

  it('is refused where the proxy speaks no TLS, and for an agent that nobody knows', async () => {
    await deploy({ inspect: [] });
    const making = (name: string) => writeProxyCertificate(dataDir(), name, { out: join(scratch, 'out'), days: 2 });
    await expect(making('alice')).rejects.toMatchObject({ code: 'CONFIG_NOT_FOUND' });
    await deploy({ tls: {} });
    await expect(making('eve')).rejects.toMatchObject({ code: 'CONFIG_NOT_FOUND' });
    expect(await readdir(scratch)).toEqual(['data']);
  });
});
