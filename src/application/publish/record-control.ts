// Which streams are being recorded, at whose word: a publisher's, a script's, one given before the server plays something. Publisher,
// script and access log hear what becomes of each recording.
import type { ApplicationRows } from '../../config/schema/application.ts';
import { RecordingError } from '../../errors.ts';
import { AccessStatus } from '../../log/access-status.ts';
import type { InstanceJournal } from '../accounts/journal.ts';
import {
  allowedLimits,
  type CompletionReason,
  type Recorders,
  type Recording,
  recordedFile,
} from '../contract/recording.ts';
import type {
  InstanceScript,
  RecordFault,
  RecordLimits,
  RecordMode,
  RecordTerms,
} from '../contract/script.ts';
import type { Publication } from './publication.ts';
import type { NamedStream, StreamTable } from './stream-table.ts';

/** Names that nobody may ever play anything into. */
const MAX_ARMED = 1000;

export interface RecordControlOptions {
  application: string;
  instance: string;
  recorders: Recorders;
  /** As they are at the moment. */
  settings(): Pick<ApplicationRows, 'streamManager'>;
  streams: StreamTable;
  script: () => InstanceScript | undefined;
  journal: InstanceJournal | undefined;
}

export class RecordControl {
  readonly #options: RecordControlOptions;
  /** How streams are to be recorded that the server is yet to publish: scripts say it before they play something into them. */
  readonly #armed = new Map<string, { mode: RecordMode; terms: RecordTerms }>();
  /** Recordings that have ended and whose files are not whole yet. */
  readonly #unfinished = new Set<Recording>();

  constructor(options: RecordControlOptions) {
    this.#options = options;
  }

  /** At a script's word, before the server publishes the name. False: it is on the air, and nothing was kept. */
  arm(stream: string, mode: RecordMode | false, terms: RecordTerms): boolean {
    if (this.#options.streams.isOnAir(stream)) return false;
    this.#armed.delete(stream);
    if (mode === false) return true;
    this.#armed.set(stream, { mode, terms });
    const [oldest] = this.#armed.keys();
    if (this.#armed.size > MAX_ARMED) this.#armed.delete(oldest!);
    return true;
  }

  /** A client publishes the name from now on. `mode`: as it, or the script, wants it recorded. */
  begin(entry: NamedStream, mode: RecordMode | undefined): void {
    const { application, instance, recorders, settings } = this.#options;
    const stream = entry.stream.name;
    this.#armed.delete(stream);
    if (mode) this.#start(entry, mode, {});
    else if (settings().streamManager.live.eraseOnPublish)
      void recorders.clear({ application, instance, stream });
  }

  /** The server publishes the name from now on: it is recorded as was said before. */
  startArmed(entry: NamedStream): void {
    const armed = this.#armed.get(entry.stream.name);
    this.#armed.delete(entry.stream.name);
    if (armed) this.#start(entry, armed.mode, armed.terms);
  }

  /** At a script's word, of what is on the air. */
  change(entry: NamedStream, mode: RecordMode | false, terms: RecordTerms): void {
    if (!entry.isOnAir) return;
    this.stop(entry, entry.publication);
    if (mode !== false) this.#start(entry, mode, terms);
  }

  #start(entry: NamedStream, mode: RecordMode, terms: RecordTerms): void {
    const { application, instance, recorders } = this.#options;
    const { recording: recordingLimits } = this.#options.settings().streamManager;
    const { journal } = this.#options;
    const stream = entry.stream.name;
    const { format, file, segmentS, isAligned, ...asked } = terms;
    const how = Object.fromEntries(
      Object.entries({ format, file, segmentS, isAligned }).filter(([, value]) => value !== undefined),
    );
    const facts = entry.publication?.client.facts;
    const client = facts && { id: facts.id, ip: facts.ip };
    let limits: RecordLimits = asked;
    try {
      limits = allowedLimits(asked, recordingLimits);
      let recording: Recording | undefined;
      recording = recorders.open(
        { application, instance, stream, mode, limits, ...how, ...(client && { client }) },
        {
          stopped: () => this.#recordingEnded(entry, recording, 'Stop', `${stream} is no longer recorded.`),
          failed: (code, description, { place }) => {
            const outcome = code === 'NetStream.Record.NoAccess' ? 'NoAccess' : 'Failed';
            this.#recordingEnded(entry, recording, outcome, description);
            this.#tellRecordFailed(stream, { code, description, path: place });
          },
          completed: (file) =>
            this.#options.script()?.tell({ event: 'recorded', stream, file: recordedFile(file) }),
        },
      );
      const open = { recording, limits, remove: () => {} };
      entry.recording = open;
      journal?.recording('record', entry.publication, { stream, limits }, recording.file, AccessStatus.Ok);
      this.#tellPublisher(entry, 'Start', 'Recording has started.');
      this.#tellScript(stream, 'Start');
      open.remove = entry.stream.addSink(recording);
      if (entry.recording !== open) open.remove(); // what it was given to begin with has ended it
    } catch (error) {
      if (!(error instanceof RecordingError)) throw error;
      const isForbidden = error.code === 'NetStream.Record.NoAccess';
      const status = isForbidden ? AccessStatus.Forbidden : AccessStatus.Failed;
      journal?.recording('record', entry.publication, { stream, limits }, undefined, status);
      this.#tellPublisher(entry, isForbidden ? 'NoAccess' : 'Failed', error.message);
      this.#tellRecordFailed(stream, { code: error.code, description: error.message });
    }
  }

  #recordingEnded(
    entry: NamedStream,
    recording: Recording | undefined,
    code: 'Stop' | 'NoAccess' | 'Failed',
    description: string,
  ): void {
    const open = entry.recording;
    if (!open || open.recording !== recording) return;
    open.remove();
    this.#awaitFiles(open.recording);
    this.#noteStop(entry, code === 'Stop' ? AccessStatus.Ok : AccessStatus.Failed);
    entry.recording = undefined;
    this.#tellPublisher(entry, code, description);
    if (code === 'Stop') this.#tellScript(entry.stream.name, code);
    this.#options.streams.release(entry.stream.name);
  }

