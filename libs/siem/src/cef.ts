import { type Exported, operationOf } from './exported.js';
import { textAt } from './leaf.js';
import { escapeFor } from './safe-text.js';

const HEADER_SPECIALS = /[\\|]/g;
const EXTENSION_SPECIALS = /[\\=]/g;
/** Version of the mapping, not of the release: a parser that was made for it goes on to work. */
const DEVICE_VERSION = '1';

/** The leaf as one line of CEF (version 0), in which every value can be read back. */
export function toCef(exported: Exported): string {
  const { type, row } = exported;
  const header = ['Writ', 'Writ', DEVICE_VERSION, type, row.title, String(row.cefSeverity)];
  return `CEF:0|${header.map(cefHeader).join('|')}|${extensionOf(exported)}`;
}

/** A value of the header: `|` and `\` get a backslash. */
export function cefHeader(value: string): string {
  return escapeFor(HEADER_SPECIALS, value);
}

/** A value of the extension: `=` and `\` get a backslash. */
export function cefValue(value: string): string {
  return escapeFor(EXTENSION_SPECIALS, value);
}

function extensionOf(exported: Exported): string {
  const pairs: [key: string, value: string | number | undefined][] = [
    ...whoAndWhat(exported),
    ...custom('cn1', 'ledgerSeq', exported.leaf.index),
    ...custom('cn2', 'xseq', exported.xseq),
    ...custom('cs1', 'policy', policiesOf(exported)),
    ...custom('cs2', 'ledger', exported.leaf.logName),
    ...custom('cs3', 'leafHash', exported.hashes?.leaf),
    ...custom('cs4', 'call', exported.facts.corr?.call),
    ...custom('cs5', 'bundle', exported.facts.why?.bundle),
    ...custom('cs6', 'session', exported.facts.corr?.sess),
    ['fileHash', exported.hashes?.raw],
  ];
  return pairs.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${cefValue(String(value))}`])).join(' ');
}

function whoAndWhat(exported: Exported): [string, string | number | undefined][] {
  const { leaf, facts, row, entry } = exported;
  return [
    ['rt', leaf.timeMs],
    ['externalId', facts.id],
    ['sproc', facts.who?.agent],
    ['deviceExternalId', facts.prod?.id],
    ['act', facts.eff?.d ?? (row.control === undefined ? undefined : row.activity)],
    ['outcome', row.isSuccess === undefined ? undefined : row.isSuccess ? 'success' : 'failure'],
    ['reason', facts.why?.code ?? textAt(entry, 'reason')],
    ['request', facts.act === undefined ? undefined : operationOf(exported)],
    ['requestMethod', facts.act?.kind],
    ['cnt', facts.n],
  ];
}

function policiesOf({ facts }: Exported): string | undefined {
  const { pol } = facts.why ?? {};
  return pol === undefined || pol.length === 0
    ? undefined
    : pol.map(({ id, file, line }) => `${id ?? '-'}@${file ?? '-'}:${line ?? '-'}`).join(' ');
}

function custom(key: string, label: string, value: string | number | undefined): [string, string | number][] {
  return value === undefined
    ? []
    : [
        [key, value],
        [`${key}Label`, label],
      ];
}
