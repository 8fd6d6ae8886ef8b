import type { Json, JsonObject } from '#writ/contracts';
import { toCef } from './cef.js';
import { toEcs } from './ecs.js';
import { describeLeaf, type Exported } from './exported.js';
import { passes, type SinkFilter } from './filter.js';
import { type ReadLeaf, readLeaf, type SealedLeaf } from './leaf.js';
import { ocsfText, type OcsfVersion } from './ocsf.js';
import { redactorOf, type SinkRedaction } from './redact.js';
import { safeJson, safeJsonText } from './safe-text.js';

export type RecordFormat = 'ocsf' | 'ecs' | 'cef' | 'raw';

/** How a sink wants its records. */
export interface RecordOptions {
  readonly format: RecordFormat;
  /** OCSF schema version. */
  readonly version: OcsfVersion;
  readonly filter?: SinkFilter | undefined;
  readonly redact?: SinkRedaction | undefined;
  /** The exact text of each leaf goes with its record, unless something is redacted. */
  readonly withRaw?: boolean | undefined;
}

/** One record for a sink. `text` has no line end and nothing that a terminal acts on. */
export interface SiemRecord {
  readonly text: string;
  readonly type: string;
  readonly logName: string;
  /** Leaf index: with `logName` the idempotency key. Absent for a heartbeat. */
  readonly index: number | undefined;
  readonly id: string | undefined;
  /** OCSF severity, 1 to 5. */
  readonly severity: number;
  readonly timeMs: number;
}

/** What a heartbeat says: how far the log is, and how far this sink. */
export interface Heartbeat {
  readonly sink: string;
  readonly logName: string;
  /** Size and RFC 6962 root of the last checkpoint that the exporter has seen. */
  readonly size: number;
  readonly root: string;
  /** Leaves that the sink has taken: all with an index below. */
  readonly exported: number;
  /** Records that a filtered sink has taken. */
  readonly xseq?: number | undefined;
  readonly timeMs: number;
  /** Somebody asked for it, to see whether it arrives: this is what they look for in the sink. */
  readonly test?: string | undefined;
}

/** Makes the records of one sink. */
export class RecordMaker {
  readonly #redactor: ((entry: JsonObject) => JsonObject) | undefined;

  constructor(private readonly options: RecordOptions) {
    this.#redactor = redactorOf(options.redact ?? {});
  }

  /** Whether the sink gets a part of the log only: its records are numbered on their own then. */
  get isFiltered(): boolean {
    return this.options.filter !== undefined;
  }

  /** The record of a leaf, or undefined when the filter keeps it from the sink. `xseq` is its number among the sink's own. */
  record(leaf: SealedLeaf, xseq: number): SiemRecord | undefined {
    const { filter, withRaw } = this.options;
    if (filter === undefined) return this.#write(readLeaf(leaf, this.#redactor), { withRaw });
    // Filtered by what is in the log, not by what is left of it: a pseudonym is no agent that a filter names.
    if (!passes(readLeaf(leaf), filter)) return undefined;
    return this.#write(readLeaf(leaf, this.#redactor), { withRaw, xseq });
  }

  /** The record that says how far the log and the sink are. It is not in the log and has no sequence. */
  heartbeat(beat: Heartbeat): SiemRecord {
    const { sink, logName, size, root, exported, xseq, timeMs, test } = beat;
    const id = test ?? `hb-${sink}-${timeMs}`;
    const entry = {
      ...{ type: 'export.heartbeat', id, sink, size, root, exported },
      ...(xseq !== undefined && { xseq }),
      ...(test !== undefined && { test }),
    };
    const facts = { type: entry.type, id };
    return this.#write(
      { text: '', index: undefined, logName, timeMs, known: { type: 'export.heartbeat', facts, entry } },
      {},
    );
  }

  #write(leaf: ReadLeaf, how: { readonly withRaw?: boolean | undefined; readonly xseq?: number }): SiemRecord {
    const exported = describeLeaf(leaf, {
      isRedacted: this.#redactor !== undefined,
      withRaw: how.withRaw === true,
      xseq: how.xseq,
    });
    return {
      text: textOf(exported, this.options),
      type: exported.type,
      logName: leaf.logName,
      index: leaf.index,
      id: exported.facts.id,
      severity: exported.row.severity,
      timeMs: leaf.timeMs,
    };
  }
}

function textOf(exported: Exported, { format, version }: RecordOptions): string {
  switch (format) {
    case 'ocsf':
      return safeJsonText(ocsfText(exported, version));
    case 'ecs':
      return safeJson(toEcs(exported));
    case 'cef':
      return toCef(exported);
    case 'raw':
      return safeJson(rawOf(exported));
  }
}

/** The entry itself. Its canonical form (RFC 8785) is the leaf, unless something was redacted. */
function rawOf({ leaf, entry, hashes, xseq }: Exported): Record<string, Json | undefined> {
  const isOpaque = leaf.known === undefined;
  return {
    log_name: leaf.logName,
    ...(leaf.index !== undefined && { sequence: leaf.index }),
    ...(xseq !== undefined && { xseq }),
    ...(hashes !== undefined && { leaf_hash: hashes.leaf }),
    // A leaf that cannot be read cannot be redacted either: it goes only where nothing is.
    entry: isOpaque ? (hashes === undefined ? null : leaf.text) : entry,
  };
}
