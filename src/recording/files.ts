// Where recordings lie: applications/<application>/streams/<instance>/<name>.flv
import { join } from 'node:path';
import { RecordingError } from '../errors.ts';
import { nameProblem, pathInside } from '../storage/names.ts';

/** The prefix of a stream name chooses the container. */
const PREFIX = /^([a-z0-9]+):(.*)$/is;

/** The file of a stream, or a RecordingError that says why it gets none. */
export function recordingPath(
  applicationsDir: string,
  application: string,
  instance: string,
  stream: string,
): string {
  const [, prefix = 'flv', name = stream] = PREFIX.exec(stream) ?? [];
  if (prefix.toLowerCase() !== 'flv') {
    throw new RecordingError(
      'NetStream.Record.Failed',
      `${prefix}: recordings are not there yet; publish without the prefix to record FLV.`,
    );
  }
  const problem = nameProblem(name);
  if (problem)
    throw new RecordingError(
      'NetStream.Record.NoAccess',
      `A file cannot have the stream's name: ${problem}.`,
    );
  const folder = pathInside(join(applicationsDir, application, 'streams'), instance);
  return pathInside(folder, `${name}.flv`);
}
