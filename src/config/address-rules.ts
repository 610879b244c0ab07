// Who may come in, by address or name: the elements Allow, Deny and Order of FMS's configuration.
//
//   list := item *( "," item )
//   item := "all" | host or domain name | IPv4, whole or its first parts | IPv6 | either "/" prefix length
//
//   all    example.com    10.60    192.168.1.7    10.0.0.0/8    [2001:db8::1]    [2001:db8::]/32
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import { ConfigError } from '../errors.ts';

const NAME = /^\.?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i;
const PARTIAL_IPV4 = /^\d{1,3}(\.\d{1,3}){0,2}(\.\*)*\.?$/;

/** One of the lists. */
export class AddressList {
  readonly #addresses = new BlockList();
  /** Lower case, no dot at either end. */
  readonly #names: string[] = [];
  #isEverybody = false;

  /** `text`: items between commas; a ConfigError names the one that makes no sense. */
  static parse(text: string): AddressList {
    const list = new AddressList();
    for (const item of text.split(',').map((part) => part.trim())) if (item !== '') list.#add(item);
    return list;
  }

  #add(item: string): void {
    if (item.toLowerCase() === 'all') {
      this.#isEverybody = true;
      return;
    }
    const [host = '', prefix] = item.replace(/^\[(.*)\]$/s, '$1').split('/', 2);
    const address = host.replace(/^\[(.*)\]$/s, '$1').replace(/%.*$/s, '');
    if (isIP(address)) this.#addSubnet(address, prefix, item);
    else if (prefix === undefined && PARTIAL_IPV4.test(item)) this.#addPartial(item);
    else if (prefix === undefined && NAME.test(item) && !/^[\d.]+$/.test(item)) {
      this.#names.push(item.toLowerCase().replace(/^\.|\.$/g, ''));
    } else throw problem(item);
  }

  #addSubnet(address: string, prefix: string | undefined, item: string): void {
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    const bits = family === 'ipv4' ? 32 : 128;
    if (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)) throw problem(item);
    this.#addresses.addSubnet(address, Number(prefix ?? bits), family);
  }

  /** `10.60` is 10.60.0.0/16. */
  #addPartial(item: string): void {
    const parts = item.split('.').filter((part) => part !== '' && part !== '*');
    const address = [...parts, '0', '0', '0'].slice(0, 4).join('.');
    if (!isIPv4(address)) throw problem(item);
    this.#addresses.addSubnet(address, parts.length * 8, 'ipv4');
  }

  /** Whether the names of an address can make a difference. */
  get hasNames(): boolean {
    return this.#names.length > 0;
  }

  get isEmpty(): boolean {
    return !this.#isEverybody && !this.hasNames && this.#addresses.rules.length === 0;
  }

  /** By address alone. */
  has(address: string): boolean {
    if (this.#isEverybody) return true;
    const bare = address.replace(/%.*$/s, '');
    return this.#addresses.check(bare, isIPv6(bare) ? 'ipv6' : 'ipv4');
  }

  /** The host itself, or one under the domain. */
  hasName(name: string): boolean {
    const wanted = name.toLowerCase().replace(/\.$/, '');
    return this.#names.some((known) => wanted === known || wanted.endsWith(`.${known}`));
  }
}

/**
 * `Allow,Deny`: who is in Allow and not in Deny. `Deny,Allow`: who is not in Deny, or is in Allow all the same.
 */
export const Order = { AllowDeny: 'Allow,Deny', DenyAllow: 'Deny,Allow' } as const;
export type Order = (typeof Order)[keyof typeof Order];

export interface AddressRules {
  allow: AddressList;
  deny: AddressList;
  order: Order;
}

export const EVERYBODY: AddressRules = {
  allow: AddressList.parse('all'),
  deny: AddressList.parse(''),
  order: Order.AllowDeny,
};

/** Whether an address may come in; undefined: its names decide. */
export function admitsAddress({ allow, deny, order }: AddressRules, address: string): boolean | undefined {
  const isAllowed = allow.has(address);
  const isDenied = deny.has(address);
  const answers = new Set<boolean>();
  for (const allowed of !isAllowed && allow.hasNames ? [false, true] : [isAllowed]) {
    for (const denied of !isDenied && deny.hasNames ? [false, true] : [isDenied]) {
      answers.add(decide(order, allowed, denied));
    }
  }
  const [answer, another] = answers;
  return another === undefined ? answer : undefined;
}

/** The same with its names, those that have been verified (reverse-dns.ts). */
export function admitsNames(rules: AddressRules, address: string, names: readonly string[]): boolean {
  const { allow, deny, order } = rules;
  const isIn = (list: AddressList) => list.has(address) || names.some((name) => list.hasName(name));
  return decide(order, isIn(allow), isIn(deny));
}

function decide(order: Order, isAllowed: boolean, isDenied: boolean): boolean {
  return order === Order.AllowDeny ? isAllowed && !isDenied : !isDenied || isAllowed;
}

function problem(item: string): ConfigError {
  return new ConfigError(
    'ERR_CONFIG_ADDRESS',
    `${JSON.stringify(item)}: expected "all", a host or domain name, an address, its first parts (10.60) or a range ` +
      '(10.0.0.0/8, [2001:db8::]/32)',
  );
}
