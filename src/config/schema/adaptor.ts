// Adaptor.xml: ports, who may use them, and how they are encrypted. One folder of conf/ for each adaptor.
import { group, leaf, list, type Read, unsupported, unused } from '../element.ts';
import { hostPort, minutes, text, trueOrFalse } from '../value.ts';
import { accessLists, addresses } from './access-lists.ts';
import { certificate } from './certificate.ts';

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
    SSLServerCtx: group('What this server shows and accepts.', {
      ...certificate('With a virtual host that has its own, for all other names.'),
      SSLCipherSuite: leaf(
        text("names as of OpenSSL, or nothing: Node's own choice"),
        '',
        "The ciphers of TLS 1.2. Flash Media Server's list, ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH, counts as nothing.",
      ),
      SSLSessionTimeout: leaf(minutes(1, 1440), '5', 'How long a client may resume its session.'),
    }),
  }),
  ProxyProtocol: group('Who passes connections on, as HAProxy and load balancers do.', {
    From: leaf(
      addresses,
      '',
      'Proxies that put a PROXY protocol header, version 1 or 2, before each connection. From them it must come, and the ' +
        "address in it is the client's; from all others it is not understood.",
    ),
  }),
  HTTPIdent2: group('What tunnelling players ask for before they begin (/fcs/ident2).', {
    '@enable': leaf(trueOrFalse, 'true', 'Whether they are answered.'),
    '#text': leaf(
      text('an address, or nothing: the one that the player has reached'),
      '',
      'The address that they shall go to.',
    ),
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
  ...unused('RTMFP', 'RTMP', 'ResourceLimits'),
});

export type AdaptorValues = Read<typeof ADAPTOR>;
