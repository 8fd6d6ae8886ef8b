import * as fc from 'fast-check';
import { sealedEntries } from '../../../test/vectors/sealed-entries.js';
import { cefHeader, cefValue } from './cef.js';
import { HOSTILE } from './hostile.fixture.js';
import { RecordMaker, type SiemRecord } from './record.js';
import { frameSyslog, syslogParam, toSyslog } from './syslog.js';

/** Undoes what the line formats do, written from their specifications and not from our code. */
function unescape(text: string): string {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '\\') {
      out += text[i];
      continue;
    }
    const next = text[++i] ?? '';
    if (next === 'n') out += '\n';
    else if (next === 'r') out += '\r';
    else if (next === 'u') {
      out += String.fromCharCode(Number.parseInt(text.slice(i + 1, i + 5), 16));
      i += 4;
    } else out += next;
  }
  return out;
}

/** Splits at a delimiter that no backslash precedes, at most so often. */
function splitAt(text: string, delimiter: string, times: number): string[] {
  const parts: string[] = [];
  let from = 0;
  for (let i = 0; i < text.length && parts.length < times; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === delimiter) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  return [...parts, text.slice(from)];
}

interface Cef {
  readonly header: readonly string[];
  readonly extension: ReadonlyMap<string, string>;
}

/** A key begins at the start or after a blank and ends at a `=` that no backslash precedes; its value goes on until the next key. */
function parseCef(line: string): Cef {
  const parts = splitAt(line, '|', 7);
  const rest = parts.pop() ?? '';
  const keys = [...rest.matchAll(/(?:^| )([A-Za-z0-9]+)=/g)].filter(({ index, 0: match }) => {
    const at = index + match.length - 1;
    return rest[at - 1] !== '\\';
  });
  const extension = keys.map(({ index, 0: match, 1: key }, i): [string, string] => [
    key ?? '',
    unescape(rest.slice(index + match.length, keys[i + 1]?.index ?? rest.length)),
  ]);
  return { header: parts.map(unescape), extension: new Map(extension) };
}

/** One RFC 5424 message: header, one element of structured data, message. */
function parseSyslog(message: string) {
  const match = /^<(\d+)>1 (\S+) (\S+) (\S+) (\S+) (\S+) \[(\S+) ([\s\S]*)$/.exec(message);
  if (match === null) throw new Error(`no syslog message: ${message.slice(0, 80)}`);
  const [, priority, time, host, app, , msgId, element, tail = ''] = match;
  const params = new Map<string, string>();
  let rest = tail;
  while (rest[0] !== ']') {
    const name = /^ ?([a-z]+)="/.exec(rest);
    if (name === null) throw new Error(`no parameter: ${rest.slice(0, 40)}`);
    const [value = '', after = ''] = splitAt(rest.slice(name[0].length), '"', 1);
    params.set(name[1] ?? '', unescape(value));
    rest = after;
  }
  return { priority: Number(priority), time, host, app, msgId, element, params, body: rest.slice(2) };
}

// oxlint-disable-next-line no-control-regex
const ACTED_ON = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u200b-\u200f\u2028\u2029\ufeff]/;

/** A leaf in which everything that a text can stand in is the hostile value. */
function leafWith(value: string, index = 3) {
  const text = JSON.stringify({
    act: { kind: value, res: value },
    corr: { call: value, sess: value, trace: value },
    eff: { d: 'deny' },
    id: '01K00000000000000000000001',
    prod: { id: value },
    ten: value,
    ts: '2026-11-22T05:30:00.123Z',
    type: 'tool.call.decided',
    who: { agent: value },
    why: {
      bundle: value,
      code: value,
      pol: [{ id: value, effect: 'forbid', file: value, line: 3 }],
      text: value,
    },
  });
  return { text, index, logName: 'writ.test/default/2026', sealedMs: 0 };
}

const recordIn = (format: 'cef' | 'ocsf' | 'ecs' | 'raw', leaf: ReturnType<typeof leafWith>): SiemRecord => {
  const record = new RecordMaker({ format, version: '1.9.0' }).record(leaf, 0);
  if (record === undefined) throw new Error('there is no record');
  return record;
};

