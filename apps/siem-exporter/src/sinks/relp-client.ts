import type { Socket } from 'node:net';

const TXNR_MAX = 999_999_999;
const FRAME_BYTES_MAX = 1_048_576;
const OPEN = 'relp_version=0\nrelp_software=writ\ncommands=syslog';
const LINE_FEED = 10;
/** Messages that may wait for their answer. */
const WINDOW = 128;

interface Waiting {
  readonly done: (status: string) => void;
  readonly failed: (error: Error) => void;
}

/**
 * One RELP session: `open`, then `syslog` commands, each answered by `rsp` with a status. What is not answered when the connection ends may
 * or may not have arrived.
 */
export class RelpClient {
  readonly #waiting = new Map<number, Waiting>();
  #received = Buffer.alloc(0);
  #txnr = 0;
  #ended: Error | undefined;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('close', () => this.#end(new Error('the receiver closed the connection')));
    // A receiver that only half closes will answer nothing more.
    socket.on('end', () => this.#end(new Error('the receiver closed its side of the connection')));
  }

  /** Opens a session. Throws when the receiver does not know the command `syslog`. */
  static async open(socket: Socket, timeoutMs: number): Promise<RelpClient> {
    const client = new RelpClient(socket);
    const answer = await client.#command('open', Buffer.from(OPEN), timeoutMs);
    if (!answer.startsWith('200')) throw new Error(`the receiver refuses the session: ${answer.slice(0, 80)}`);
    return client;
  }

  get isOpen(): boolean {
    return this.#ended === undefined;
  }

  /**
   * Sends messages in order, with a window of them on their way; resolves with whether the receiver has all of them. After the first
   * that it did not take no other one is sent.
   */
  async syslog(messages: readonly string[], timeoutMs: number): Promise<boolean> {
    let next = 0;
    let isTaken = true;
    // The next message goes out with any answer: a receiver that answers late is not waited for a whole window at a time.
    const lane = async () => {
      for (let message = messages[next++]; isTaken && message !== undefined; message = messages[next++])
        if (!(await this.#command('syslog', Buffer.from(message), timeoutMs)).startsWith('200')) isTaken = false;
    };
    await Promise.all(Array.from({ length: Math.min(WINDOW, messages.length) }, lane));
    return isTaken;
  }

  close(): void {
    this.#end(new Error('the session is closed'));
  }

  #command(name: string, data: Buffer, timeoutMs: number): Promise<string> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    this.#txnr = this.#txnr === TXNR_MAX ? 1 : this.#txnr + 1;
    const txnr = this.#txnr;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#end(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
      const settle =
        <T>(act: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          this.#waiting.delete(txnr);
          act(value);
        };
      this.#waiting.set(txnr, { done: settle(resolve), failed: settle(reject) });
      const head = data.length === 0 ? `${txnr} ${name} 0` : `${txnr} ${name} ${data.length} `;
      this.#corkForNow();
      this.socket.write(head, 'latin1');
      this.socket.write(data);
      this.socket.write('\n', 'latin1');
    });
  }

  /** What is sent in one turn of the loop goes out in one write. */
  #corkForNow(): void {
    if (this.socket.writableCorked > 0) return;
    this.socket.cork();
    process.nextTick(() => this.socket.uncork());
  }

  #receive(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (let frame = this.#nextFrame(); frame !== undefined; frame = this.#nextFrame()) {
      if (frame.command === 'serverclose') this.#end(new Error('the receiver ends the session'));
      else if (frame.command === 'rsp') this.#waiting.get(frame.txnr)?.done(frame.data);
    }
  }

  /** `TXNR SP COMMAND SP LENGTH [SP DATA] LF`, or undefined until all of it is there. What is none ends the session. */
  #nextFrame(): { readonly txnr: number; readonly command: string; readonly data: string } | undefined {
    if (this.#ended !== undefined || this.#received.length === 0) return undefined;
    const head = /^(\d{1,9}) ([a-z]{1,32}) (\d{1,9})([ \n])/.exec(this.#received.subarray(0, 64).toString('latin1'));
    if (head === null) {
      const isPartial = this.#received.length < 64 && this.#received.indexOf(LINE_FEED) < 0;
      if (!isPartial) this.#end(new Error('the receiver does not speak RELP'));
      return undefined;
    }
    const [text, txnr, command = '', lengthText, separator] = head;
    const length = Number(lengthText);
    const end = separator === '\n' ? text.length : text.length + length + 1;
    if (length > FRAME_BYTES_MAX || (separator === '\n' && length > 0)) {
      this.#end(new Error('the receiver sends a frame that is none'));
      return undefined;
    }
    if (this.#received.length < end) return undefined;
    const data = separator === '\n' ? '' : this.#received.subarray(text.length, text.length + length).toString('utf8');
    this.#received = this.#received.subarray(end);
    return { txnr: Number(txnr), command, data };
  }

  #end(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    for (const waiting of this.#waiting.values()) waiting.failed(error);
    this.socket.destroy();
  }
}
