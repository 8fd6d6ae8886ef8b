import {
  type Command,
  type CommandBody,
  type Json,
  type Obligation,
  Progress,
  PROGRESS_MESSAGE_MAX,
  type ProgressReport,
} from '#writ/contracts';
import { compileRedaction, type RedactionMeans } from '#writ/redaction';

/** What is reported of one call: at most so many reports, and not more often than that. */
interface ReportLimits {
  readonly everyMs: number;
  readonly reportsMax: number;
}

const REPORT_LIMITS: ReportLimits = { everyMs: 250, reportsMax: 1_000 };
/** A longer text is none that people read while they wait, and scanning it four times a second would be work for nothing. */
const TEXT_SCANNED_MAX = 4_096;

interface Reporter {
  /** Takes what the service says of a call. Every byte of it is attacker-controlled. It never throws. */
  readonly report: (said: Progress) => void;
  /** Nothing is reported from here on. */
  readonly stop: () => void;
}

interface ReporterOptions {
  readonly redaction: RedactionMeans;
  readonly send: (report: ProgressReport) => void;
  readonly limits?: ReportLimits;
}

/**
 * Reports how far a command is: redacted as its output is, a few times a second, of those in between the last. Nothing waits for it, no
 * deadline is moved by it.
 */
export function reportProgress({ seq, i, salt, body }: Command, options: ReporterOptions): Reporter {
  const { redaction, send, limits = REPORT_LIMITS } = options;
  let left = limits.reportsMax;
  let latest: Progress | undefined;
  let pause: NodeJS.Timeout | undefined;
  const sendLatest = () => {
    pause = undefined;
    if (latest === undefined || left === 0) return;
    left--;
    pause = setTimeout(sendLatest, limits.everyMs);
    const progress = shownProgress(latest, body, redaction);
    latest = undefined;
    if (progress !== undefined) send({ v: 1, seq, i, salt, progress });
  };
  return {
    report: (said) => {
      latest = said;
      if (pause === undefined) sendLatest();
    },
    stop: () => {
      clearTimeout(pause);
      left = 0;
    },
  };
}

/** What may be told of it; undefined when that is nothing, or cannot be said. */
function shownProgress(said: Progress, body: CommandBody, means: RedactionMeans): Progress | undefined {
  const { progress, total, message } = said;
  const text = message === undefined || !mayTellText(body.obligations) ? undefined : readable(message);
  const told = { progress, ...(total !== undefined && { total }), ...(text !== undefined && { message: text }) };
  try {
    const redacted = compileRedaction(body.obligations, 'output', means)?.redact(told).value ?? told;
    const shown = Progress.safeParse(cut(redacted));
    return shown.success ? shown.data : undefined;
  } catch {
    // It could not be scanned: it is withheld, as an output would be.
    return undefined;
  }
}

/**
 * Whether a text of the tool may be told beside its output. Not when policy takes something out by its place, which a sentence does not
 * have, nor when it limits how much is told, or marks it: a sentence would be past that.
 */
function mayTellText(obligations: readonly Obligation[]): boolean {
  return obligations.every((obligation) => {
    switch (obligation.type) {
      case 'redact':
        return obligation.target === 'input' || (obligation.paths ?? []).length === 0;
      case 'limit':
        return obligation.bytes === undefined;
      case 'label':
        return false;
      case 'filter':
        return true;
    }
  });
}

/** One line without signs that nobody sees, before it is scanned: what is scanned is what is read. */
function readable(message: string): string | undefined {
  if (message.length > TEXT_SCANNED_MAX) return undefined;
  const line = message.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').replaceAll(/[\p{Cf}\p{Cs}]/gu, '');
  return line.trim() === '' ? undefined : line.trim();
}

/** Behind the redaction: what is cut in two is not recognised any more. */
function cut(progress: Json): Json {
  if (typeof progress !== 'object' || progress === null || !('message' in progress)) return progress;
  const { message } = progress;
  if (typeof message !== 'string' || message.length <= PROGRESS_MESSAGE_MAX) return progress;
  // Half of a surrogate pair is no character.
  return { ...progress, message: message.slice(0, PROGRESS_MESSAGE_MAX).replace(/[\ud800-\udbff]$/, '') };
}