  #awaitFiles(recording: Recording): void {
    this.#unfinished.add(recording);
    void recording.finished.then(() => this.#unfinished.delete(recording));
  }

  /** Resolves when the files of recordings that have ended are whole and the script has been told. */
  async filesWhole(): Promise<void> {
    await Promise.all([...this.#unfinished].map(({ finished }) => finished));
  }

  /**
   * COMPAT: ffmpeg takes every status of level error for the end of its stream. Who has not asked for the recording is not
   * told that it failed; the script is.
   */
  #tellPublisher(
    { publication }: NamedStream,
    code: 'Start' | 'Stop' | 'NoAccess' | 'Failed',
    description: string,
  ): void {
    const isError = code === 'NoAccess' || code === 'Failed';
    if (!isError || publication?.request.type !== 'live') publication?.port.recordStatus(code, description);
  }

  /** FMS: Stream.onStatus. Of what fails it hears with `recordFailed`. */
  #tellScript(stream: string, outcome: 'Start' | 'Stop'): void {
    const info = { code: `NetStream.Record.${outcome}`, level: 'status', details: stream };
    this.#options.script()?.tell({ event: 'status', info, stream });
  }

  stop(entry: NamedStream, publication: Publication | undefined, reason: CompletionReason = 'stopped'): void {
    const recording = entry.recording;
    if (!recording) return;
    recording.remove(); // flushes the stream, so that the last messages are in the file
    this.#noteStop(entry, AccessStatus.Ok);
    entry.recording = undefined;
    recording.recording.close(reason);
    this.#awaitFiles(recording.recording);
    publication?.port.recordStatus('Stop', 'Recording has stopped.');
    this.#tellScript(entry.stream.name, 'Stop');
  }

  #noteStop({ stream, publication, recording }: NamedStream, status: AccessStatus): void {
    if (!recording) return;
    const request = { stream: stream.name, limits: recording.limits };
    this.#options.journal?.recording('recordstop', publication, request, recording.recording.file, status);
  }

  #tellRecordFailed(stream: string, error: RecordFault): void {
    const { code, description } = error;
    const script = this.#options.script();
    script?.tell({ event: 'recordFailed', stream, error });
    script?.tell({ event: 'status', info: { code, level: 'error', description, details: stream }, stream });
  }
}
