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
    'The folder of the files.',
  ),
  Time: leaf(
    orElse(choice('local', 'utc'), '', 'as Logging/Time of Server.xml', undefined),
    '',
    'The zone of the times in them and of their rotation.',
  ),
  Rotation: group('When a file is followed by a new one.', {
    MaxSize: leaf(kilobytes(1, 1048576), '10240', 'At this size.'),
    Schedule: group('', {
      '@type': leaf(
        choice('daily', 'duration'),
        'daily',
        'daily: at a time of day. duration: every so many minutes.',
      ),
      '#text': leaf(timeOrMinutes, '00:00', 'When: at that time of day, or after so many minutes.'),
    }),
    History: leaf(whole(1, 1000), '5', 'How many files there are at most.'),
    Rename: leaf(
      trueOrFalse,
      'true',
      'true: the newest has number 00, the others move up. false: the newest has the highest number.',
    ),
  }),
  LogServer: group(
    'A program that collects the lines of several servers; the files have them all the same.',
    {
      '@enable': leaf(trueOrFalse, 'false', 'Whether it is sent them.'),
      '@type': leaf(choice('udp', 'tcp'), 'udp', 'udp: each line by itself. tcp: by one connection.'),
      HostPort: leaf(placeOrNowhere(514), '', 'Where it is. Without a host: on this machine.'),
      ServerID: leaf(
        text('a text, or nothing'),
        '',
        'What each line begins with, a tab behind it. Empty: the name of this machine.',
      ),
      DisplayFieldsHeader: leaf(
        whole(1, 1_000_000),
        '100',
        'After so many lines the names of the columns are sent again, s-computername in front of them.',
      ),
    },
  ),
};

export const LOGGER = group('', {
  Access: group(
    'Who connected, published and played: a line for each event, in the extended format of the W3C.',
    {
      FileName: leaf(
        fileName('a file name; [NN] is its number, [YYYY], [MM] and [DD] are the date'),
        'access.[NN].log',
        'The name of the files.',
      ),
      ...file,
      Events: leaf(
        names('names of events with ; between them, or *: all'),
        SHIPPED_EVENTS,
        'Which events. There are recordstop, swf-verify and swf-verify-complete as well. client-pause, client-unpause, client-seek, start-transmit, stop-transmit and ' +
          'filenametransform are names that Flash Media Server had; nothing here has them happen.',
      ),
      Fields: leaf(
        names('names of fields with ; between them, or *: all'),
        '*',
        'What each line says of them. The names of all stand at the head of a log that has all.',
      ),
      Delimiter: leaf(separator, '', 'What stands between fields.'),
      QuoteFields: leaf(enabled, 'disable', 'Whether fields with blanks stand in quotes.'),
      EscapeFields: leaf(enabled, 'enable', 'Whether characters that URLs do not have are percent-encoded.'),
    },
  ),
  Application: group(
    "What scripts say: application.00.log of every instance of an application, in a folder of the instance's own.",
    file,
  ),
  Diagnostic: group(
    'The server itself: master.00.log, edge.00.log (ports) and admin.00.log; the whole of it on standard output.',
    {
      Level: leaf(
        choice('trace', 'debug', 'info', 'warn', 'error'),
        '${LOGGER.LEVEL}',
        'How much the server says about itself on standard output.',
      ),
      ...file,
      ...unused('admin', 'core', 'edge', 'httpcache', 'master', 'registry'),
    },
  ),
  ...unused('AuthEvent', 'AuthMessage', 'FileIO'),
});

export type LoggerValues = Read<typeof LOGGER>;
