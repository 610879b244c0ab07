// What a proxy in front of us says about the connection that it passes on: PROXY protocol, versions 1 (a line) and 2 (binary),
// https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt
import { isIPv4, isIPv6 } from 'node:net';
import { DecodeError } from '../../errors.ts';

export interface ProxyEnd {
  address: string;
  port: number;
}

export interface ProxyHeader {
  /** Who has connected to the proxy; undefined when the proxy speaks for itself (health checks) or does not know. */
  source: ProxyEnd | undefined;
  /** What it has connected to. */
  destination: ProxyEnd | undefined;
  /** It came through TLS, which the proxy has taken off. Version 2 alone can say so. */
  isTls: boolean;
}

/** Version 1 §2.1: "107 chars", CRLF included. */
const MAX_LINE_BYTES = 107;
/** Version 2 allows 64 kB of extensions; what proxies send, a client certificate's names included, is far below this. */
const MAX_BODY_BYTES = 4096;

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const LINE_START = Buffer.from('PROXY ', 'latin1');
const FIXED_BYTES = 16;

const Command = { Local: 0, Proxy: 1 } as const;
/** Address family and transport in one byte. §2.2. */
const Tcp4 = 0x11;
const Tcp6 = 0x21;
const ADDRESS_BYTES: Readonly<Record<number, number>> = { [Tcp4]: 12, [Tcp6]: 36 };
const TLV_SSL = 0x20;
const CLIENT_SSL = 0x01;

/** Reads one header, however its bytes come. */
export class ProxyHeaderReader {
  #bytes: Buffer = Buffer.alloc(0);

  /** The header once it is whole, and the connection's own bytes behind it. A DecodeError says what is wrong with it. */
  push(bytes: Uint8Array): { header: ProxyHeader; rest: Buffer } | undefined {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const isBinary = startsLike(this.#bytes, SIGNATURE);
    if (!isBinary && !startsLike(this.#bytes, LINE_START)) throw problem('it is missing');
    return isBinary ? this.#readBinary() : this.#readLine();
  }

  /** `PROXY TCP4 <source> <destination> <source port> <destination port>\r\n` */
  #readLine(): { header: ProxyHeader; rest: Buffer } | undefined {
    const end = this.#bytes.subarray(0, MAX_LINE_BYTES).indexOf('\r\n');
    if (end < 0) {
      if (this.#bytes.length >= MAX_LINE_BYTES) throw problem(`longer than ${MAX_LINE_BYTES} bytes`);
      return undefined;
    }
    const line = this.#bytes.toString('latin1', 0, end);
    return { header: parseLine(line), rest: this.#bytes.subarray(end + 2) };
  }

  // | 0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a | version u4 command u4 | family and transport u8 | length u16 | addresses | TLVs |
  #readBinary(): { header: ProxyHeader; rest: Buffer } | undefined {
    const bytes = this.#bytes;
    if (bytes.length < FIXED_BYTES) return undefined;
    const version = bytes[12]! >>> 4;
    const command = bytes[12]! & 0x0f;
    if (version !== 2) throw problem(`version ${version}`);
    if (command !== Command.Local && command !== Command.Proxy) throw problem(`command ${command}`);
    const length = bytes.readUInt16BE(14);
    if (length > MAX_BODY_BYTES) throw problem(`${length} bytes long, the limit is ${MAX_BODY_BYTES}`);
    const end = FIXED_BYTES + length;
    if (bytes.length < end) return undefined;
    const rest = bytes.subarray(end);
    const body = bytes.subarray(FIXED_BYTES, end);
    if (command === Command.Local) return { header: NOTHING_KNOWN, rest };
    return { header: parseBody(bytes[13]!, body), rest };
  }
}

const NOTHING_KNOWN: ProxyHeader = { source: undefined, destination: undefined, isTls: false };

function parseLine(line: string): ProxyHeader {
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return NOTHING_KNOWN;
  const match = /^PROXY TCP([46]) (\S+) (\S+) (\d{1,5}) (\d{1,5})$/.exec(line);
  if (!match) throw problem(JSON.stringify(line));
  const [, family, from = '', to = '', fromPort, toPort] = match;
  const isAddress = family === '4' ? isIPv4 : isIPv6;
  const ports = [Number(fromPort), Number(toPort)];
  if (!isAddress(from) || !isAddress(to) || from.includes('%') || ports.some((port) => port > 65535)) {
    throw problem(JSON.stringify(line));
  }
  return {
    source: { address: from, port: ports[0]! },
    destination: { address: to, port: ports[1]! },
    isTls: false,
  };
}

function parseBody(family: number, body: Buffer): ProxyHeader {
  // Unix sockets, datagrams and what was not known: "MUST accept the connection", by its own addresses. §2.2.
  const addressBytes = ADDRESS_BYTES[family];
  if (addressBytes === undefined) return NOTHING_KNOWN;
  if (body.length < addressBytes)
    throw problem(`${body.length} bytes of addresses, ${addressBytes} are needed`);
  const each = family === Tcp4 ? 4 : 16;
  const format = family === Tcp4 ? formatIPv4 : formatIPv6;
  return {
    source: { address: format(body.subarray(0, each)), port: body.readUInt16BE(2 * each) },
    destination: { address: format(body.subarray(each, 2 * each)), port: body.readUInt16BE(2 * each + 2) },
    isTls: saysTls(body.subarray(addressBytes)),
  };
}

// | type u8 | length u16 | value |  …      in a TLS one: | client u8 | verify u32 | … |    §2.2.5
function saysTls(tlvs: Buffer): boolean {
  let isTls = false;
  for (let at = 0; at < tlvs.length; ) {
    const value = at + 3;
    const end = value <= tlvs.length ? value + tlvs.readUInt16BE(at + 1) : Infinity;
    if (end > tlvs.length) throw problem('an extension that does not end in it');
    if (tlvs[at] === TLV_SSL && end > value) isTls = (tlvs[value]! & CLIENT_SSL) !== 0;
    at = end;
  }
  return isTls;
}

function formatIPv4(bytes: Buffer): string {
  return bytes.join('.');
}

/** As the URL standard writes it: the shortest form. RFC 5952. */
function formatIPv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** As far as both go. */
function startsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

function problem(what: string): DecodeError {
  return new DecodeError('ERR_PROXY_HEADER', `PROXY header: ${what}`);
}
