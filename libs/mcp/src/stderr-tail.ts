import type { Stream } from 'node:stream';

const CHARACTERS_MAX = 1_000;

/** Keeps the end of what a process writes to stderr. The text is attacker-controlled: its control characters are blanks. */
export class StderrTail {
  #text = '';

  constructor(stream: Stream | null) {
    stream?.on('data', (chunk: Buffer) => {
      this.#text = (this.#text + chunk.toString('utf8')).slice(-CHARACTERS_MAX);
    });
  }

  text(): string {
    return this.#text.replace(/\p{C}+/gu, ' ').trim();
  }
}
