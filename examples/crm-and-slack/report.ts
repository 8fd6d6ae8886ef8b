import type { JsonObject } from '#writ/contracts';

/** How one step of the demonstration went; `facts` is what a machine reads. */
interface StepResult {
  readonly step: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly facts: JsonObject;
  readonly error?: string;
}

/** Where the demonstration tells what happens, as it happens. */
export interface Report {
  begin(step: string, title: string): void;
  /** One thing that happened: an agent's call, a signal that was sent. */
  say(line: string): void;
  end(result: StepResult): void;
  close(passed: number, failed: number, ms: number): void;
}

interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** One JSON object a step: `{"step":…,"ok":true,"ms":…,…}`, and nothing else. */
export function jsonReport(output: Output): Report {
  return {
    begin: () => undefined,
    say: () => undefined,
    end: ({ step, ok, ms, facts, error }) => {
      const line = { step, ok, ms, ...facts, ...(error === undefined ? {} : { error }) };
      output.write(`${JSON.stringify(line)}\n`);
    },
    close: (passed, failed, ms) => {
      output.write(`${JSON.stringify({ step: 'summary', ok: failed === 0, ms, passed, failed })}\n`);
    },
  };
}

/** The same for people, in colour on a terminal. */
export function terminalReport(output: Output): Report {
  const paint = painter(output.isTTY === true && process.env['NO_COLOR'] === undefined);
  return {
    begin: (step, title) => output.write(`\n${paint('bold', step)}  ${title}\n`),
    say: (line) => output.write(`${indent(colourVerdict(line, paint))}\n`),
    end: ({ step, ok, ms, error }) => {
      const mark = ok ? paint('green', 'held') : paint('red', 'DID NOT HOLD');
      output.write(`  ${paint('dim', `${step}:`)} ${mark} ${paint('dim', `(${ms} ms)`)}\n`);
      if (error !== undefined) output.write(`  ${paint('red', error)}\n`);
    },
    close: (passed, failed, ms) => {
      const verdict = failed === 0 ? paint('green', 'every step held') : paint('red', `${failed} did not hold`);
      output.write(`\n${passed + failed} steps in ${(ms / 1000).toFixed(1)} s: ${verdict}\n`);
    },
  };
}

type Style = 'bold' | 'dim' | 'red' | 'green';
type Paint = (style: Style, text: string) => string;
const CODES: Readonly<Record<Style, number>> = { bold: 1, dim: 2, red: 31, green: 32 };

function painter(inColour: boolean): Paint {
  return (style, text) => (inColour ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text);
}

function colourVerdict(line: string, paint: Paint): string {
  return line
    .replaceAll(/\b(ALLOW|WITNESSED)\b/g, (word) => paint('green', word))
    .replaceAll(/\b(DENY|REFUSED|SIGKILL)\b/g, (word) => paint('red', word));
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
