// Stream.length, size, flush, clear and setVirtualPath of scripts, on the media side: requests checked, names never trusted.
import type { RecordedStreams } from '../../application/contract/recorded.ts';
import type { Recorders } from '../../application/contract/recording.ts';
import { CodedError, DecodeError } from '../../errors.ts';
import { canonicalStreamName } from '../../protocol/rtmp/stream-prefix.ts';
import type { Json } from '../wire/wire.ts';
import type { AskContext, Service, Services } from './services.ts';

export interface RecordingServiceOptions {
  readonly recorders: Pick<Recorders, 'clear' | 'flush'>;
  readonly recorded: RecordedStreams;
  /** False: that cannot be. */
  map(application: string, instance: string, prefix: string, folder: string): boolean;
}

const MAX_NAME = 1024;
/** Nothing is sent: any size does. */
const CHUNK_BYTES = 65_536;

export function recordingServices(options: RecordingServiceOptions): Services {
  return {
    recordings: new RecordingService(options),
    recordingChanges: new RecordingChangeService(options),
  };
}

/** What leaves the disk as it is. */
class RecordingService implements Service {
  readonly #options: RecordingServiceOptions;

  constructor(options: RecordingServiceOptions) {
    this.#options = options;
  }

  async ask(request: Json, { application, instance }: AskContext): Promise<Json> {
    const op = textOf(request, 'op');
    const stream = canonicalStreamName(textOf(request, 'stream'));
    if (op === 'flush') return this.#options.recorders.flush({ application, instance, stream });
    if (op === 'info') return this.#info(application, instance, stream);
    throw unknownRequest();
  }

  async #info(application: string, instance: string, name: string): Promise<Json> {
    try {
      const { recorded } = this.#options;
      const found = await recorded.open({ application, instance, name, chunkBytes: CHUNK_BYTES });
      if (!found) return NOTHING;
      found.close();
      return { duration: found.lengthMs / 1000, bytes: found.sizeBytes };
    } catch (error) {
      if (error instanceof CodedError) return NOTHING; // it is there, and cannot be played
      throw error;
    }
  }
}

const NOTHING = { duration: 0, bytes: 0 };

/** What does not. */
class RecordingChangeService implements Service {
  readonly waitsUntilServing = true as const;
  readonly #options: RecordingServiceOptions;

  constructor(options: RecordingServiceOptions) {
    this.#options = options;
  }

  async ask(request: Json, { application, instance }: AskContext): Promise<Json> {
    const op = textOf(request, 'op');
    const { recorders, map } = this.#options;
    if (op === 'clear') {
      const stream = canonicalStreamName(textOf(request, 'stream'));
      return recorders.clear({ application, instance, stream });
    }
    if (op === 'map') {
      return map(application, instance, textOf(request, 'prefix'), textOf(request, 'folder'));
    }
    throw unknownRequest();
  }
}

function textOf(request: Json, key: string): string {
  const value =
    typeof request === 'object' && request !== null && !Array.isArray(request) && Object.hasOwn(request, key)
      ? request[key]
      : undefined;
  if (typeof value === 'string' && value.length <= MAX_NAME) return value;
  throw unknownRequest();
}

function unknownRequest(): DecodeError {
  return new DecodeError('ERR_SCRIPT_COMMAND', 'a request about recordings that cannot be read');
}
