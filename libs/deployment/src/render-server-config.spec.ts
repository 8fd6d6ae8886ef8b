import { Fault } from '#writ/faults';
import { createUserNkey } from '#writ/nats';
import { readFileSync } from 'node:fs';
import { packageFile } from './package-root.js';
import { renderServerConfig, type ServerConfigModel } from './render-server-config.js';
import { assertSafeServerConfig } from './safe-server-config.js';
import { fillTemplate } from './template.js';

const template = readFileSync(packageFile('deploy', 'nats', 'nats-server.conf.template'), 'utf8');
const { publicKey: key } = createUserNkey();

const model: ServerConfigModel = {
  serverName: 'writ',
  listen: '127.0.0.1:-1',
  storeDir: '/tmp/a folder/store',
  local: { portsDir: '/tmp/ports', logFile: '/tmp/log' },
  tenant: 'default',
  shards: 2,
  ledgerBytesMax: 1_000_000,
  payloadBytesMax: 1_000_000,
  agents: [{ name: 'a', key }],
  decisionServices: [{ name: 'pdp-1', key }],
  executors: [{ name: 'exec-tool-1', key, kind: 'tool' }],
  sealers: [{ name: 'ledger-1', key }],
  operator: key,
  exporters: [{ name: 'siem-1', key }],
  sinks: ['lake'],
  watch: key,
};

const codeOf = (act: () => unknown): string => {
  try {
    act();
    return 'nothing';
  } catch (error) {
    return error instanceof Fault ? error.code : String(error);
  }
};

const NAMES = [
  '*',
  '>',
  'a.>',
  'a.*',
  'a.b',
  '',
  ' ',
  'a b',
  'a"',
  'A',
  '-a',
  'a\n',
  'a,b',
  'a}',
  '$a',
  'ä',
  'x'.repeat(64),
  '__proto__',
];

describe('the nats-server configuration', () => {
  it('is safe as it ships, with and without boot users', () => {
    expect(() => assertSafeServerConfig(renderServerConfig(template, model))).not.toThrow();
    const withBoot = { ...model, boot: { ledger: key, gateway: key } };
    expect(() => assertSafeServerConfig(renderServerConfig(template, withBoot))).not.toThrow();
  });

  it('has boot users only when they are asked for', () => {
    expect(renderServerConfig(template, model)).not.toMatch(/STREAM\.(CREATE|UPDATE)/);
    expect(renderServerConfig(template, { ...model, boot: { ledger: key, gateway: key } })).toMatch(/STREAM\.CREATE/);
  });

  it('gives a decision service the producers of all shards', () => {
    const text = renderServerConfig(template, model);
    expect(text).toContain('"ledger.block.pdp-0"');
    expect(text).toContain('"ledger.block.pdp-1"');
    expect(text).toContain('partition(2,1,2)');
  });

  it.each(NAMES)('refuses %j as a name of anybody (IDENTITY-04)', (name) => {
    const places: readonly Partial<ServerConfigModel>[] = [
      { agents: [{ name, key }] },
      { decisionServices: [{ name, key }] },
      { executors: [{ name, key, kind: 'tool' }] },
      { tenant: name },
      { agents: [{ name: 'a', key: name }] },
      { operator: name },
      { boot: { ledger: name, gateway: key } },
    ];
    for (const place of places) {
      expect(codeOf(() => renderServerConfig(template, { ...model, ...place }))).toMatch(/INPUT_BAD_NAME|CONFIG_KEY/);
    }
  });

  it.each(NAMES.filter((name) => !/^[\w.:-]+$/.test(name) || name === '-a'))(
    'never puts %j into a template, whatever let it through (IDENTITY-04)',
    (name) => {
      expect(codeOf(() => fillTemplate('"req.@name@.>"', { name }))).toBe('CONFIG_INVALID');
    },
  );
});

describe('a template', () => {
  it('repeats nested lists and looks names up outwards', () => {
    const text = fillTemplate('#each outer\n@name@:\n#each inner\n@name@ @x@\n#end\n#end\nend', {
      x: 1,
      outer: [
        { name: 'o1', inner: [{ x: 2 }, { x: 3 }] },
        { name: 'o2', inner: [] },
      ],
    });
    expect(text).toBe('o1:\no1 2\no1 3\no2:\nend');
  });

  it.each(['@unknown@', '#each unknown\n#end', '#each list\n', '#end'])('that is wrong does not fill: %j', (text) => {
    expect(codeOf(() => fillTemplate(text, { list: [] }))).toBe('INTERNAL');
  });
});

describe('a server configuration that opens a door', () => {
  const safe = 'jetstream { sync_interval: always }\n';

  it.each([
    'no_auth_user: anybody',
    'accounts { A { users: [ { nkey: U, permissions: { allow_responses: true } } ] } }',
    'leafnodes { port: 7422 }',
    '"leafnodes": { port: 7422 }',
    "'no_auth_user' = x",
    'NO_AUTH_USER x',
    'cluster { name: c, routes: [] }',
    'gateway { name: g }',
    'websocket { port: 80 }',
    'mqtt { port: 1883 }',
    'permissions: { publish: { deny: ["x"] } }',
    'authorization { token: s3cr3t }',
    'users: [{user: a, password: b}]',
    'http: 8222',
    'trace: true',
    'include other.conf',
  ])('is refused: %s (BROKER-21)', (line) => {
    expect(codeOf(() => assertSafeServerConfig(`${safe}${line}\n`))).toBe('CONFIG_NATS_SERVER_UNSAFE');
  });

  it('is refused without fsync', () => {
    expect(codeOf(() => assertSafeServerConfig('jetstream { store_dir: "/x" }'))).toBe('CONFIG_NATS_SERVER_UNSAFE');
    expect(codeOf(() => assertSafeServerConfig('# sync_interval: always'))).toBe('CONFIG_NATS_SERVER_UNSAFE');
  });

  it('is not found in comments and subjects', () => {
    expect(codeOf(() => assertSafeServerConfig(`${safe}# no_auth_user\nsubject: "deny.>"\n`))).toBe('nothing');
  });
});
