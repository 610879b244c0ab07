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
      '@port': leaf(
        orElse(whole(1, 65_535), '', 'all', undefined),
        '',
        'The port of this adaptor whose requests go to this web server.',
      ),
      '#text': leaf(placeOrNowhere(80), '', 'The web server. Without a host: this machine.'),
    }),
  ),
  Timeout: leaf(seconds(1, 86_400), '60', 'Timeout for a connection on which neither side sends anything.'),
  ...unused('@maxbuf'),
};

export const ADAPTOR = group('', {
  HostPortList: group('Ports of this adaptor.', {
    HostPort: list(
      group('', {
        '@name': leaf(text('a name, or nothing'), '', 'Name of this port in logs.'),
        '#text': leaf(
          hostPort(1935),
          '${ADAPTOR.HOSTPORT}',
          'Address and ports for RTMP and HTTP: with :1935,-443 port 1935 is unencrypted and port 443 uses TLS. ' +
            'Without a host: on all addresses of this machine. For several addresses, use several elements in ' +
            'Adaptor.xml.',
        ),
        ...unused('@ctl_channel', '@rtmfp'),
      }),
      { atLeastOne: true },
    ),
  }),
  ...accessLists('these ports'),
  SSL: group('TLS, for ports with a minus sign.', {
    SSLServerCtx: group('Certificate, ciphers and sessions.', {
      ...certificate('If a virtual host has its own certificate, this one serves all other host names.'),
      SSLCipherSuite: leaf(
        text('cipher names of OpenSSL, or nothing: the default of Node.js'),
        '',
        'Ciphers of TLS 1.2. The list of Flash Media Server, ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH, is treated as ' +
          'empty.',
      ),
      SSLSessionTimeout: leaf(minutes(1, 1440), '5', 'Time for which a client may resume its TLS session.'),
    }),
  }),
  ProxyProtocol: group('PROXY protocol, as HAProxy and load balancers send it.', {
    From: leaf(
      addresses,
      '',
      'Proxies that send a PROXY protocol header, version 1 or 2, before each connection. The server requires the ' +
        "header from them and takes the client's address from it. It does not accept the header from other " +
        'addresses.',
    ),
  }),
  HTTPIdent2: group('The request of tunnelling players before they open a tunnel (/fcs/ident2).', {
    '@enable': leaf(trueOrFalse, 'true', 'Answer the request.'),
    '#text': leaf(
      text('an address, or nothing: the address that the player has connected to'),
      '',
      'Address that the response gives to players; they connect to it.',
    ),
  }),
  HTTPTunnel: group(
    'RTMP tunnelled in HTTP requests, for clients behind firewalls that allow nothing else: rtmpt://.',
    {
      Enable: leaf(
        choice('true', 'false', 'http1.1only', 'keepalive'),
        'true',
        'Accepted tunnel requests: all, none, those of HTTP/1.1 only, or those of persistent connections only.',
      ),
      IdleAckInterval: leaf(
        milliseconds(0, 10_000),
        '512',
        'Longest time that the server holds a request until it has data for the client. Higher values save ' +
          'requests, lower values shorten pauses.',
      ),
      IdlePostInterval: leaf(
        milliseconds(0, 4064),
        '512',
        'Longest time that a client without data to send waits between two requests.',
      ),
      IdleTimeout: leaf(
        orElse(seconds(1, 86_400), '-1', 'never', undefined),
        '60',
        'Time without a request after which a client is disconnected.',
      ),
      MaxTunnels: leaf(
        whole(1, 1_000_000),
        '10000',
        'Maximum number of tunnels that are open at the same time.',
      ),
      MaxTunnelsPerAddress: leaf(
        whole(1, 1_000_000),
        '256',
        'Maximum number of tunnels from one address. All clients of a company may share one address.',
      ),
      MimeType: leaf(
        text('a media type'),
        'application/x-fcs',
        'Content-Type of responses to requests that have none.',
      ),
      NodeID: leaf(
        nodeId,
        '',
        'Prefix of tunnel IDs, by which a load balancer can route requests to this server.',
      ),
      SetCookie: leaf(
        trueOrFalse,
        'false',
        "Set a cookie with this server's ID when a tunnel opens, for cookie-based session affinity.",
      ),
      WriteBufferSize: leaf(
        kilobytes(1, 16_384),
        '256',
        'Maximum size of the body of one tunnel response. It limits how long a slow client can delay the others.',
      ),
      MaxRequestSize: leaf(
        kilobytes(64, 65_536),
        '4096',
        'Maximum size of a tunnel request. A request carries everything that the client has gathered since the last ' +
          'one, perhaps a large picture.',
      ),
      RequestTimeout: leaf(seconds(1, 3600), '30', 'Timeout for receiving a whole request.'),
      MaxPipelinedRequests: leaf(
        whole(1, 100),
        '5',
        'Maximum number of out-of-order tunnel requests buffered per client.',
      ),
      PipelineTimeout: leaf(
        seconds(1, 60),
        '5',
        'Longest time that out-of-order requests wait for the missing one.',
      ),
      MaxHeaderLineLength: leaf(
        whole(128, 1_048_576),
        '8192',
        'Maximum length of one header of a request, in characters. MaxHeaderSize of HTTP limits all headers ' +
          'together.',
      ),
      Redirect: group(
        'Forwarding of connections whose first HTTP request matches no route of this server. The server forwards ' +
          'the whole connection unchanged until it ends.',
        {
          '@enable': leaf(
            trueOrFalse,
            'false',
            'Forward them. If false, and on ports without a Host entry, the response is 404 Not Found.',
          ),
          ...passedOn,
        },
      ),
      HttpProxy: group(
        'Reverse proxy for HTTP requests that match no route of this server. The server forwards each request by ' +
          "itself, with the client's address in X-Forwarded-For.",
        {
          '@enable': leaf(
            trueOrFalse,
            'false',
            'Forward them. If false, and on ports without a Host entry, the response is 404 Not Found.',
          ),
          MaxRequests: leaf(
            whole(1, 10_000),
            '256',
            'Maximum number of concurrent requests to one web server; more requests wait in a queue. A web site ' +
              'with many visitors has some 20.',
          ),
          MaxRequestsPerAddress: leaf(
            whole(1, 10_000),
            '64',
            'Maximum number of concurrent requests of one client address; more requests wait in a queue. A browser ' +
              'has 6. Set it to MaxRequests if a proxy or CDN without PROXY protocol is in front of the server, since ' +
              'then all clients have one address.',
          ),
          MaxUpgrades: leaf(
            whole(0, 100_000),
            '1024',
            'Maximum number of connections to one web server that have been upgraded to another protocol, such as ' +
              'WebSocket; more wait in a queue. They do not count as requests. Each ends when neither side has sent ' +
              'anything for Timeout, and makes room for others like a request below MinRate. 0: the server does not ' +
              'pass on the Upgrade field.',
          ),
          MaxUpgradesPerAddress: leaf(
            whole(1, 100_000),
            '64',
            'Limit of MaxUpgrades for one client address. Set it to MaxUpgrades if a proxy or CDN without PROXY ' +
              'protocol is in front of the server.',
          ),
          MinRate: leaf(
            whole(0, 1_000_000),
            '500',
            'Minimum transfer rate of bodies, in bytes per second. A request whose client sends or reads more ' +
              'slowly for Timeout is aborted. While other requests wait in the queue, slow ones are aborted sooner, ' +
              'beginning with the addresses that have the most requests: those that the client delays after 2 s to 10 ' +
              's, those whose response the web server sends too slowly (server-sent events) after 10 s to 18 s. A web ' +
              'server may take up to Timeout before its response begins. 0: no minimum.',
          ),
          ...passedOn,
        },
      ),
      NeedClose: unsupported('true'),
      ...unused('Edge', 'MaxWriteDelay', 'MinWriteDelay'),
    },
  ),
  HTTP: group('HTTP requests on these ports, including those of tunnels.', {
    WaitTimeout: leaf(
      seconds(1, 600),
      '15',
      'Timeout for the first or next request of a connection, and for the head of a request.',
    ),
    MaxHeaderSize: leaf(
      kilobytes(1, 1024),
      '16',
      'Maximum size of the head of a request. It includes the cookies of other servers on the same host.',
    ),
  }),
  HTTPIdent: group('', { '@enable': unsupported('false') }),
  HTTPNull: group('GET /, the health check of load balancers.', {
    '@enable': leaf(
      trueOrFalse,
      'false',
      'Answer it with an empty response. If false, it goes to the web server of HttpProxy or Redirect, or gets ' +
        '404 Not Found.',
    ),
  }),
  HTTPUserInfo: group('', {
    '@enable': unsupported('false'),
    ...unused('MaxSize', 'Path', 'UpdateInterval'),
  }),
  EnableAltVhost: leaf(
    trueOrFalse,
    'false',
    'Let clients name the virtual host in the URL if it differs from the host that they connect to: ' +
      'rtmp://192.0.2.1/live?_fcs_vhost=show.example.com.',
  ),
  RTMP: group('', {
    RTMPE: group(
      'RTMPE, encrypted RTMP: rtmpe://, and through HTTP rtmpte://. It protects against passive eavesdropping, ' +
        'but not against a man in the middle, since its keys are public. RTMPS protects against both.',
      { '@enabled': leaf(trueOrFalse, 'true', 'Accept RTMPE.') },
    ),
  }),
  ...unused('RTMFP', 'ResourceLimits'),
});

export type AdaptorValues = Read<typeof ADAPTOR>;
