// Folders for streams elsewhere: in Vhost.xml for all applications, in Application.xml for one.
import { resolve } from 'node:path';
import { group, leaf, list, type Read, unsupported } from '../element.ts';
import { virtualFolder } from '../value.ts';

export const virtualDirectory = group('Folders outside the application for the files of streams.', {
  Streams: list(
    group('', {
      '@key': unsupported(''),
      '#text': leaf(
        virtualFolder,
        'films;/srv/films',
        'A prefix of stream names, ; and the folder for these streams, relative to the root folder: with ' +
          'films;/srv/films the stream films/a is /srv/films/a.flv. The prefix / matches every name. The longest ' +
          'matching prefix applies. If a prefix maps to several folders, all are searched and recordings go to the ' +
          'first. Files in a mapped folder have the names of that mapping only, even if a parent folder is mapped ' +
          'to another prefix.',
      ),
    }),
  ),
});

export interface VirtualFolder {
  readonly prefix: string;
  /** Absolute. */
  readonly folder: string;
}

export function virtualFolders({ Streams }: Read<typeof virtualDirectory>, root: string): VirtualFolder[] {
  return Streams.flatMap(({ '#text': mapping }) =>
    mapping ? [{ prefix: mapping.prefix, folder: resolve(root, mapping.folder) }] : [],
  );
}
