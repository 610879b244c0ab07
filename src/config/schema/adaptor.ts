// Adaptor.xml: ports, who may use them, and how they are encrypted. One folder of conf/ for each adaptor.
import { group, leaf, list, type Read, unsupported, unused } from '../element.ts';
import { choice, hostPort, minutes, text } from '../value.ts';
import { accessLists } from './access-lists.ts';

export const ADAPTOR = group('', {
  HostPortList: group('The ports of this adaptor.', {
    HostPort: list(
      group('', {
        '@name': leaf(text('a name, or nothing'), '', 'What logs call it.'),
        '#text': leaf(
          hostPort(1935),
          '${ADAPTOR.HOSTPORT}',
          'Where RTMP is served. Without a host: on all addresses of this machine. Several elements: all of them.',
        ),
        ...unused('@ctl_channel', '@rtmfp'),
      }),
      { atLeastOne: true },
    ),
  }),
  ...accessLists('these ports'),
  SSL: group('TLS, for the ports with a minus.', {
    SSLServerCtx: group('What this server shows and accepts. Other certificates need other adaptors.', {
      SSLCertificateFile: leaf(
        text('a path, relative to the folder of this file, or nothing'),
        '',
        'The certificate, PEM, and those between it and the authority.',
      ),
      SSLCertificateKeyFile: group('', {
        '@type': leaf(choice('PEM', 'ASN1'), 'PEM', 'Its form.'),
        '#text': leaf(
          text('a path, relative to the folder of this file, or nothing'),
          '',
          'The private key of the certificate.',
        ),
      }),
      SSLPassPhrase: leaf(text('a text, or nothing'), '', 'What opens an encrypted key.'),
      SSLCipherSuite: leaf(
        text("names as of OpenSSL, or nothing: Node's own choice"),
        '',
        "The ciphers of TLS 1.2. Flash Media Server's list, ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH, counts as nothing.",
      ),
      SSLSessionTimeout: leaf(minutes(1, 1440), '5', 'How long a client may resume its session.'),
    }),
  }),
  HTTPTunnel: group('', {
    Enable: unsupported('true', 'http1.1only', 'keepalive'),
    ...unused(
      'Edge',
      'HttpProxy',
      'IdleAckInterval',
      'IdlePostInterval',
      'IdleTimeout',
      'MaxHeaderLineLength',
    ),
    ...unused('MaxPipelinedRequests', 'MaxWriteDelay', 'MimeType', 'MinWriteDelay', 'NeedClose', 'NodeID'),
    ...unused('Redirect', 'SetCookie', 'WriteBufferSize'),
  }),
  HTTPIdent: group('', { '@enable': unsupported('false') }),
  HTTPNull: group('', { '@enable': unsupported('false') }),
  HTTPUserInfo: group('', {
    '@enable': unsupported('false'),
    ...unused('MaxSize', 'Path', 'UpdateInterval'),
  }),
  EnableAltVhost: unsupported('false'),
  ...unused('HTTPIdent2', 'RTMFP', 'RTMP', 'ResourceLimits'),
});

export type AdaptorValues = Read<typeof ADAPTOR>;
