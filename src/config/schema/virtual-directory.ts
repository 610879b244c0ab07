// Folders for streams elsewhere: in Vhost.xml for all applications, in Application.xml for one.
import { resolve } from 'node:path';
import { group, leaf, list, type Read, unsupported } from '../element.ts';
import { virtualFolder } from '../value.ts';

export const virtualDirectory = group('Streams whose files lie elsewhere.', {
  Streams: list(
    group('', {
      '@key': unsupported(''),
      '#text': leaf(
        virtualFolder,
        'films;/srv/films',
        'The beginning of names, ; and the folder, relative to the root folder, of streams that are called so: films/a ' +
          'is /srv/films/a.flv. / for every name. Longer beginnings come first; of several folders for one all are ' +
          'looked into, and the first is recorded to. What lies in a mapped folder has the names of that mapping only, also where ' +
          'a folder around it is mapped to others.',
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
