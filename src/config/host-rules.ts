// Which hosts and addresses a script may connect to. A host has to be granted by name; and what its name leads to is looked at
// again when the connection is made, so that nobody's DNS opens the way into the operator's own network.
import { BlockList, isIP, isIPv6 } from 'node:net';

export interface HostGrant {
  /** Lower case: `*`, `*.example.com`, `host`, each with or without `:port` or `:*`. None: nothing is granted. */
  readonly hosts: readonly string[];
  readonly privateAddresses: readonly { readonly address: string; readonly prefix: number }[];
}

/** Where a script wants to go. */
export interface HostTarget {
  /** As URLs write it: in lower case, an IPv6 address in brackets. */
  readonly host: string;
  readonly port: number;
  /** What the scheme means by naming none. */
  readonly hasDefaultPort: boolean;
}

interface HostPattern {
  /** `*`, `.example.com` or `example.com`. */
  host: string;
  /** Undefined: the default one of the scheme. */
  port: string | undefined;
}

// IANA's registry of special-purpose addresses: none of them is a host of the public Internet.
const SPECIAL_IPV4 = blockList([
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]);
const GLOBAL_IPV6 = blockList([['2000::', 3]]);
/** Within those: documentation, and IPv4 addresses inside IPv6 ones. */
const SPECIAL_IPV6 = blockList([
  ['2001:db8::', 32],
  ['2001::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]);

export class HostRules {
  readonly #patterns: readonly HostPattern[];
  readonly #listed: BlockList;
  readonly #element: string;

  /** `element` of Application.xml, in which the grant stands. */
  constructor({ hosts, privateAddresses }: HostGrant, element: string) {
    this.#patterns = hosts.map(parsePattern);
    this.#listed = blockList(privateAddresses.map(({ address, prefix }) => [address, prefix]));
    this.#element = element;
  }

  /** Why nobody may go there; undefined when one may. */
  problemWith(target: HostTarget): string | undefined {
    const host = target.host.replace(/\.$/, '');
    const granted = this.#patterns.filter(
      (pattern) =>
        matchesHost(pattern.host, host) &&
        (pattern.port === undefined
          ? target.hasDefaultPort
          : pattern.port === '*' || Number(pattern.port) === target.port),
    );
    if (granted.length === 0) {
      const place = target.hasDefaultPort ? target.host : `${target.host}:${target.port}`;
      return `${place} is not granted: see <${this.#element}> <Hosts> in Application.xml`;
    }
    const address = host.replace(/^\[(.*)\]$/, '$1');
    if (isIP(address) === 0 || granted.some((pattern) => pattern.host === host)) return undefined;
    return this.problemWithAddress(address);
  }

  /** The same of an address that a name has led to. */
  problemWithAddress(address: string): string | undefined {
    if (isPublic(address) || this.#listed.check(address, familyOf(address))) return undefined;
    return `${address} is a private address: see <${this.#element}> <PrivateAddresses> in Application.xml`;
  }

  /** Of the addresses that a name has led to those that one may connect to; or why there are none. */
  permitted<T extends { readonly address: string }>(addresses: readonly T[]): [T, ...T[]] | string {
    const [first, ...more] = addresses.filter(
      ({ address }) => this.problemWithAddress(address) === undefined,
    );
    if (first) return [first, ...more];
    return this.problemWithAddress(addresses[0]?.address ?? '') ?? 'it has no address';
  }
}

function parsePattern(text: string): HostPattern {
  const [, name = '', port] = /^(.*?)(?::(\d+|\*))?$/.exec(text) ?? [];
  const literal = /^\[(.*)\]$/.exec(name)?.[1];
  // As URLs write them.
  const host = literal === undefined ? name : new URL(`http://[${literal}]/`).hostname;
  return { host: host.startsWith('*.') ? host.slice(1) : host, port };
}

function matchesHost(pattern: string, host: string): boolean {
  if (pattern === '*') return true;
  return pattern.startsWith('.') ? host.endsWith(pattern) : host === pattern;
}

/** An IPv4 address that is written as an IPv6 one is no public IPv6 address. */
function isPublic(address: string): boolean {
  if (!isIPv6(address)) return !SPECIAL_IPV4.check(address);
  return GLOBAL_IPV6.check(address, 'ipv6') && !SPECIAL_IPV6.check(address, 'ipv6');
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

function blockList(subnets: readonly (readonly [address: string, prefix: number])[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of subnets) list.addSubnet(address, prefix, familyOf(address));
  return list;
}
