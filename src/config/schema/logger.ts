// conf/Logger.xml: what is logged where.
import { group, leaf, type Read, unused } from '../element.ts';
import {
  choice,
  enabled,
  fileName,
  kilobytes,
  names,
  orElse,
  placeOrNowhere,
  separator,
  text,
  timeOrMinutes,
  trueOrFalse,
  whole,
} from '../value.ts';

const SHIPPED_EVENTS =
  'connect-pending;connect;connect-continue;disconnect;publish;unpublish;publish-continue;play;play-continue;pause;unpause;' +
  'client-pause;client-unpause;seek;client-seek;stop;record;start-transmit;stop-transmit;server-start;server-stop;' +
  'vhost-start;vhost-stop;app-start;app-stop';

const file = {
  Directory: leaf(
    text('a path, relative to the root folder, or nothing: logs'),
    '${LOGGER.LOGDIR}',
    'Folder of the log files.',
  ),
  Time: leaf(
    orElse(choice('local', 'utc'), '', 'as Logging/Time of Server.xml', undefined),
    '',
    'Time zone of the times in the files and of their rotation.',
  ),
  Rotation: group('Log rotation.', {
    MaxSize: leaf(kilobytes(1, 1048576), '10240', 'File size at which the log rotates.'),
    Schedule: group('', {
      '@type': leaf(
        choice('daily', 'duration'),
        'daily',
        'daily: rotate at a time of day. duration: rotate at an interval.',
      ),
      '#text': leaf(timeOrMinutes, '00:00', 'The time of day, or the interval in minutes.'),
    }),
    History: leaf(whole(1, 1000), '5', 'Maximum number of files kept.'),
    Rename: leaf(
      trueOrFalse,
      'true',
      'true: the newest file has number 00, and older files move up. false: the newest file has the highest ' +
        'number.',
    ),
  }),
  LogServer: group('Central log collector. Lines are sent there in addition to the log file.', {
    '@enable': leaf(trueOrFalse, 'false', 'Send lines to the collector.'),
    '@type': leaf(
      choice('udp', 'tcp'),
      'udp',
      'udp: one datagram for each line. tcp: one connection for all lines.',
    ),
    HostPort: leaf(placeOrNowhere(514), '', 'Address of the collector. Without a host: this machine.'),
    ServerID: leaf(
      text('a text, or nothing'),
      '',
      'Prefix of each line, followed by a tab. Empty: the host name of this machine.',
    ),
    DisplayFieldsHeader: leaf(
      whole(1, 1_000_000),
      '100',
      'Number of lines after which the column names are sent again, with s-computername in front.',
    ),
  }),
};

export const LOGGER = group('', {
  Access: group(
    'Access log of connections, publishers and players: one line for each event, in the W3C extended log format.',
    {
      FileName: leaf(
        fileName('a file name; [NN] is the number of the file, [YYYY], [MM] and [DD] are its date'),
        'access.[NN].log',
        'Name of the log files.',
      ),
      ...file,
      Events: leaf(
        names('names of events separated by ; or *: all'),
        SHIPPED_EVENTS,
        'Events to log. Further events are recordstop, swf-verify and swf-verify-complete. Understudy never emits ' +
          'client-pause, client-unpause, client-seek, start-transmit, stop-transmit and filenametransform, which ' +
          'are names from Flash Media Server.',
      ),
      Fields: leaf(
        names('names of fields separated by ; or *: all'),
        '*',
        'Fields of each line. The head of a log with all fields lists their names.',
      ),
      Delimiter: leaf(separator, '', 'Separator between fields.'),
      QuoteFields: leaf(enabled, 'disable', 'Put fields that contain spaces in quotes.'),
      EscapeFields: leaf(enabled, 'enable', 'Percent-encode characters that URLs do not allow.'),
    },
  ),
  Application: group(
    'Log output of scripts: application.00.log of each instance of an application, in a folder for each instance.',
    file,
  ),
  Diagnostic: group(
    'Diagnostic log of the server: master.00.log, edge.00.log (ports) and admin.00.log. Standard output has all ' +
      'of it.',
    {
      Level: leaf(
        choice('trace', 'debug', 'info', 'warn', 'error'),
        '${LOGGER.LEVEL}',
        'Lowest severity of the lines that the server writes to standard output.',
      ),
      ...file,
      ...unused('admin', 'core', 'edge', 'httpcache', 'master', 'registry'),
    },
  ),
  ...unused('AuthEvent', 'AuthMessage', 'FileIO'),
});

export type LoggerValues = Read<typeof LOGGER>;
