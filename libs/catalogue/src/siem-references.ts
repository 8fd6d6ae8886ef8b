import type { SinkDeclaration } from './siem-schema.js';
import type { FaultAt } from './yaml-source.js';

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

/** Names of sinks are given once, and nothing leaves the machine in plain text. */
export function checkSinks(sinks: readonly SinkDeclaration[], faultAt: FaultAt): void {
  const names = new Set<string>();
  sinks.forEach((sink, at) => {
    const path = ['siem', 'sinks', at];
    if (names.has(sink.name)) throw faultAt([...path, 'name'], `there is a sink \`${sink.name}\` already`);
    names.add(sink.name);
    if ('url' in sink) checkUrl(sink.url, (problem) => faultAt([...path, 'url'], problem));
    if ('host' in sink && sink.tls === undefined && !LOOPBACK.has(sink.host)) {
      throw faultAt([...path, 'host'], 'is another machine: give `tls`, if only as `{}`');
    }
  });
}

function checkUrl(text: string, fault: (problem: string) => Error): void {
  if (!URL.canParse(text)) throw fault('is no URL');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') throw fault('must not hold a password: use `headersFile`');
  const isPlain = url.protocol === 'http:';
  if (!isPlain && url.protocol !== 'https:') throw fault('must be https');
  if (isPlain && !LOOPBACK.has(url.hostname))
    throw fault('must be https: entries do not leave the machine in plain text');
}
