// A certificate and its key, from their files to what a TLS handshake needs.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { readAuthorFile } from '../../disk/author-file.ts';
import { ConfigError, FileError } from '../../errors.ts';

/** Absolute paths. Whether a file is PEM or DER is seen from its first bytes. */
export interface CertificateFiles {
  /** The certificate; in PEM those between it and the authority follow. */
  certFile: string;
  /** Undefined: in the certificate's file as well. */
  keyFile: string | undefined;
  passphrase: string | undefined;
}

export interface Certificate {
  /** With which a TLS server is made. */
  options: SecureContextOptions;
  context: SecureContext;
  /** `DNS:example.com, IP Address:127.0.0.1`; without such names its subject. */
  names: string;
  validTo: Date;
}

/** A certificate with its chain is some kB; whatever is longer was not meant. */
const MAX_FILE_BYTES = 1 << 20;

/** A ConfigError names the file and says what is wrong with it; never the passphrase. */
export async function loadCertificate(
  files: CertificateFiles,
  common: SecureContextOptions,
): Promise<Certificate> {
  const { certFile, keyFile = certFile } = files;
  const chain = toPem(await read(certFile));
  const leaf = parseCertificate(chain, certFile);
  const key = parseKey(await read(keyFile), keyFile, files.passphrase);
  if (!leaf.checkPrivateKey(key)) throw problem(`the key in ${keyFile} does not belong to ${certFile}`);
  const options = { ...common, cert: chain, key: key.export({ type: 'pkcs8', format: 'pem' }) };
  let context: SecureContext;
  try {
    context = createSecureContext(options);
  } catch (error) {
    throw problem(`${certFile} cannot be used: ${(error as Error).message}`, error); // a broken chain, a cipher list of none
  }
  return {
    options,
    context,
    names: leaf.subjectAltName ?? leaf.subject,
    validTo: new Date(leaf.validTo),
  };
}

/** Certificates of authorities, in PEM. */
export async function loadAuthorities(file: string): Promise<string> {
  const pem = await read(file);
  if (!isPem(pem)) throw problem(`${file} has no certificate in PEM`);
  parseCertificate(pem, file);
  return pem.toString();
}

/** Another text whenever one of the files is another, through symbolic links too; a missing file has one as well. */
export async function stampOf({ certFile, keyFile = certFile }: CertificateFiles): Promise<string> {
  const stamps = [certFile, keyFile].map(async (file) => {
    const facts = await stat(file, { bigint: true }).catch(() => undefined);
    return facts ? `${facts.dev}:${facts.ino}:${facts.size}:${facts.mtimeNs}:${facts.ctimeNs}` : '-';
  });
  return (await Promise.all(stamps)).join(' ');
}

async function read(file: string): Promise<Buffer> {
  try {
    const found = await readAuthorFile(file, { maxBytes: MAX_FILE_BYTES });
    if (found) return found.bytes;
  } catch (error) {
    if (error instanceof FileError) throw problem(`${file} cannot be read: ${error.message}`, error);
    throw error;
  }
  throw problem(`${file} does not exist`);
}

function isPem(bytes: Buffer): boolean {
  return bytes.includes('-----BEGIN ');
}

function toPem(bytes: Buffer): Buffer {
  if (isPem(bytes)) return bytes;
  try {
    return Buffer.from(new X509Certificate(bytes).toString());
  } catch {
    return bytes; // parseCertificate says so
  }
}

function parseCertificate(pem: Buffer, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw problem(`${file} holds no certificate`, error);
  }
}

function parseKey(bytes: Buffer, file: string, passphrase: string | undefined): KeyObject {
  // DER does not say which of its three forms it has
  for (const type of isPem(bytes) ? [] : (['pkcs1', 'sec1'] as const)) {
    try {
      return createPrivateKey({ key: bytes, format: 'der', type });
    } catch {}
  }
  try {
    if (isPem(bytes)) return createPrivateKey({ key: bytes, passphrase });
    return createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8', passphrase });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!/PASSPHRASE|BAD_DECRYPT|BAD_PASSWORD|CANCELLED|CIPHERFINAL/.test(code)) {
      throw problem(`${file} holds no private key that can be read`, error);
    }
    if (passphrase === undefined) throw problem(`the key in ${file} needs its passphrase`, error);
    throw problem(`the passphrase does not open the key in ${file}`, error);
  }
}

function problem(text: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_CONFIG_CERTIFICATE', text, { cause });
}
