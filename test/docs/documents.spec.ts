import { FAULTS } from '#writ/faults';
import { ENTRY_TYPES, subjects, TENANT } from '#writ/contracts';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { anchorOf, at, documents, read } from './repository.js';

const FENCE = /^```[\s\S]*?^```/gm;
const withoutCode = (text: string) => text.replaceAll(FENCE, '').replaceAll(/`[^`]*`/g, '');

describe('the documents', () => {
  it.each(documents())('%s has links that lead somewhere', (document) => {
    const broken = [...withoutCode(read(document)).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target ?? '')
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? document : join(dirname(document), path);
        if (!existsSync(at(file))) return true;
        if (anchor === undefined) return false;
        const headings = [
          ...read(file)
            .replaceAll(FENCE, '')
            .matchAll(/^#+ (.+)$/gm),
        ];
        return !headings.some(([, heading]) => anchorOf(heading ?? '') === anchor);
      });
    expect(broken).toEqual([]);
  });

  it.each(documents())('%s names files that exist', (document) => {
    const named = [...read(document).matchAll(/`((?:apps|libs|test|deploy|scripts)\/[\w./-]+\.[a-z]+)`/g)];
    expect(named.map(([, path]) => path ?? '').filter((path) => !existsSync(at(path)))).toEqual([]);
  });

  it('have a page for every record of a decision', () => {
    const index = read('docs/adr/README.md');
    const pages = documents().filter((name) => /adr\/\d{4}-/.test(name));
    expect(pages.length).toBeGreaterThan(5);
    expect(pages.filter((page) => !index.includes(`(${page.slice('docs/adr/'.length)})`))).toEqual([]);
  });
});

describe('README.md', () => {
  const readme = read('README.md');

  it('names scripts that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...readme.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name ?? '');
    expect(named).toContain('demo');
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
    expect(scripts['test']).toBeDefined();
  });

  it('has exactly the two commands that a newcomer runs, and CI runs the second', () => {
    expect(readme.match(/^npm ci && .*$/gm)).toEqual(['npm ci && npm run demo', 'npm ci && npm test']);
    expect(read('.ci/run')).toContain('npm ci && npm test');
  });

  it('names commands of the command line that exist', () => {
    const program = read('apps/cli/src/program.ts');
    const named = new Set([...readme.matchAll(/(?:npx |`)writ ([a-z]+)/g)].map(([, name]) => name ?? ''));
    expect(named.size).toBeGreaterThan(5);
    const missing = [...named].filter((name) => !program.includes(`./commands/${name}.js`));
    expect(missing).toEqual([]);
  });
});

describe('docs/errors.md', () => {
  it('has every code of a fault, and the runbook says what to do about it', () => {
    const errors = read('docs/errors.md');
    const runbook = read('docs/runbook.md');
    const isNamed = (code: string) => runbook.includes(`\`${code}\``) || /^INPUT_/.test(code);
    expect(Object.keys(FAULTS).filter((code) => !errors.includes(`| \`${code}\``))).toEqual([]);
    expect(Object.keys(FAULTS).filter((code) => !isNamed(code))).toEqual([]);
  });
});

describe('the protocol', () => {
  const protocol = read('docs/protocol.md');
  const architecture = read('ARCHITECTURE.md');

  it('has every subject', () => {
    const written = {
      request: subjects.request('<agent>', '<operation>'),
      decide: subjects.decide(0).replace('0.>', '<shard>.<tenant>.<agent>.<operation>'),
      ledgerBlock: subjects.ledgerBlock('<producer>'),
      payload: subjects.payload('<producer>'),
      payloadKey: subjects.payloadKey('<tenant>', '<holder>', '<day>', '<producer>'),
      command: subjects.command('<kind>' as never, '<once\\|retry>' as never, '<pool>'),
      commandConsumer: subjects.commandConsumer('<kind>' as never, '<once\\|retry>' as never, '<pool>'),
      shardLease: subjects.shardLease('<shard>' as never),
      poolHeartbeat: subjects.poolHeartbeat('<kind>' as never, '<pool>'),
      progress: subjects.progress('<kind>' as never, '<pool>'),
      inboxPrefix: subjects.inboxPrefix('<user>'),
      agentInboxPrefix: subjects.agentInboxPrefix('<agent>'),
    } satisfies Record<keyof typeof subjects, string>;
    expect(Object.values(written).filter((subject) => !`${protocol}${architecture}`.includes(subject))).toEqual([]);
    expect(architecture).toContain(`\`${TENANT}\``);
  });

  it('has every type of entry', () => {
    expect(ENTRY_TYPES.filter((type) => !architecture.includes(`\`${type}\``))).toEqual([]);
  });

  it('shows the worked example as it is', () => {
    expect(protocol).toContain(read('examples/raw-nats/agent.mjs').trim());
  });
});
