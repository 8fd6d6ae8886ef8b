import type { SinkDeclaration } from '#writ/catalogue';
import { Fault } from '#writ/faults';
import { RecordMaker } from '#writ/siem';
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sink } from './ports.js';
import { FileSink } from './sinks/file-sink.js';
import { hecSink } from './sinks/hec-sink.js';
import { httpsSink } from './sinks/https-sink.js';
import { otlpSink } from './sinks/otlp-sink.js';
import { relpSink } from './sinks/relp-sink.js';
import { stdoutSink } from './sinks/stdout-sink.js';
import { syslogSink } from './sinks/syslog-sink.js';

const MINUTE_MS = 60_000;
/** An indexer that is busy answers within minutes. */
const ACK_WITHIN_MS = 300_000;
const PSEUDONYM_KEY_BYTES_MIN = 32;
const OTHERS_MASK = 0o077;

/** The sink that a declaration describes. Paths are relative to the folder of the configuration. */
export function makeSink(declared: SinkDeclaration, baseDirectory: string): Sink {
  const at = (file: string | undefined) => (file === undefined ? undefined : resolve(baseDirectory, file));
  const hostName = hostname();
  switch (declared.kind) {
    case 'file': {
      const { path, rotateBytes, rotateMinutes } = declared;
      const rotateMs = rotateMinutes * MINUTE_MS;
      return new FileSink({ path: resolve(baseDirectory, path), rotateBytes, rotateMs, now: Date.now });
    }
    case 'stdout':
      return stdoutSink(process.stdout);
    case 'https':
    case 'otlp': {
      const http = { ...declared, headersFile: at(declared.headersFile), caFile: at(declared.caFile) };
      return declared.kind === 'https' ? httpsSink(http) : otlpSink(http);
    }
    case 'splunk-hec':
      return hecSink({
        ...declared,
        headersFile: at(declared.headersFile),
        caFile: at(declared.caFile),
        channel: channelOf(declared.name),
        sleep: (ms) => sleep(ms),
        ackWithinMs: ACK_WITHIN_MS,
      });
    case 'syslog':
    case 'relp': {
      const { tls } = declared;
      const files = tls && { caFile: at(tls.caFile), certFile: at(tls.certFile), keyFile: at(tls.keyFile) };
      const stream = { ...declared, tls: files, hostName };
      return declared.kind === 'syslog' ? syslogSink(stream) : relpSink(stream);
    }
  }
}

/** What makes the records of a sink. Throws CONFIG_KEY when the key of pseudonyms is missing, short, or readable by others. */
export async function makeRecordMaker(declared: SinkDeclaration, baseDirectory: string): Promise<RecordMaker> {
  const { format, version, filter, redact, withLeaf } = declared;
  const keyFile = redact?.pseudonymKeyFile;
  const pseudonymKey = keyFile === undefined ? undefined : await readPseudonymKey(resolve(baseDirectory, keyFile));
  return new RecordMaker({
    format,
    version,
    filter,
    withRaw: withLeaf,
    redact: { remove: redact?.remove, pseudonymKey },
  });
}

async function readPseudonymKey(file: string): Promise<Buffer> {
  try {
    const { mode } = await stat(file);
    const key = await readFile(file);
    if ((mode & OTHERS_MASK) === 0 && key.length >= PSEUDONYM_KEY_BYTES_MIN) return key;
  } catch (cause) {
    throw new Fault('CONFIG_KEY', `the key of pseudonyms \`${file}\` is missing or cannot be read`, { cause });
  }
  throw new Fault('CONFIG_KEY', `\`${file}\` is readable by others, or has not ${PSEUDONYM_KEY_BYTES_MIN} bytes`);
}

/** A UUID that is the same after a restart: acknowledgements of a channel are the receiver's to keep. */
function channelOf(name: string): string {
  const hex = createHash('sha256').update(`writ-siem/${name}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
