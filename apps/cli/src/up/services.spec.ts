import { WritConfig } from '#writ/catalogue';
import { deploymentPaths } from '#writ/deployment';
import { poolSubjects, serviceSpecs } from './services.js';

const where = { configFile: 'writ.yaml', paths: deploymentPaths('.writ'), url: 'nats://127.0.0.1:4222' };
const configOf = (declared: object) => WritConfig.parse({ version: 1, ledger: 'test/default/0', ...declared });
const started = (declared: object) => serviceSpecs(configOf(declared), where).map(({ name }) => name);

describe('the processes of writ up', () => {
  it('are executors of the kinds that something is declared of, and of no other', () => {
    expect(started({})).toEqual(['pdp-1', 'ledger-1']);
    expect(started({ namespaces: { notes: {} } })).toEqual(['pdp-1', 'exec-memory-1', 'ledger-1']);
    const destinations = { web: { origin: 'https://a.example' } };
    expect(started({ destinations, instances: { executors: 2 } })).toEqual([
      'pdp-1',
      'exec-egress-1',
      'exec-egress-2',
      'ledger-1',
    ]);
  });

  it('wait for the pools of those executors alone', () => {
    const tools = { echo: { kind: 'function', function: 'echo', input: { type: 'object' } } };
    expect(poolSubjects(configOf({ tools }))).toEqual([expect.stringContaining('tool')]);
    expect(poolSubjects(configOf({}))).toEqual([]);
  });

  it('have no variable of a credential or of a provider in their environment, unless they are executors', () => {
    const names = ['A_TOKEN', 'A_CLIENT_SECRET', 'A_VAULT_TOKEN', 'A_SECRET_KEY'];
    for (const name of names) process.env[name] = 'value';
    try {
      const inject = {
        kind: 'oauth-token-exchange',
        tokenUrl: 'https://auth.example/token',
        clientId: 'writ',
        clientSecret: { env: 'A_CLIENT_SECRET' },
      };
      const config = configOf({
        tools: { echo: { kind: 'function', function: 'echo', input: { type: 'object' } } },
        credentials: { a: { from: { env: 'A_TOKEN' }, origins: ['https://a.example'], inject } },
        secrets: {
          providers: {
            v: { kind: 'vault', url: 'https://v.example', auth: { token: { env: 'A_VAULT_TOKEN' } } },
            aws: {
              kind: 'aws-secrets-manager',
              region: 'eu-west-1',
              accessKeyId: 'AKIDEXAMPLE12345',
              secretAccessKey: { env: 'A_SECRET_KEY' },
            },
          },
        },
      });
      for (const { name, environment } of serviceSpecs(config, where)) {
        const known = names.filter((each) => environment[each] !== undefined);
        expect([name, known]).toEqual([name, name.startsWith('exec-') ? names : []]);
      }
    } finally {
      for (const name of names) delete process.env[name];
    }
  });
});
