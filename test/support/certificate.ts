// Certificates for tests: made anew, kept in a folder of the test's own.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificate } from '../../src/cli/cert.ts';
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

/** A root whose adaptor has the certificate that `understudy cert` makes; with what it says has to be done. */
export function rootWithCertificate(folder: string, name: string, moreOfAdaptor = ''): string {
  const root = join(folder, name);
  mkdirSync(root);
  makeCertificate(root, ['localhost', '127.0.0.1']);
  writeFileSync(
    join(root, 'conf', '_defaultRoot_', 'Adaptor.xml'),
    `<Adaptor>${moreOfAdaptor}<SSL><SSLServerCtx>
       <SSLCertificateFile>cert.pem</SSLCertificateFile>
       <SSLCertificateKeyFile type="PEM">key.pem</SSLCertificateKeyFile>
     </SSLServerCtx></SSL></Adaptor>`,
  );
  return root;
}
