// Certificates for tests: made anew, kept in a folder of the test's own.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SelfSigned, selfSigned } from '../../src/cli/self-signed.ts';

/** For 127.0.0.1 and these names; the first tells one from another. */
export function certificateFor(...names: string[]): SelfSigned {
  return selfSigned([names[0] ?? 'localhost', ...names.slice(1), '127.0.0.1', '::1'], new Date());
}

export interface CertificatePaths {
  certFile: string;
  keyFile: string;
  passphrase: undefined;
}

export function writeCertificate(
  folder: string,
  { certificate, key }: SelfSigned,
  name = 'tls',
): CertificatePaths {
  const paths = { certFile: join(folder, `${name}-cert.pem`), keyFile: join(folder, `${name}-key.pem`) };
  writeFileSync(paths.certFile, certificate);
  writeFileSync(paths.keyFile, key);
  return { ...paths, passphrase: undefined };
}
