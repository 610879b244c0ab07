// Adaptor.xml: ports, who may use them, and how they are encrypted. One folder of conf/ for each adaptor.
import { group, leaf, list, type Read, unsupported, unused } from '../element.ts';
import {
  choice,
  hostPort,
  kilobytes,
  milliseconds,
  minutes,
  nodeId,
  orElse,
  placeOrNowhere,
  seconds,
  text,
  trueOrFalse,
  whole,
} from '../value.ts';
import { accessLists, addresses } from './access-lists.ts';
import { certificate } from './certificate.ts';

const passedOn = {
  Host: list(
    group('', {
      '@port': leaf(orElse(whole(1, 65_535), '', 'all', undefined), '', 'Of which port of this adaptor.'),
      '#text': leaf(placeOrNowhere(80), '', 'The web server that they go to. Without a host: this machine.'),
    }),
  ),
  Timeout: leaf(seconds(1, 86_400), '60', 'How long neither side may have anything to say.'),
  ...unused('@maxbuf'),
};

export const ADAPTOR = group('', {
  HostPortList: group('The ports of this adaptor.', {
    HostPort: list(
      group('', {
        '@name': leaf(text('a name, or nothing'), '', 'What logs call it.'),
        '#text': leaf(
          hostPort(1935),
          '${ADAPTOR.HOSTPORT}',
          'Where RTMP is served, and HTTP with it: :1935,-443 is port 1935 in clear and 443 by TLS. Without a host: on all ' +
            'addresses of this machine. Several addresses: several elements in Adaptor.xml.',
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
  HTTPTunnel: group('RTMP in HTTP requests, for clients that get no other connection through: rtmpt://.', {
    Enable: leaf(
      choice('true', 'false', 'http1.1only', 'keepalive'),
      'true',
      'Whose requests are taken: all, none, those of HTTP/1.1, or those whose connections stay open.',
    ),
    IdleAckInterval: leaf(
      milliseconds(0, 10_000),
      '512',
      'How long a request may be kept for something to say. More saves requests, less makes pauses shorter.',
    ),
    IdlePostInterval: leaf(
      milliseconds(0, 4064),
      '512',
      'The longest that a client with nothing to say waits between two requests.',
    ),
    IdleTimeout: leaf(
      orElse(seconds(1, 86_400), '-1', 'never', undefined),
      '60',
      'A client without a request for so long has gone.',
    ),
    MaxTunnels: leaf(whole(1, 1_000_000), '10000', 'How many clients come by tunnel at a time.'),
    MaxTunnelsPerAddress: leaf(
      whole(1, 1_000_000),
      '256',
      'How many of them from one address: a company may have a single one.',
    ),
    MimeType: leaf(
      text('a media type'),
      'application/x-fcs',
      'What answers are when the request does not say what it is.',
    ),
    NodeID: leaf(
      nodeId,
      '',
      'What the ids of tunnels begin with, so that a load balancer can tell by a path which server it belongs to.',
    ),
    SetCookie: leaf(
      trueOrFalse,
      'false',
      'Whether who opens a tunnel gets a cookie that names this server, for load balancers that go by cookies.',
    ),
    WriteBufferSize: leaf(
      kilobytes(1, 16_384),
      '256',
      'An answer with so much in it takes no more: how much a slow client can keep from the others.',
    ),
    MaxRequestSize: leaf(
      kilobytes(64, 65_536),
      '4096',
      'The longest request. It holds what a client has gathered since the last, a large picture perhaps.',
    ),
    RequestTimeout: leaf(seconds(1, 3600), '30', 'How long the whole of a request may take to arrive.'),
    MaxPipelinedRequests: leaf(
      whole(1, 100),
      '5',
      'Requests of one client that may have overtaken the one that is to be served before them.',
    ),
    PipelineTimeout: leaf(seconds(1, 60), '5', 'How long they wait for it.'),
    MaxHeaderLineLength: leaf(
      whole(128, 1_048_576),
      '8192',
      'The longest header of a request, in characters. MaxHeaderSize of HTTP bounds all of them together.',
    ),
    Redirect: group(
      'Connections whose first request by HTTP is for none of this server: they are passed on as they are, to the end.',
      {
        '@enable': leaf(
          trueOrFalse,
          'false',
          'Whether they are. Else, and on other ports, the answer is not found.',
        ),
        ...passedOn,
      },
    ),
    HttpProxy: group(
      'Requests by HTTP that are for none of this server: they are passed on one by one, as a proxy does it, with the ' +
        'address of the client in X-Forwarded-For.',
      {
        '@enable': leaf(
          trueOrFalse,
          'false',
          'Whether they are. Else, and on other ports, the answer is not found.',
        ),
        MaxRequests: leaf(
          whole(1, 10_000),
          '256',
          'Requests under way to one web server; more wait for their turn. A web site with many visitors has some 20.',
        ),
        MaxRequestsPerAddress: leaf(
          whole(1, 10_000),
          '64',
          'How many of them are of one client address; more wait for their turn. A browser has 6. Set it to MaxRequests if a ' +
            'proxy or CDN without PROXY protocol is in front: then all clients have one address.',
        ),
        MaxUpgrades: leaf(
          whole(0, 100_000),
          '1024',
          'Connections to one web server that have been upgraded to another protocol, such as WebSocket; more wait for their turn. ' +
            'They do not count as requests. Each ends when neither side has sent anything for Timeout, and makes room for others ' +
            'like a request below MinRate. 0: the server does not pass on the Upgrade field.',
        ),
        MaxUpgradesPerAddress: leaf(
          whole(1, 100_000),
          '64',
          'Limit of MaxUpgrades for one client address. Set it to MaxUpgrades if a proxy or CDN without PROXY protocol is in front.',
        ),
        MinRate: leaf(
          whole(0, 1_000_000),
          '500',
          'Least rate of bodies in bytes per second. A request whose client sends or reads more slowly for Timeout is ended. While ' +
            'others wait for their turn, slow ones end sooner: after 2 s to 10 s those that the client keeps waiting, after 10 s ' +
            'to 18 s those whose answer the web server sends that slowly (server-sent events), of the addresses that have the ' +
            'most requests. A web server may take as long as it likes (Timeout) before its answer begins. 0: no least rate.',
        ),
        ...passedOn,
      },
    ),
    NeedClose: unsupported('true'),
    ...unused('Edge', 'MaxWriteDelay', 'MinWriteDelay'),
  }),
  HTTP: group('Requests by HTTP on these ports, those of tunnels included.', {
    WaitTimeout: leaf(
      seconds(1, 600),
      '15',
      'How long a connection may wait for its first or next request, and the head of a request take to arrive.',
    ),
    MaxHeaderSize: leaf(
      kilobytes(1, 1024),
      '16',
      'The longest head of a request; the cookies of other servers on the same host are in it.',
    ),
  }),
  HTTPIdent: group('', { '@enable': unsupported('false') }),
  HTTPNull: group('GET /, which load balancers ask to see whether a server is there.', {
    '@enable': leaf(
      trueOrFalse,
      'false',
      'Whether it is answered, with nothing. Else it is for the web server of HttpProxy or Redirect, or not found.',
    ),
  }),
  HTTPUserInfo: group('', {
    '@enable': unsupported('false'),
    ...unused('MaxSize', 'Path', 'UpdateInterval'),
  }),
  EnableAltVhost: leaf(
    trueOrFalse,
    'false',
    'Whether clients may name the virtual host that they mean, where it is not the host that they have reached: ' +
      'rtmp://192.0.2.1/live?_fcs_vhost=show.example.com.',
  ),
  RTMP: group('', {
    RTMPE: group(
      'RTMP whose bytes are hidden, rtmpe:// and in HTTP rtmpte://. It keeps out who only looks on, and nobody who steps in ' +
        'between: its keys are known to everybody. RTMPS keeps out both.',
      { '@enabled': leaf(trueOrFalse, 'true', 'Whether clients may do so.') },
    ),
  }),
  ...unused('RTMFP', 'ResourceLimits'),
});

export type AdaptorValues = Read<typeof ADAPTOR>;
