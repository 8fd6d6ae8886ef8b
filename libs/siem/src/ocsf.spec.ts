import { Entry } from '#writ/contracts';
import { leafHashOfText } from '#writ/tlog';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readOcsfSchema } from '../../../test/vectors/ocsf-validator.js';
import { sealedEntries } from '../../../test/vectors/sealed-entries.js';
import { LEAF_TYPES } from './leaf.js';
import { RecordMaker } from './record.js';

const LOG = 'writ.test/default/2026';
const leafOf = (text: string, index = 41) => ({ text, index, logName: LOG, sealedMs: 1_795_325_400_500 });
const entries = sealedEntries();
const recordOf = (text: string, version: '1.9.0' | '1.8.0' = '1.9.0', withRaw = true) => {
  const record = new RecordMaker({ format: 'ocsf', version, withRaw }).record(leafOf(text), 0);
  return JSON.parse(record?.text ?? '{}') as Record<string, unknown>;
};
const named = (name: string) => entries.find((entry) => entry.name === name)?.text ?? '';

describe('the leaves that these tests are about', () => {
  it('are of every type that there is, and those of the schema fit it', () => {
    const types = new Set(entries.map(({ text }) => (JSON.parse(text) as { type: string }).type));
    expect(LEAF_TYPES.filter((type) => !types.has(type))).toEqual(['export.heartbeat']);
    for (const { text, isEntry } of entries) if (isEntry) Entry.parse(JSON.parse(text));
  });
});

const versions = ['1.9.0', '1.8.0'] as const;
const isThere = versions.every((version) => readOcsfSchema(version) !== undefined);

(isThere ? describe : describe.skip).each(versions)('an OCSF %s record', (version) => {
  const schema = readOcsfSchema(version);
  const problems = (record: Record<string, unknown>) => schema?.problems(record) ?? ['there is no schema'];

  it.each(entries.map(({ name, text }) => [name, text]))('is valid: %s', (_name, text) => {
    expect(problems(recordOf(text, version))).toEqual([]);
  });

  it.each([
    ['that is not JSON', '{'],
    ['that is no object', '[1]'],
    ['of a type that nobody knows', '{"id":"01K","type":"tomorrow"}'],
    ['whose members are not what they should be', '{"id":7,"type":"tool.call.decided"}'],
    ['that says nothing but its type', '{"id":"01K","type":"tool.call.decided"}'],
    ['that says nothing of a finding', '{"id":"01K","type":"ledger.integrity.violation"}'],
  ])('is valid, and in its place, for a leaf %s', (_case, text) => {
    const record = recordOf(text, version);
    expect(problems(record)).toEqual([]);
    expect(record['metadata']).toMatchObject({ sequence: 41, log_name: LOG });
  });

  it('is valid for a heartbeat', () => {
    const maker = new RecordMaker({ format: 'ocsf', version });
    const beat = { sink: 'lake', logName: LOG, size: 9, root: 'r'.repeat(43), exported: 7, xseq: 5, timeMs: 1_000 };
    const record = JSON.parse(maker.heartbeat(beat).text) as Record<string, unknown>;
    expect(problems(record)).toEqual([]);
    expect(record).toMatchObject({
      metadata: { event_code: 'export.heartbeat', log_name: LOG },
      unmapped: { writ: { size: 9, exported: 7, xseq: 5, root: 'r'.repeat(43) } },
    });
    expect(record['metadata']).not.toHaveProperty('sequence');
  });

  // A validator that takes everything would say nothing above.
  it.each<[string, (record: Record<string, unknown>) => Record<string, unknown>, string]>([
    ['lacks a required attribute', ({ api, ...rest }) => (api === undefined ? {} : rest), '.api: is required'],
    ['lacks a required member of an object', (r) => ({ ...r, api: {} }), 'api.operation: is required'],
    ['has an unknown attribute', (r) => ({ ...r, verdict: 1 }), 'verdict: there is no such attribute'],
    ['has an unknown member', (r) => ({ ...r, api: { operation: 'x', tool: 'y' } }), 'api.tool: there is no such'],
    ['has a text for a number', (r) => ({ ...r, time: 'now' }), 'time: is no long_t'],
    ['has a number for a text', (r) => ({ ...r, message: 7 }), 'message: is no string_t'],
    ['has one for a list', (r) => ({ ...r, authorizations: {} }), 'authorizations: is not a list'],
    ['has a value outside of an enum', (r) => ({ ...r, severity_id: 12 }), 'severity_id: 12 is none'],
    ['has another caption', (r) => ({ ...r, severity: 'High' }), 'severity: is not the caption'],
    [
      'has no name for an activity of its own',
      ({ activity_name: name, ...r }) => (name === undefined ? {} : r),
      'activity_id: 99 needs',
    ],
    ['has another class name', (r) => ({ ...r, class_name: 'x' }), 'class_name'],
    ['has a type that is not class and activity', (r) => ({ ...r, type_uid: 1 }), 'type_uid'],
    ['breaks a constraint', (r) => ({ ...r, actor: {} }), 'actor: needs one of'],
    ['uses a profile that it does not name', (r) => ({ ...r, device: { type_id: 1 } }), 'needs the profile host'],
    ['is of a class that there is not', (r) => ({ ...r, class_uid: 6099 }), 'there is no class'],
    [
      'claims another version',
      (r) => ({ ...r, metadata: { ...(r['metadata'] as object), version: '1.1.0' } }),
      'version',
    ],
    ['has a port that is none', (r) => ({ ...r, dst_endpoint: { port: 70_000, name: 'x' } }), 'port: is out of range'],
  ])('is refused by the validator when it %s', (_case, change, problem) => {
    const changed = change(recordOf(named('tool.call denied'), version));
    expect(problems(changed).join('\n')).toContain(problem);
  });
});

