// readAccess, writeAccess and their like: `;`-separated folders of stream and shared object names.

/**
 * Does `list` cover `name`? `/` is everything, an empty list nothing; a folder covers what lies below it, element by
 * element, and an entry equal to the whole name covers it. Leading slashes do not count.
 */
export function accessCovers(list: string, name: string): boolean {
  const path = elements(name);
  return list.split(';').some((entry) => {
    if (entry.trim() === '') return false;
    const folder = elements(entry.trim());
    return folder.length <= path.length && folder.every((element, i) => element === path[i]);
  });
}

function elements(path: string): string[] {
  return path.split('/').filter((element) => element !== '');
}
