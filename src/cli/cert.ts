// `understudy cert [NAME…]`
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_ADAPTOR, loadConfig } from '../config/load.ts';
import { CommandError, UsageError } from './args.ts';
import { here } from './here.ts';
import { selfSigned } from './self-signed.ts';

const CERTIFICATE = 'cert.pem';
const KEY = 'key.pem';
const HOST_NAME = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;

/** Returns what to tell the operator. */
export function makeCertificate(root: string, given: readonly string[]): string {
  for (const name of given) {
    const isName = HOST_NAME.test(name) && name.length <= 253 && !/^[\d.]+$/.test(name);
    if (!isIP(name) && !isName) throw new UsageError(`cert: '${name}' is neither a host name nor an address`);
    if (name.includes('%')) throw new UsageError(`cert: '${name}': a certificate cannot have an IPv6 zone`);
  }
  const folder = join(loadConfig({ root, set: {} }).root, 'conf', DEFAULT_ADAPTOR);
  const [certFile, keyFile] = [join(folder, CERTIFICATE), join(folder, KEY)];
  for (const file of [certFile, keyFile]) {
    if (existsSync(file)) throw new CommandError('ERR_CLI_EXISTS', `${here(file)} exists already`);
  }

  const names = [...new Set(given.length > 0 ? given : ['localhost', ...ownName(), '127.0.0.1', '::1'])];
  const { certificate, key, validTo } = selfSigned([names[0]!, ...names.slice(1)], new Date());
  mkdirSync(folder, { recursive: true });
  writeFileSync(keyFile, key, { mode: 0o600, flag: 'wx' });
  try {
    writeFileSync(certFile, certificate, { flag: 'wx' });
  } catch (error) {
    rmSync(keyFile);
    throw error;
  }
  return `\
${here(certFile)} and ${KEY} are for ${names.join(', ')}, until ${validTo.toISOString().slice(0, 10)}. To use them:

  ${here(join(folder, 'Adaptor.xml'))}
    <SSLCertificateFile>${CERTIFICATE}</SSLCertificateFile>
    <SSLCertificateKeyFile type="PEM">${KEY}</SSLCertificateKeyFile>
  ${here(join(folder, '..', 'fms.ini'))}
    ADAPTOR.HOSTPORT = :1935,-443

The certificate is self-signed: use it for tests only, and configure clients to trust it.`;
}

function ownName(): string[] {
  return HOST_NAME.test(hostname()) ? [hostname()] : [];
}
