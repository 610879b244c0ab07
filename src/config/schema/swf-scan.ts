// How folders of SWFs are read: Server.xml and Application.xml, SWFVerification.
import { group, leaf } from '../element.ts';
import { minutes, seconds, whole } from '../value.ts';

/** `folders`: begins a sentence. */
export function swfScan(folders: string) {
  return {
    DirLevelSWFScan: leaf(
      whole(0, 16),
      '1',
      `${folders} and so many levels of folders in them are looked through.`,
    ),
    MaxInitDelay: leaf(seconds(1, 600), '5', 'The longest that a client waits for them to be read.'),
    Cache: group('What has been read.', {
      TTL: leaf(
        minutes(1, 525600),
        '1440',
        'For how long a SWF counts when its file has gone or has changed: players may still run it.',
      ),
      UpdateInterval: leaf(
        minutes(0, 1440),
        '5',
        'A SWF that is not known has the folders read again, not more often than this.',
      ),
    }),
  };
}
