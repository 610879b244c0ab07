// Vhost.xml: a host name with applications of its own. One folder of the adaptor's for each, called like the host.
import { group, leaf, list, type Read, unsupported, unused } from '../element.ts';
import { orElse, seconds, text, trueOrFalse, whole } from '../value.ts';
import { addresses } from './access-lists.ts';
import { certificate } from './certificate.ts';
import { virtualDirectory } from './virtual-directory.ts';

export const VHOST = group('', {
  AliasList: group('Other names of this host.', {
    Alias: list(group('', { '@name': leaf(text('a host name'), '', 'One of them.') })),
  }),
  AppsDir: leaf(
    text('a path, relative to the root folder, or nothing: applications, beside Vhost.xml'),
    '${VHOST.APPSDIR}',
    'The folder whose sub-folders are the applications.',
  ),
  AutoCloseIdleClients: group('Clients that send and take nothing at all.', {
    '@enable': leaf(trueOrFalse, 'true', 'Whether they are closed. Only where Server.xml closes them too.'),
    MaxIdleTime: leaf(
      orElse(seconds(1, 86400), '0', 'what Server.xml says', undefined),
      '0',
      'For how long they may be idle.',
    ),
    ...unused('CheckInterval'),
  }),
  SSL: group(
    'TLS, for clients that name this host or one of its aliases.',
    certificate('Nothing: that of the adaptor.'),
  ),
  ResourceLimits: group('', {
    MaxConnections: leaf(
      orElse(whole(0, 1000000), '-1', 'any number', undefined),
      '-1',
      'Clients of all its applications together.',
    ),
    MaxAppInstances: leaf(
      whole(1, 1000000),
      '2000',
      'Instances of all its applications together. Each has a script with memory of its own, 2 MB at the least, and any client ' +
        'that knows an application can start one. At this limit and the next two the instance that has been idle for longest ' +
        'makes room; if none is idle, the client is refused. Flash Media Server had 15000.',
    ),
    MaxAppInstancesPerApplication: leaf(
      orElse(whole(1, 1000000), '-1', 'any number', undefined),
      '1000',
      'Instances of one application: the others are for the other applications. A site with a room for each meeting has some ' +
        'hundred. Their memory has a limit too: MaxApplicationShare in Server.xml.',
    ),
    MaxAppInstancesPerAddress: leaf(
      orElse(whole(1, 1000000), '-1', 'any number', undefined),
      '250',
      'Running instances that clients from one IPv4 address, or from one IPv6 network (/64), have started. A viewer starts one, ' +
        'an office behind one address some dozens. Raise it where all clients come through one proxy that sends no PROXY header.',
    ),
    MaxAppInstanceRatePerAddress: leaf(
      orElse(whole(1, 1000000), '-1', 'any', undefined),
      '10',
      'New instances a second that clients of one address may start; 25 times as many in a burst. Beyond it a client is refused. ' +
        'Instances that run already do not count.',
    ),
    ...unused('AppInstanceGC', 'MaxEdgeConnections', 'MaxSharedObjects', 'MaxStreams'),
  }),
  VirtualDirectory: virtualDirectory,
  Allow: leaf(
    addresses,
    'all',
    'Whose clients may connect to its applications, by address, host or domain. Nothing: all.',
  ),
  Proxy: group('', {
    Mode: unsupported('local'),
    ...unused('AggregateMessages', 'Anonymous', 'CacheDir', 'EdgeAutoDiscovery', 'LocalAddress'),
    ...unused('RequestTimeout', 'RouteTable', 'SSL'),
  }),
  ...unused('DNSSuffix', 'Logging', 'VirtualKeys'),
});

export type VhostValues = Read<typeof VHOST>;
