import { completedBody, decidedBody, LedgerBuilder } from '../../../test/harness/ledger-builder.js';
import { Authority, SigningKey, trustedKey } from '#writ/signing';
import { openBlock, sealBlock, type Block } from './block.js';
import { refusalOf } from './refusal.js';
import { parseEntry, verifyBlock, verifyEntry, verifyHeader } from './verify-block.js';

const builder = new LedgerBuilder();
const { authority } = builder.deployment;
const allow = builder.entry('pdp-0', decidedBody('tool.call', 'c1', 'allow'));
const deny = builder.entry('pdp-0', decidedBody('memory.query', 'c2', 'deny'));

function blockOf(producer: string, entries: readonly string[], keyName?: string): Block {
  builder.block(producer, entries, keyName);
  return openBlock(builder.messages.at(-1)?.data ?? Buffer.alloc(0));
}
const block = blockOf('pdp-0', [allow, deny]);

function refusalIn(run: () => unknown): unknown {
  try {
    run();
    return 'accepted';
  } catch (thrown) {
    return refusalOf(thrown) ?? thrown;
  }
}

const HERE = { seq: 1 };

describe('verifyBlock', () => {
  it('gives the entries of an authentic block, and the key that wrote them', () => {
    const verified = verifyBlock(block, authority, HERE);
    expect(verified.key).toMatchObject({ name: 'pdp-1', role: 'pdp' });
    expect(verified.entries.map(({ type }) => type)).toEqual(['tool.call.decided', 'memory.query.decided']);
    expect(parseEntry(verified.entries[0] as never)).toMatchObject({ corr: { call: 'c1' }, eff: { d: 'allow' } });
  });

  it('refuses a good signature under the id of another key (IDENTITY-08)', () => {
    const other = builder.deployment.key('pdp-2');
    expect(refusalIn(() => verifyHeader({ ...block, key: other.id }, authority, HERE))).toBe('bad_sig');
  });

  it('refuses a key of another role, however good its signature (IDENTITY-08)', () => {
    expect(refusalIn(() => verifyHeader(blockOf('pdp-0', [allow], 'exec-tool-1'), authority, HERE))).toBe(
      'not_authorised',
    );
    expect(refusalIn(() => verifyHeader(blockOf('exec-tool-1', [allow], 'pdp-1'), authority, HERE))).toBe(
      'not_authorised',
    );
  });

  it('refuses an entry type that the role may not write (IDENTITY-08)', () => {
    const outcome = builder.entry('pdp-0', completedBody('tool.call', 'c1', { seq: 1, i: 0 }));
    expect(refusalIn(() => verifyBlock(blockOf('pdp-0', [outcome]), authority, HERE))).toBe('not_authorised');
  });

  it('refuses a key that is not enrolled', () => {
    expect(refusalIn(() => verifyHeader(blockOf('pdp-0', [allow], 'stranger'), authority, HERE))).toBe('unknown_key');
  });

  it.each([
    ['in the stream, at its last message', { seq: 7 }, undefined],
    ['in the stream, after it', { seq: 8 }, 'expired_key'],
    ['in the log, up to its last leaf', { end: 20 }, undefined],
    ['in the log, after it', { end: 21 }, 'expired_key'],
    ['in both, when one is after it', { seq: 7, end: 21 }, 'expired_key'],
  ])('takes a key that was replaced up to its end: %s', (_case, place, refusal) => {
    const { bundle } = builder.deployment;
    const successor = new SigningKey('pdp-1', Buffer.alloc(32, 77));
    const keys = bundle.keys.map((record) =>
      record.name === 'pdp-1' ? { ...record, next: successor.id, until: { seq: 7, size: 20 } } : record,
    );
    const rotated = new Authority({
      ...bundle,
      keys: [...keys, trustedKey(successor.verifyKey, 'pdp-1', 'pdp', ['pdp-0'])],
    });
    const judge = () => verifyHeader(block, rotated, place);
    if (refusal === undefined) expect(judge()).toMatchObject({ name: 'pdp-1' });
    else expect(refusalIn(judge)).toBe(refusal);
  });

  it('refuses the signature of each header with one member changed', () => {
    const changes: Partial<Block>[] = [
      { boot: 'A'.repeat(22) },
      { n: 99 },
      { prev: block.root },
      { producer: 'pdp-1' },
      { root: block.prev },
      { sig: 'A'.repeat(86) },
    ];
    for (const change of changes) {
      expect({ change, refusal: refusalIn(() => verifyHeader({ ...block, ...change }, authority, HERE)) }).toEqual({
        change,
        refusal: 'bad_sig',
      });
    }
    expect(refusalIn(() => verifyHeader({ ...block, ledger: 'other' }, authority, HERE))).toBe('ledger');
  });

  it('takes a signature over the same header with other entries for nothing: the root binds them', () => {
    const { bytes } = sealBlock({ ...block, entries: [allow] }, builder.deployment.key('pdp-1'));
    const swapped = bytes.toString().replace('call.decided', 'call.recided');
    expect(refusalIn(() => openBlock(Buffer.from(swapped)))).toBe('bad_root');
  });
});

describe('verifyEntry', () => {
  const key = verifyHeader(block, authority, HERE);

  it('reads one entry and leaves the others alone', () => {
    const broken: Block = { ...block, entries: [allow, '{'] };
    expect(verifyEntry(broken, 0, key)).toMatchObject({ type: 'tool.call.decided' });
    expect(refusalIn(() => verifyEntry(broken, 1, key))).toBe('bad_entry');
    expect(refusalIn(() => verifyEntry(broken, 2, key))).toBe('bad_entry');
  });

  it.each([
    ['a key twice', allow.replace('{', '{"act":{},')],
    ['white space', ` ${allow}`],
    ['keys that look like integers in JavaScript order', '{"10":1,"2":1}'],
    ['an escaped lone surrogate', '{"a":"\\ud800"}'],
    ['another boot', allow.replace(/"boot":"./, '"boot":"A')],
    ['another producer', allow.replace('"id":"pdp-0"', '"id":"pdp-1"')],
    ['another ledger', allow.replace('writ.test/default', 'writ.test/another')],
    ['no type', allow.replace('"type"', '"typf"')],
    ['no producer', '{"type":"tool.call.decided"}'],
  ])('refuses %s (IDENTITY-11)', (_case, entry) => {
    expect(refusalIn(() => verifyEntry({ ...block, entries: [entry] }, 0, key))).toBe('bad_entry');
  });
});

describe('parseEntry', () => {
  it('names the member that does not follow the schema, not its value', () => {
    const entry = verifyEntry(
      { ...block, entries: [allow.replace('"d":"allow"', '"d":"perhaps"')] },
      0,
      verifyHeader(block, authority, HERE),
    );
    expect(() => parseEntry(entry)).toThrow(
      expect.objectContaining({ code: 'LEDGER_CORRUPT', message: expect.stringContaining('`eff.d`') }),
    );
    expect(() => parseEntry(entry)).not.toThrow(/perhaps/);
  });
});
