import { group, leaf, unused } from '../element.ts';
import { text } from '../value.ts';

const path = text('a path, relative to the folder of this file, or nothing');

/** The certificate of an adaptor or of a virtual host. */
export function certificate(when: string) {
  return {
    SSLCertificateFile: leaf(
      path,
      '',
      `The certificate, followed by its intermediate certificates, in PEM. ${when} Renewed files are loaded while ` +
        'the server runs. A port without a certificate at the start is opened as soon as there is one. "understudy ' +
        'cert" creates one for tests.',
    ),
    SSLCertificateKeyFile: group('', {
      '#text': leaf(path, '', 'The private key of the certificate. Empty: it is in the same file.'),
      ...unused('@type'),
    }),
    SSLPassPhrase: leaf(text('a text, or nothing'), '', 'Passphrase of an encrypted key.', {
      isSecret: true,
    }),
  };
}
