import { Fault } from '#writ/faults';

/** A release of nats-server, as numbers. */
interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

const FLOOR = '2.14.3, or 2.12.12 in the 2.12 line';

/**
 * Returns the version in the text (`nats-server: v2.15.1`), or throws CONFIG_NATS_SERVER_OLD. Below the floor, published
 * flaws let a client step around permissions or end the server before it has said who it is.
 */
export function checkNatsServerVersion(text: string): string {
  const match = /v?(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?/.exec(text);
  if (match === null) {
    throw new Fault('CONFIG_NATS_SERVER_OLD', `${JSON.stringify(text.slice(0, 80))} is no nats-server version`);
  }
  const [, major, minor, patch, preRelease] = match;
  const version: Version = { major: Number(major), minor: Number(minor), patch: Number(patch) };
  const name = `${major}.${minor}.${patch}${preRelease ?? ''}`;
  if (isAtFloor(version, preRelease !== undefined)) return name;
  throw new Fault(
    'CONFIG_NATS_SERVER_OLD',
    `nats-server \`${name}\` is below the floor (${FLOOR}): it has published security flaws, among them denied subjects ` +
      'that can be subscribed to, forged request headers and crashes before authentication',
  );
}

function isAtFloor({ major, minor, patch }: Version, isPreRelease: boolean): boolean {
  if (major !== 2) return major > 2;
  // A pre-release of the floor itself came before the fixes.
  if (minor === 12) return patch > 12 || (patch === 12 && !isPreRelease);
  if (minor === 14) return patch > 3 || (patch === 3 && !isPreRelease);
  // The 2.13 line ended without the fixes.
  return minor > 14;
}
