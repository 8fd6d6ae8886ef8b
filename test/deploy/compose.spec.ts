import { existsSync } from 'node:fs';
import { parse } from 'yaml';
import { at, read } from '../docs/repository.js';

interface ComposeService {
  readonly image: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[] };
  readonly networks?: readonly string[];
  readonly profiles?: readonly string[];
  readonly network_mode?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly volumes: readonly {
    readonly source: string;
    readonly target: string;
    readonly volume?: { readonly subpath: string };
  }[];
}

const { services } = parse(read('deploy/compose.yaml'), { merge: true }) as {
  readonly services: Readonly<Record<string, ComposeService>>;
};
const dockerfile = read('deploy/Dockerfile');
const all = Object.entries(services);
/** The long-running services of Writ. */
const running = all.filter(([name]) => /^(pdp|exec|ledger|siem)-/.test(name));

describe('deploy/compose.yaml', () => {
  it('has every service as its own container', () => {
    expect(running.map(([name]) => name)).toEqual([
      'pdp-1',
      'pdp-2',
      'exec-tool-1',
      'exec-memory-1',
      'exec-egress-1',
      'ledger-1',
      'siem-1',
    ]);
    expect(services['nats']?.image).toBe('nats:2.15');
  });

  it('runs modules that exist, under an instance name that is theirs', () => {
    for (const [name, { command, environment }] of running) {
      const [module = ''] = command;
      const [kind, which] = name.split('-');
      const apps: Readonly<Record<string, string>> = {
        pdp: 'policy-decision',
        exec: `${which}-executor`,
        ledger: 'ledger',
        siem: 'siem-exporter',
      };
      const app = String(apps[kind ?? '']);
      expect(module).toBe(`dist/programs/${app}.js`);
      expect(existsSync(at(`apps/${app}/src/main.ts`))).toBe(true);
      expect(environment?.['WRIT_INSTANCE']).toBe(name);
    }
  });

  it('gives each service a directory of its own and nobody else’s', () => {
    for (const [name, { volumes }] of running) {
      const state = volumes.filter(({ source }) => source === 'state');
      expect(state.map(({ volume }) => volume?.subpath)).toEqual([`out/${name}`]);
    }
    expect(services['nats']?.volumes.map(({ volume }) => volume?.subpath)).not.toContain(undefined);
  });

  it('opens one door, on loopback: where agents connect', () => {
    expect(all.flatMap(([name, { ports = [] }]) => ports.map((port) => `${name} ${port}`))).toEqual([
      'nats 127.0.0.1:4222:4222',
    ]);
  });

  it('keeps the decision service away from everything but the bus', () => {
    expect(services['pdp-1']?.networks).toEqual(['bus']);
    expect(services['prepare']?.network_mode).toBe('none');
  });

  it('starts what not every deployment has under a profile alone', () => {
    const profiled = all.flatMap(([name, { profiles = [] }]) => profiles.map((profile) => `${name} ${profile}`));
    expect(profiled).toEqual(['pdp-2 standby', 'siem-1 siem', 'operator operator']);
  });

  it('asks every service whether it is ready', () => {
    for (const [, { healthcheck }] of running) expect(healthcheck?.test?.join(' ')).toContain('/readyz');
  });

  it('names versions of images, and lets no container write to itself or gain rights', () => {
    for (const [, { image, read_only: isReadOnly, cap_drop: dropped }] of all) {
      expect(image).toMatch(/:[0-9]/);
      expect(isReadOnly).toBe(true);
      expect(dropped).toEqual(['ALL']);
    }
  });

  it('prepares with a command that the command line has', () => {
    const [, command, sub] = services['prepare']?.command ?? [];
    expect(read('apps/cli/src/program.ts')).toContain(`./commands/${command}.js`);
    expect(read(`apps/cli/src/commands/${command}.ts`)).toContain(`.command('${sub}')`);
  });
});

describe('deploy/Dockerfile', () => {
  it('builds on a current Node LTS, by name, and does not run as root', () => {
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    expect(bases).toEqual(['node:24-bookworm-slim', 'nats:2.15', 'node:24-bookworm-slim']);
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(dockerfile).toMatch(/^RUN npm ci --ignore-scripts$/m);
  });

  it('copies what exists', () => {
    const sources = [...dockerfile.matchAll(/^COPY --from=build ((?:\/app\/\S+ )+)/gm)].flatMap(([, paths = '']) =>
      paths.trim().split(' '),
    );
    const missing = sources
      .map((path) => path.replace('/app/', ''))
      .filter((path) => !['dist', 'node_modules'].includes(path) && !existsSync(at(path)));
    expect(sources.length).toBeGreaterThan(4);
    expect(missing).toEqual([]);
  });
});
