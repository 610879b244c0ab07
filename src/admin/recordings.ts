// Recorded streams as administrators see them.
import { StatusError } from '../errors.ts';
import { AdminError } from './admin-error.ts';
import type { AdministeredHost } from './administered.ts';
import { notFound } from './commands.ts';

/** Of one answer. */
const MAX_NAMES = 10_000;
/** Only the shape of what is sent depends on it, and nothing is. */
const CHUNK_BYTES = 60_000;

type Instance = { readonly application: string; readonly instance: string };

export function recordingNames(
  { recorded }: AdministeredHost,
  { application, instance }: Instance,
): Promise<string[]> {
  return recorded.names(application, instance, MAX_NAMES);
}

export async function readRecording({ recorded }: AdministeredHost, instance: Instance, name: string) {
  let stream: Awaited<ReturnType<typeof recorded.open>>;
  try {
    stream = await recorded.open({ ...instance, name, chunkBytes: CHUNK_BYTES });
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    throw new AdminError('ERR_ADMIN_FAILED', `${JSON.stringify(name)}: ${error.message}`, { cause: error });
  }
  if (!stream) throw notFound(`there is no recording ${JSON.stringify(name)}`);
  const { lengthMs, sizeBytes, isGrowing, hasVideo } = stream;
  stream.close();
  return { name, lengthMs, sizeBytes, isGrowing, hasVideo };
}
