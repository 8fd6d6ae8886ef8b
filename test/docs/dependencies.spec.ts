import { read } from './repository.js';

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly dev?: boolean; readonly devOptional?: boolean; readonly hasInstallScript?: boolean }>
  >;
}

const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };

describe('a runtime dependency', () => {
  it.each(Object.keys(dependencies))('%s is decided on in a record, with its version', (name) => {
    const index = read('docs/adr/README.md');
    const row = index.split('\n').find((line) => line.includes(`\`${name}\``));
    const page = /\((\d{4}-[\w-]+\.md)\)/.exec(row ?? '')?.[1] ?? 'README.md';
    const version = (dependencies[name] ?? '').replace(/^npm:.*@/, '');
    const text = read(`docs/adr/${page}`).replaceAll(/\s+/g, ' ');
    expect(text).toMatch(new RegExp(`\`${name.replace('/', '\\/')}\`( \\([^)]*)? ${version.replaceAll('.', '\\.')}`));
  });

  it('runs nothing when it is installed', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as Lock;
    const scripted = Object.entries(packages).filter(([name, { dev, devOptional, hasInstallScript }]) => {
      // `devOptional`: here for a development dependency, and an optional peer of a runtime one that does not bring it.
      return name !== '' && dev !== true && devOptional !== true && hasInstallScript === true;
    });
    expect(scripted.map(([name]) => name)).toEqual([]);
  });
});
