import { canonicalJson, type Json } from '#writ/contracts';
import * as fc from 'fast-check';
import { sealedEntries } from '../../../test/vectors/sealed-entries.js';
import { quoted } from './json-text.js';
import { RecordMaker, type RecordOptions } from './record.js';

const LOG = 'writ.test/default/2026';
const leaves = sealedEntries().map(({ text, name }, index) => ({ name, text, index, logName: LOG, sealedMs: 0 }));
const leafOf = (name: string) => leaves.find((leaf) => leaf.name === name) ?? leaves[0]!;
const KEY = Buffer.alloc(32, 7);

const maker = (options: Partial<RecordOptions> = {}) =>
  new RecordMaker({ format: 'ocsf', version: '1.9.0', ...options });
const written = (name: string, options: Partial<RecordOptions> = {}): string =>
  maker({ withRaw: true, ...options }).record(leafOf(name), 0)?.text ?? '';

describe('a filter', () => {
  const typesWith = (filter: RecordOptions['filter']) =>
    leaves
      .filter((leaf) => maker({ filter }).record(leaf, 0) !== undefined)
      .map(({ text }) => (JSON.parse(text) as { type: string }).type);
  const severe = typesWith({ types: [] });

  it('keeps no alarm from a sink: what is high or critical passes all of them', () => {
    expect(new Set(severe)).toEqual(
      new Set([
        'command.refused',
        'policy.divergence',
        'tool.definition.changed',
        'ledger.near_full',
        'export.gap',
        'ledger.frozen',
        'ledger.integrity.violation',
        'ledger.rejected',
      ]),
    );
  });

  it.each([
    ['an exact type', { types: ['tool.call.decided'] }, ['tool.call.decided']],
    ['a family of types', { types: ['agent.*'] }, ['agent.identity.issued', 'agent.identity.revoked']],
    ['a decision', { types: ['memory.write.*'], decisions: ['deny'] }, ['memory.write.decided']],
    ['an agent that did nothing', { agents: ['nobody'] }, []],
    ['an agent and a type', { agents: ['support'], types: ['credential.*'] }, ['credential.used']],
  ])('lets through %s', (_case, filter, types) => {
    expect(new Set(typesWith(filter))).toEqual(new Set([...severe, ...types]));
  });

  it('lets through what cannot be read', () => {
    expect(maker({ filter: { types: [] } }).record({ ...leafOf('tick'), text: 'junk' }, 0)).toBeDefined();
  });

  it('numbers the records of its sink', () => {
    const record = maker({ filter: { types: ['ledger.tick'] } }).record(leafOf('tick'), 7);
    expect(JSON.parse(record?.text ?? '')).toMatchObject({ unmapped: { writ: { xseq: 7 } } });
    expect(JSON.parse(written('tick'))).not.toHaveProperty('unmapped.writ.xseq');
  });
});

