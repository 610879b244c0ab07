// A certificate that vouches for itself. node:crypto makes keys and signatures but no certificates; this is the one shape of
// them that is needed here, in DER. RFC 5280 §4.1, RFC 5480, RFC 5758.
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

export interface SelfSigned {
  /** PEM */
  certificate: string;
  /** PEM, PKCS #8, not encrypted. */
  key: string;
  validTo: Date;
}

/** What browsers and Apple's systems take at most from a server is 398 days. */
const VALID_DAYS = 397;
const DAY_MS = 86_400_000;
/** Names may be longer; clients compare them with subjectAltName. */
const MAX_COMMON_NAME = 64;

/** `names`: host names and addresses, at least one. */
export function selfSigned(names: readonly [string, ...string[]], now: Date): SelfSigned {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const validTo = new Date(now.getTime() + VALID_DAYS * DAY_MS);
  const body = toBeSigned(names, publicKey, now, validTo);
  const signature = sign('sha256', body, privateKey);
  const der = sequence(body, ECDSA_WITH_SHA256, bitString(signature));
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return {
    certificate: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    validTo,
  };
}

function toBeSigned(names: readonly [string, ...string[]], key: KeyObject, from: Date, to: Date): Buffer {
  const commonName = names.find(({ length }) => length <= MAX_COMMON_NAME) ?? 'understudy';
  const subject = sequence(der(SET, sequence(oid('55 04 03'), der(UTF8_STRING, Buffer.from(commonName)))));
  return sequence(
    der(context(0), der(INTEGER, Buffer.from([2]))), // version 3
    der(INTEGER, serialNumber()),
    ECDSA_WITH_SHA256,
    subject, // the issuer
    sequence(utcTime(from), utcTime(to)),
    subject,
    key.export({ type: 'spki', format: 'der' }),
    der(
      context(3),
      sequence(
        extension('55 1d 13', sequence(), true), // basicConstraints: no authority, whoever trusts it trusts it alone
        extension('55 1d 0f', der(BIT_STRING, Buffer.from([7, 0x80])), true), // keyUsage: digitalSignature
        extension('55 1d 25', sequence(oid('2b 06 01 05 05 07 03 01'))), // extKeyUsage: serverAuth
        extension('55 1d 11', sequence(...names.map(generalName))), // subjectAltName
      ),
    ),
  );
}

/** Positive, and of full length. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes;
}

function extension(id: string, value: Buffer, isCritical = false): Buffer {
  const critical = isCritical ? [der(BOOLEAN, Buffer.from([0xff]))] : [];
  return sequence(oid(id), ...critical, der(OCTET_STRING, value));
}

function generalName(name: string): Buffer {
  const family = isIP(name);
  if (family === 0) return der(0x82, Buffer.from(name, 'ascii')); // dNSName
  return der(0x87, family === 4 ? Buffer.from(name.split('.').map(Number)) : ipv6Bytes(name)); // iPAddress
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [before, after] = [groups(head), groups(tail)];
  while (before.length + after.length < 8) before.push('0');
  return Buffer.from([...before, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

// ── DER: | tag u8 | length, one byte or 0x80 + how many | value | ────────────────────────────────────────────────

const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;

const ECDSA_WITH_SHA256 = sequence(oid('2a 86 48 ce 3d 04 03 02'));

function der(tag: number, ...parts: Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const { length } = value;
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >>> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), value]);
}

function sequence(...parts: Buffer[]): Buffer {
  return der(SEQUENCE, ...parts);
}

function context(tag: number): number {
  return 0xa0 | tag;
}

/** Its bytes as they stand in DER. */
function oid(bytes: string): Buffer {
  return der(OBJECT_ID, Buffer.from(bytes.replaceAll(' ', ''), 'hex'));
}

function bitString(bytes: Buffer): Buffer {
  return der(BIT_STRING, Buffer.from([0]), bytes);
}

/** Good until 2049, when dates in certificates change their form. */
function utcTime(date: Date): Buffer {
  const text = date.toISOString().replace(/^\d\d|[-:T]|\.\d+/g, '');
  return der(UTC_TIME, Buffer.from(text, 'ascii'));
}