const EXAMPLES = new URL('../../../../shared/reference/ocsf-examples.jsonl', import.meta.url);

(existsSync(EXAMPLES) ? describe : describe.skip)('the example records of the reference', () => {
  it('are valid for the validator too', () => {
    const lines = readFileSync(EXAMPLES, 'utf8').trim().split('\n');
    expect(lines.length).toBeGreaterThan(10);
    const schema = readOcsfSchema('1.9.0');
    expect(lines.flatMap((line) => schema?.problems(JSON.parse(line) as Record<string, unknown>) ?? [])).toEqual([]);
  });
});

describe('an OCSF record', () => {
  it('has the key of its leaf, the policy with file and line, and both hashes, which are not the same', () => {
    const text = named('tool.call denied');
    const record = recordOf(text);
    expect(record).toMatchObject({
      class_uid: 6003,
      action: 'Denied',
      disposition: 'Unauthorized',
      severity: 'Medium',
      status_code: 'policy_forbids',
      metadata: {
        uid: '01K00000000000000000000001',
        sequence: 41,
        log_name: LOG,
        tenant_uid: 'default',
        correlation_uid: 'sess-77',
        event_code: 'tool.call.decided',
      },
      ai_agent: { uid: 'support' },
      api: { operation: 'slack.chat.postMessage', request: { uid: 'call-1' } },
      authorizations: [
        { decision: 'deny', policy: { uid: 'support-may-post', data: { file: 'policies/support.cedar', line: 4 } } },
      ],
      raw_data: text,
      raw_data_hash: { value: createHash('sha256').update(text).digest('hex') },
      unmapped: { writ: { leaf_hash: leafHashOfText(text).toString('base64url'), obl: ['redact:output'] } },
    });
  });

  it('in 1.8.0 has everything that the one in 1.9.0 has', () => {
    expect(recordOf(named('tool.call denied'), '1.8.0')).toMatchObject({
      unmapped: { writ: { ai_agent: { uid: 'support' } } },
    });
    expect(recordOf(named('policies changed'), '1.8.0')).toMatchObject({ entity_result: { version: '2' } });
  });

  it('tells a forced downgrade of policies as an alarm', () => {
    expect(recordOf(named('policies forced back'))).toMatchObject({ severity: 'High', is_alert: true });
    expect(recordOf(named('policies changed'))).not.toHaveProperty('is_alert');
  });

  it('of an outcome that is not said is a denial, never an allow', () => {
    const text = '{"eff":{"d":"perhaps"},"id":"01K","type":"tool.call.decided"}';
    expect(recordOf(text)).toMatchObject({ action: 'Denied' });
  });

  it('has the time of its entry, and that of sealing when the entry says none', () => {
    expect(recordOf(named('tick'))['time']).toBe(Date.parse('2026-11-22T05:30:00.123Z'));
    expect(recordOf(named('block rejected'))['time']).toBe(1_795_325_400_500);
  });
});
