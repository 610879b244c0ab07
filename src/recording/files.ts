// Where recordings lie: applications/<application>/streams/<instance>/<name>.flv
import { join } from 'node:path';
import type { RecordRequest } from '../application/recording.ts';
import { RecordingError } from '../errors.ts';
import { nameProblem, pathInside } from '../storage/names.ts';

/** The prefix of a stream name chooses the container. */
const PREFIX = /^([a-z0-9]+):(.*)$/is;

/** The files of a recording, the first being number 1; a RecordingError says why it gets none. */
export function recordingPath(applicationsDir: string, request: RecordRequest, number: number): string {
  const { application, instance, stream } = request;
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
  return pathInside(folder, `${name}${number === 1 ? '' : `-${number}`}.flv`);
}
