import { Fault } from '#writ/faults';
import ipaddr from 'ipaddr.js';

/** What kind of network an address belongs to. Everything but `public` is special-purpose (IANA registries, and what clouds use). */
type AddressClass =
  | 'public'
  | 'loopback'
  | 'private'
  | 'linkLocal'
  | 'carrierGradeNat'
  | 'metadata'
  | 'multicast'
  | 'unspecified'
  | 'broadcast'
  | 'mapped-private'
  | 'mapped-public'
  | 'translated'
  | 'reserved'
  | 'invalid';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Ranges that ipaddr.js counts as ordinary or names otherwise. The first that matches wins. */
const EXTRA_RANGES: readonly (readonly [AddressClass, readonly string[]])[] = [
  // Instance metadata services outside 169.254.0.0/16, which is link-local as a whole: Azure, Alibaba, Oracle, AWS, Google.
  ['metadata', ['168.63.129.16/32', '100.100.100.200/32', '192.0.0.192/32', 'fd00:ec2::/32', 'fd20:ce::254/128']],
  ['reserved', ['192.0.0.0/24', '192.88.99.0/24', '198.18.0.0/15']],
  ['reserved', ['100::/64', '100:0:0:1::/64', '2001:2::/48', '2001:10::/28', '2001:20::/28', '3fff::/20', '5f00::/16']],
  ['private', ['fec0::/10']],
  // IPv6 forms that carry an IPv4 address: NAT64, its local prefix, and SIIT.
  ['translated', ['64:ff9b::/96', '64:ff9b:1::/48', '::ffff:0:0:0/96']],
];

const RANGES = EXTRA_RANGES.flatMap(([kind, ranges]) =>
  ranges.map((range) => ({ kind, network: ipaddr.parseCIDR(range) })),
);

const BY_LIBRARY_NAME: Readonly<Record<string, AddressClass>> = {
  unicast: 'public',
  loopback: 'loopback',
  private: 'private',
  uniqueLocal: 'private',
  linkLocal: 'linkLocal',
  carrierGradeNat: 'carrierGradeNat',
  multicast: 'multicast',
  unspecified: 'unspecified',
  broadcast: 'broadcast',
  rfc6145: 'translated',
  rfc6052: 'translated',
  '6to4': 'translated',
  teredo: 'translated',
};

/** Classifies one address as text. What is no address, or carries a zone, is `invalid`; an unknown special range is `reserved`. */
export function classifyAddress(ip: string): AddressClass {
  if (ip.includes('%')) return 'invalid';
  if (!ipaddr.IPv4.isValidFourPartDecimal(ip) && !ipaddr.IPv6.isValid(ip)) return 'invalid';
  return classify(ipaddr.parse(ip));
}

function classify(address: Address): AddressClass {
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress()) {
    return classify(address.toIPv4Address()) === 'public' ? 'mapped-public' : 'mapped-private';
  }
  const extra = RANGES.find(({ network }) => contains(network, address));
  if (extra !== undefined) return extra.kind;
  const kind = BY_LIBRARY_NAME[address.range()] ?? 'reserved';
  // `::a.b.c.d` is the long-dead IPv4-compatible form, which some kernels still route to the IPv4 address.
  return kind === 'public' && isIpv4Compatible(address) ? 'translated' : kind;
}

function contains(network: [Address, number], address: Address): boolean {
  const [base, bits] = network;
  return base.kind() === address.kind() && address.match(base, bits);
}

function isIpv4Compatible(address: Address): boolean {
  return address instanceof ipaddr.IPv6 && address.parts.slice(0, 6).every((part) => part === 0);
}

/** Refuses, with EXECUTOR_ADDRESS_REFUSED, unless there is an address and every one is public: one private answer spoils all. */
export function assertPublic(addresses: readonly string[]): void {
  assertEvery(addresses, (kind) => kind === 'public');
}

/** The same for a destination that is declared internal: private networks are allowed, metadata services and link-local never. */
export function assertInternal(addresses: readonly string[]): void {
  assertEvery(addresses, (kind) => INTERNAL_CLASSES.has(kind));
}

const INTERNAL_CLASSES: ReadonlySet<AddressClass> = new Set(['public', 'loopback', 'private', 'carrierGradeNat']);

function assertEvery(addresses: readonly string[], isAllowed: (kind: AddressClass) => boolean): void {
  if (addresses.length === 0) throw new Fault('EXECUTOR_ADDRESS_REFUSED', '`dns.empty`: the name has no address');
  for (const address of addresses) {
    const kind = classifyAddress(address);
    if (!isAllowed(kind)) {
      throw new Fault(
        'EXECUTOR_ADDRESS_REFUSED',
        `\`ip.${kind}\`: the name resolves to an address that is not dialled`,
      );
    }
  }
}
