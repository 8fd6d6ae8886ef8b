import { readCatalogue } from './catalogue.js';

const DESTINATIONS = `destinations:
  plain: { origin: http://plain.example.com }
  secure: { origin: https://secure.example.com }
`;
const read = (egressProxy: string) =>
  readCatalogue(`version: 1\nledger: test/default/0\n${DESTINATIONS}egressProxy: ${egressProxy}\n`, {
    file: 'writ.yaml',
    baseDirectory: '/',
    environment: {},
  }).config.egressProxy;

describe('the egress proxy in the configuration', () => {
  it('speaks TLS where that is said, under its loopback names unless others are', () => {
    expect(read('{}')).not.toHaveProperty('tls');
    expect(read('{ tls: {} }')?.tls).toEqual({ names: ['localhost', '127.0.0.1'] });
    expect(read('{ tls: { names: [proxy.internal, "::1"] } }')?.tls).toEqual({ names: ['proxy.internal', '::1'] });
  });

  it.each([
    ['a certificate without its key', '{ tls: { certificateFile: a.pem } }', 'needs both'],
    ['a key without its certificate', '{ tls: { keyFile: a.key } }', 'needs both'],
    ['no name', '{ tls: { names: [] } }', 'egressProxy.tls.names'],
    ['a name that is none', '{ tls: { names: ["a b"] } }', 'must be a host name or an address'],
    ['a destination to look into that nobody declared', '{ inspect: [other] }', 'no destination `other`'],
    ['one without TLS', '{ inspect: [plain] }', 'no TLS to look into'],
  ])('is refused at load with %s', (_what, egressProxy, why) => {
    expect(() => read(egressProxy)).toThrow(why);
  });
});
