// Before a file is appended to, on the thread of the media: whether its end has to be looked for, which takes time.
import { closeSync } from 'node:fs';
import { endsWithTag } from '../finish/flv-scan.ts';
import { saysWhereItEnds } from '../finish/mp4-scan.ts';
import { openToChange } from '../finish/open-file.ts';
import { RecordedContainer } from '../read/growing.ts';

/** False too where there is none, or one that cannot be opened: whoever opens it says so. */
export function hidesItsEnd(path: string, container: RecordedContainer): boolean {
  let fd: number;
  try {
    fd = openToChange(path);
  } catch {
    return false;
  }
  try {
    return container === RecordedContainer.Flv ? !endsWithTag(fd) : !saysWhereItEnds(fd);
  } finally {
    closeSync(fd);
  }
}