describe('redaction', () => {
  it.each(['ocsf', 'ecs', 'cef', 'raw'] as const)('takes members out of every part of a record in %s', (format) => {
    const secret = 'slack.chat.postMessage';
    expect(written('tool.call denied', { format })).toContain(secret);
    const redact = { remove: ['act.res', 'why.pol.file', 'corr.trace'] };
    const text = written('tool.call denied', { format, redact });
    expect(text).not.toContain(secret);
    expect(text).not.toContain('4bf92f3577b34da6');
    expect(text).toContain('policy_forbids');
  });

  it.each(['ocsf', 'ecs', 'cef', 'raw'] as const)('puts a pseudonym for every name of an agent in %s', (format) => {
    for (const { name, text } of leaves) {
      const made = written(name, { format, redact: { pseudonymKey: KEY } });
      // The id of a policy is its author's, and may hold anything.
      const withoutPolicies = made.replaceAll(/support-may-post|policies\/support\.cedar/g, '');
      expect(text.includes('"agent":"support"')).toBe(withoutPolicies.includes('ps:') && text.includes('"support"'));
      expect(withoutPolicies).not.toContain('support');
      expect(made).not.toContain('"alice"');
    }
  });

  it('gives one agent one pseudonym under a key, and another under another key', () => {
    const agentOf = (name: string, key: Buffer) =>
      (JSON.parse(written(name, { redact: { pseudonymKey: key } })) as { ai_agent: { uid: string } }).ai_agent.uid;
    expect(agentOf('tool.call denied', KEY)).toMatch(/^ps:[A-Za-z0-9_-]{22}$/);
    expect(agentOf('tool.call denied', KEY)).toBe(agentOf('tool.call executed', KEY));
    expect(agentOf('tool.call denied', KEY)).not.toBe(agentOf('tool.call denied', Buffer.alloc(32, 8)));
  });

  it.each(['ocsf', 'ecs', 'cef', 'raw'] as const)(
    'leaves neither text nor hash in %s: a guess could be tried',
    (format) => {
      const plain = written('agent issued', { format });
      const redacted = written('agent issued', { format, redact: { remove: ['key'] } });
      for (const digest of [/"hash":"[0-9a-f]{64}"/, /fileHash=/, /"raw_data_hash"/, /leaf_?[hH]ash/, /UABC/]) {
        expect(redacted).not.toMatch(digest);
      }
      expect(plain).toMatch(/fileHash=|"hash":"|raw_data_hash|leaf_hash/);
    },
  );

  it.each(['ocsf', 'ecs', 'cef', 'raw'] as const)('says nothing in %s of a leaf that it cannot read', (format) => {
    const leaf = { ...leafOf('tick'), text: '{"type":"tomorrow","id":"01K","who":{"agent":"support"}}' };
    const record = maker({ format, withRaw: true, redact: { pseudonymKey: KEY } }).record(leaf, 0);
    expect(record?.text).not.toContain('support');
    expect(record?.index).toBe(leaf.index);
  });

  it('filters by what the log says, not by what is left of it', () => {
    const options = { filter: { agents: ['support'], types: ['tool.call.*'] }, redact: { pseudonymKey: KEY } };
    expect(maker(options).record(leafOf('tool.call allowed'), 0)?.text).toContain('ps:');
  });
});

describe('a raw record', () => {
  it('has the entry whose canonical form is the leaf', () => {
    for (const { name, text } of leaves) {
      const { entry } = JSON.parse(written(name, { format: 'raw' })) as { entry: Json };
      expect(canonicalJson(entry)).toBe(text);
    }
  });
});

describe('the text of a record', () => {
  const of = (text: string, format: RecordOptions['format']) =>
    maker({ format }).record({ ...leafOf('tick'), text }, 0)?.text ?? '';

  it.each(['1.9.0', '1.8.0'] as const)(
    'in OCSF %s is what JSON.stringify writes: no name twice, no blank',
    (version) => {
      for (const { name, text } of leaves) {
        const record = written(name, { version });
        expect(JSON.stringify(JSON.parse(record))).toBe(record);
        expect(JSON.parse(record)).toHaveProperty('raw_data', text);
      }
    },
  );

  it('quotes any text as JSON.stringify does', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => quoted(text) === JSON.stringify(text)));
  });

  it.each(['ocsf', 'ecs', 'raw'] as const)('has in %s a member whatever its name is', (format) => {
    const text = '{"__proto__":{"hidden":1},"id":"01K","type":"tool.call.decided","why":{"__proto__":"hidden too"}}';
    expect(of(text, format)).toContain('"__proto__":{"hidden":1}');
    expect(of(text, format)).toContain('hidden too');
  });

  it.each(['ocsf', 'ecs', 'cef', 'raw'] as const)(
    'is there in %s for an entry that nests too deep to write',
    (format) => {
      const text = `{"id":"01K","type":"tool.call.decided","x":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
      const record = maker({ format }).record({ ...leafOf('tick'), text }, 0);
      expect(record).toMatchObject({ type: 'unknown', severity: 4, index: leafOf('tick').index });
    },
  );
});
