// How folders of SWFs are read: Server.xml and Application.xml, SWFVerification.
import { group, leaf } from '../element.ts';
import { minutes, seconds, whole } from '../value.ts';

/** `folders`: begins a sentence. */
export function swfScan(folders: string) {
  return {
    DirLevelSWFScan: leaf(
      whole(0, 16),
      '1',
      `${folders} are searched together with this many levels of subfolders.`,
    ),
    MaxInitDelay: leaf(seconds(1, 600), '5', 'Longest time that a client waits for the folders to be read.'),
    Cache: group('Cache of SWF hashes.', {
      TTL: leaf(
        minutes(1, 525600),
        '1440',
        'Time for which a SWF stays valid after its file has been deleted or changed, since players may still run ' +
          'it.',
      ),
      UpdateInterval: leaf(
        minutes(0, 1440),
        '5',
        'Shortest interval between two scans of the folders. An unknown SWF triggers a scan.',
      ),
    }),
  };
}
