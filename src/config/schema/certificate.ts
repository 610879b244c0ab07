import { group, leaf, unused } from '../element.ts';
import { text } from '../value.ts';

const path = text('a path, relative to the folder of this file, or nothing');

/** The certificate of an adaptor or of a virtual host. */
export function certificate(when: string) {
  return {
    SSLCertificateFile: leaf(
      path,
      '',
      `The certificate, and after it, in PEM, those between it and the authority. ${when} Renewed files are taken up while ` +
        'the server runs, and a port that found none at the start is opened once there are. "understudy cert" makes one for ' +
        'trying out.',
    ),
    SSLCertificateKeyFile: group('', {
      '#text': leaf(path, '', 'The private key of the certificate. Nothing: it is in the same file.'),
      ...unused('@type'),
    }),
    SSLPassPhrase: leaf(text('a text, or nothing'), '', 'What opens an encrypted key.', { isSecret: true }),
  };
}
