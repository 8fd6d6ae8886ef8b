import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { type DataSubject, parse } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { z } from 'zod';
import { openBox, sealBox } from './box.js';

const KEY_BYTES = 32;
const KEY_ID_BYTES = 12;
const WRAPPING_KEYS_MAX = 16;

/** Earlier releases kept one key alone, in base64url. */
const Base64Key = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const KeyFile = z.strictObject({
  v: z.literal(2),
  /** Newest first. */
  wrap: z.array(Base64Key).min(1).max(WRAPPING_KEYS_MAX),
  subject: Base64Key,
});

/** A data key as it is stored. `kek` names the key that wrapped it; wrapped by an earlier release it names none. */
const WrappedKey = z.union([
  z.strictObject({ v: z.literal(1), key: z.string(), box: z.string() }),
  z.strictObject({ v: z.literal(2), key: z.string(), kek: z.string(), box: z.string() }),
]);

/**
 * The keys of a tenant over its vault: those that wrap data keys, of which the newest wraps and all unwrap, and the one that
 * makes pseudonyms of data subjects, which stays when the others are replaced.
 */
export class TenantKeys {
  private constructor(
    private readonly wrapping: readonly Buffer[],
    private readonly subjectKey: Buffer,
  ) {}

  /** New random keys. */
  static create(): TenantKeys {
    return new TenantKeys([randomBytes(KEY_BYTES)], randomBytes(KEY_BYTES));
  }

  /** The keys in the text of a file, also of one that an earlier release wrote. Throws CONFIG_KEY. */
  static parse(text: string): TenantKeys {
    const single = Base64Key.safeParse(text.trim());
    if (single.success) {
      const key = bytesOf(single.data);
      return new TenantKeys([key], Buffer.from(hkdfSync('sha256', key, '', 'writ-data-subjects/v1', KEY_BYTES)));
    }
    const { wrap, subject } = parse(KeyFile, readJson(text, 'CONFIG_KEY'), 'CONFIG_KEY');
    return new TenantKeys(wrap.map(bytesOf), bytesOf(subject));
  }

  /** The text that `parse` reads. */
  toFileText(): string {
    const text = (key: Buffer) => key.toString('base64url');
    return `${JSON.stringify({ v: 2, wrap: this.wrapping.map(text), subject: text(this.subjectKey) }, null, 2)}\n`;
  }

  /** The same with a new key that wraps from now on. Throws CONFIG_KEY when there are too many that still unwrap. */
  withNewKey(): TenantKeys {
    if (this.wrapping.length === WRAPPING_KEYS_MAX) {
      throw new Fault('CONFIG_KEY', `the vault has ${WRAPPING_KEYS_MAX} tenant keys: wrap the data keys anew first`);
    }
    return new TenantKeys([randomBytes(KEY_BYTES), ...this.wrapping], this.subjectKey);
  }

  /** The same without those that only unwrap. */
  withNewestAlone(): TenantKeys {
    return new TenantKeys(this.wrapping.slice(0, 1), this.subjectKey);
  }

  /** How many keys unwrap. */
  get count(): number {
    return this.wrapping.length;
  }

  /**
   * The name of a data subject outside of the values: `S-` and HMAC-SHA-256 in base64url. Without the key nobody can tell whose it
   * is, nor compute that of somebody whom they know. No agent can be called so: their names have no capital letters.
   */
  pseudonym({ type, id }: DataSubject): string {
    // A type has no line break, so two subjects never give one text.
    return `S-${createHmac('sha256', this.subjectKey).update(`${type}\n${id}`).digest('base64url')}`;
  }

  /**
   * What stands for a redacted value of that kind: 16 hexadecimal digits of HMAC-SHA-256, the same for the same value as long as
   * the tenant exists. Its key is none that makes pseudonyms.
   */
  redactionHash(kind: string, value: string): string {
    this.#redactionKey ??= Buffer.from(hkdfSync('sha256', this.subjectKey, '', 'writ-redaction/v1', KEY_BYTES));
    // A kind has no line break, so two values never give one text.
    return createHmac('sha256', this.#redactionKey).update(`${kind}\n${value}`).digest('hex').slice(0, 16);
  }
  #redactionKey: Buffer | undefined;

  /** A data key as it is stored under its name, which it is bound to. */
  wrap(name: string, key: Uint8Array): Uint8Array {
    const [newest] = this.wrapping;
    if (newest === undefined) throw new Fault('CONFIG_KEY', 'the vault has no tenant key');
    const box = sealBox(newest, name, key).toString('base64');
    return Buffer.from(JSON.stringify({ v: 2, key: name, kek: keyIdOf(newest), box }));
  }

  /** The data key of that name. Throws LEDGER_CORRUPT when no key of the tenant opens it, or it is another one's. */
  unwrap(name: string, stored: Uint8Array): Buffer {
    try {
      const message = parse(WrappedKey, readJson(Buffer.from(stored).toString(), 'LEDGER_CORRUPT'), 'LEDGER_CORRUPT');
      return openBox(this.#keyOf(message, name), name, Buffer.from(message.box, 'base64'));
    } catch (cause) {
      throw new Fault('LEDGER_CORRUPT', `the data key \`${name}\` does not open`, { cause });
    }
  }

  /** Whether the newest key wrapped it. Throws LEDGER_CORRUPT when it is no wrapped key. */
  isNewest(stored: Uint8Array): boolean {
    const message = parse(WrappedKey, readJson(Buffer.from(stored).toString(), 'LEDGER_CORRUPT'), 'LEDGER_CORRUPT');
    const [newest] = this.wrapping;
    return message.v === 2 && newest !== undefined && message.kek === keyIdOf(newest);
  }

  #keyOf(message: z.infer<typeof WrappedKey>, name: string): Buffer {
    const box = Buffer.from(message.box, 'base64');
    const found = this.wrapping.find((key) => (message.v === 2 ? keyIdOf(key) === message.kek : opens(key, name, box)));
    if (found === undefined) throw new Fault('LEDGER_CORRUPT', 'it was wrapped by a key that is not here');
    return found;
  }
}

function opens(key: Buffer, name: string, box: Buffer): boolean {
  try {
    openBox(key, name, box);
    return true;
  } catch {
    return false;
  }
}

/** Says which key without saying anything of it. */
function keyIdOf(key: Buffer): string {
  return createHash('sha256')
    .update('writ-tenant-key/v1\n')
    .update(key)
    .digest()
    .toString('base64url', 0, KEY_ID_BYTES);
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'base64url');
}

function readJson(text: string, code: 'CONFIG_KEY' | 'LEDGER_CORRUPT'): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault(code, 'what should hold keys is not JSON', { cause });
  }
}