describe('CEF: SIEM-02', () => {
  it.each(HOSTILE)('gives back what it was given, on one line: %s', (_name, value) => {
    const { text } = recordIn('cef', leafWith(value));
    expect(text).not.toMatch(ACTED_ON);
    const { header, extension } = parseCef(text);
    expect(header).toEqual(['CEF:0', 'Writ', 'Writ', '1', 'tool.call.decided', 'Tool call denied', '6']);
    const values = [extension.get('sproc'), extension.get('reason'), extension.get('request'), extension.get('cs4')];
    expect(values).toEqual([value, value, value, value]);
    expect(extension.get('cs1')).toBe(`${value}@${value}:3`);
    expect(extension.get('act')).toBe('deny');
    expect(extension.get('cn1')).toBe('3');
  });

  it('gives back any text, in the header and in the extension', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, two) => {
        const line = `CEF:0|Writ|Writ|1|t|${cefHeader(one)}|6|a=${cefValue(two)} b=${cefValue(one)}`;
        const { header, extension } = parseCef(line);
        expect(line).not.toMatch(ACTED_ON);
        expect(header[5]).toBe(one);
        expect([...extension]).toEqual([
          ['a', two],
          ['b', one],
        ]);
      }),
    );
  });
});

describe('a syslog message', () => {
  it.each(HOSTILE)('holds its key and its record, whatever is in it: %s', (_name, value) => {
    const leaf = leafWith(value);
    const record = recordIn('ocsf', leaf);
    const message = toSyslog(record, 'siem-1');
    expect(message).not.toMatch(ACTED_ON);
    const parsed = parseSyslog(message);
    expect(parsed).toMatchObject({ host: 'siem-1', app: 'writ', msgId: 'tool.call.decided', priority: 13 * 8 + 4 });
    expect([...parsed.params]).toEqual([
      ['seq', '3'],
      ['id', '01K00000000000000000000001'],
      ['origin', 'writ.test/default/2026'],
    ]);
    expect(JSON.parse(parsed.body)).toMatchObject({ ai_agent: { uid: value }, api: { operation: value } });
  });

  it.each(HOSTILE)('gives back any parameter: %s', (_name, value) => {
    const { params } = parseSyslog(`<110>1 - h writ - t [writ@32473 ${syslogParam('seq', value)}] x`);
    expect(params.get('seq')).toBe(value);
  });

  it('has a header of printable ASCII, whatever host and type are', () => {
    const record = { ...recordIn('cef', leafWith('x')), type: 'é \n'.repeat(40) };
    const parsed = parseSyslog(toSyslog(record, 'two words\n<13>1'));
    expect(parsed.host).toBe('two_words_<13>1');
    expect(parsed.msgId).toMatch(/^[!-~]{32}$/);
  });

  it.each(HOSTILE)('is framed by its number of octets, so that no line end within ends it: %s', (_name, value) => {
    const messages = [`a${value}`, 'second'];
    let stream = Buffer.concat(messages.map(frameSyslog));
    const read: string[] = [];
    while (stream.length > 0) {
      const blank = stream.indexOf(' ');
      const end = blank + 1 + Number(stream.subarray(0, blank).toString());
      read.push(stream.subarray(blank + 1, end).toString());
      stream = stream.subarray(end);
    }
    expect(read).toEqual(messages);
  });
});

describe.each(['ocsf', 'ecs', 'raw'] as const)('JSON in %s', (format) => {
  it.each(HOSTILE)('is one line that no terminal acts on, and parses to the value: %s', (_name, value) => {
    const { text } = recordIn(format, leafWith(value));
    expect(text).not.toMatch(ACTED_ON);
    const parsed = JSON.parse(text) as Record<string, never>;
    const agents: Record<typeof format, unknown> = {
      ocsf: parsed['ai_agent']?.['uid'],
      ecs: parsed['gen_ai']?.['agent']?.['id'],
      raw: parsed['entry']?.['who']?.['agent'],
    };
    expect(agents[format]).toBe(value);
  });
});

describe('every format', () => {
  it.each(sealedEntries().map(({ name, text }) => [name, text]))('has a record with its key for: %s', (_name, text) => {
    const leaf = { text, index: 12, logName: 'writ.test/default/2026', sealedMs: 0 };
    const { id } = JSON.parse(text) as { id: string };
    const cef = parseCef(recordIn('cef', leaf).text).extension;
    expect([cef.get('externalId'), cef.get('cn1'), cef.get('cs2')]).toEqual([id, '12', 'writ.test/default/2026']);
    expect(JSON.parse(recordIn('ecs', leaf).text)).toMatchObject({
      event: { id, sequence: 12 },
      writ: { log_name: 'writ.test/default/2026' },
    });
    expect(JSON.parse(recordIn('raw', leaf).text)).toMatchObject({ sequence: 12, entry: JSON.parse(text) as object });
  });
});
