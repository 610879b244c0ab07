// Vhost.xml: a host name with applications of its own. One folder of the adaptor's for each, called like the host.
import { group, leaf, list, type Read, unsupported, unused } from '../element.ts';
import { orElse, seconds, text, trueOrFalse, whole } from '../value.ts';
import { addresses } from './access-lists.ts';
import { certificate } from './certificate.ts';
import { virtualDirectory } from './virtual-directory.ts';

export const VHOST = group('', {
  AliasList: group('Aliases: further host names of this virtual host.', {
    Alias: list(group('', { '@name': leaf(text('a host name'), '', 'A host name.') })),
  }),
  AppsDir: leaf(
    text('a path, relative to the root folder, or nothing: applications, beside Vhost.xml'),
    '${VHOST.APPSDIR}',
    'Folder that contains the applications, one subfolder each.',
  ),
  AutoCloseIdleClients: group(
    'Disconnection of idle clients. A client is idle while it neither sends nor receives anything.',
    {
      '@enable': leaf(
        trueOrFalse,
        'true',
        'Disconnect idle clients. Takes effect only if Server.xml enables it too.',
      ),
      MaxIdleTime: leaf(
        orElse(seconds(1, 86400), '0', 'the value in Server.xml', undefined),
        '0',
        'Idle time after which a client is disconnected.',
      ),
      ...unused('CheckInterval'),
    },
  ),
  SSL: group(
    'TLS for clients that connect to this host name or to one of its aliases.',
    certificate('Empty: the certificate of the adaptor.'),
  ),
  ResourceLimits: group('', {
    MaxConnections: leaf(
      orElse(whole(0, 1000000), '-1', 'any number', undefined),
      '-1',
      'Maximum number of clients of all its applications together.',
    ),
    MaxAppInstances: leaf(
      whole(1, 1000000),
      '2000',
      'Maximum number of instances of all its applications together. The script of each instance uses at least 2 ' +
        'MB, and any client that knows an application can start one. At this limit and the next two, the instance ' +
        'that has been idle longest is unloaded to make room. If none is idle, the client is refused. The default ' +
        'in Flash Media Server was 15000.',
    ),
    MaxAppInstancesPerApplication: leaf(
      orElse(whole(1, 1000000), '-1', 'any number', undefined),
      '1000',
      'Maximum number of instances of one application, so that the others keep room. A site with a room for each ' +
        'meeting has some hundred. MaxApplicationShare in Server.xml limits their memory as well.',
    ),
    MaxAppInstancesPerAddress: leaf(
      orElse(whole(1, 1000000), '-1', 'any number', undefined),
      '250',
      'Maximum number of running instances that clients from one IPv4 address or one IPv6 /64 network have ' +
        'started. A viewer starts one, an office behind one address some dozens. Raise it if all clients connect ' +
        'through one proxy that sends no PROXY header.',
    ),
    MaxAppInstanceRatePerAddress: leaf(
      orElse(whole(1, 1000000), '-1', 'any', undefined),
      '10',
      'Rate limit for instances that clients from one address start, per second. A burst of 25 times as many is ' +
        'allowed. Above it, clients that would start an instance are refused. Instances that already run do not ' +
        'count.',
    ),
    ...unused('AppInstanceGC', 'MaxEdgeConnections', 'MaxSharedObjects', 'MaxStreams'),
  }),
  VirtualDirectory: virtualDirectory,
  Allow: leaf(
    addresses,
    'all',
    'Clients that may connect to its applications, by address, host or domain. Empty: all.',
  ),
  Proxy: group('', {
    Mode: unsupported('local'),
    ...unused('AggregateMessages', 'Anonymous', 'CacheDir', 'EdgeAutoDiscovery', 'LocalAddress'),
    ...unused('RequestTimeout', 'RouteTable', 'SSL'),
  }),
  ...unused('DNSSuffix', 'Logging', 'VirtualKeys'),
});

export type VhostValues = Read<typeof VHOST>;
