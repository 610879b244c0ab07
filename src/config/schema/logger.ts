// conf/Logger.xml: what is logged where.
import { group, leaf, type Read, unused } from '../element.ts';
import { choice, text } from '../value.ts';

export const LOGGER = group('', {
  Application: group(
    "What scripts say: a file for every instance of an application, in a folder of the instance's own.",
    {
      Directory: leaf(
        text('a path, relative to the root folder, or nothing: logs'),
        '${LOGGER.LOGDIR}',
        'The folder for the logs of the applications.',
      ),
      ...unused('LogServer', 'Rotation', 'Time'),
    },
  ),
  Diagnostic: group('The server itself, on its standard output.', {
    Level: leaf(
      choice('trace', 'debug', 'info', 'warn', 'error'),
      '${LOGGER.LEVEL}',
      'How much the server says about itself.',
    ),
    ...unused('Directory', 'Rotation', 'Time', 'admin', 'core', 'edge', 'master', 'httpcache', 'registry'),
  }),
  ...unused('Access', 'AuthEvent', 'AuthMessage', 'FileIO'),
});

export type LoggerValues = Read<typeof LOGGER>;
