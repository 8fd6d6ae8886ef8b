import { inspect } from 'node:util';

/** A value that prints as its name, wherever it ends up: in text, JSON, a log line or a debugger's inspection. */
export class Secret {
  readonly #value: string;

  constructor(
    readonly name: string,
    value: string,
  ) {
    this.#value = value;
  }

  /** The value itself. Call it where the value is used, and keep the result in no field. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return this.name;
  }

  toJSON(): string {
    return this.name;
  }

  [inspect.custom](): string {
    return this.name;
  }
}
