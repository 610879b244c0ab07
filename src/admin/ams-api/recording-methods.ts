// What has been recorded, and what is kept of it in memory, by the names of Flash Media Server.

import { readRecording, recordingNames } from '../recordings.ts';
import { forHost, hostOf, type Method, type MethodTable } from './method.ts';

/** FMS has a cache for each kind of file; here what is read of files is kept in one place. */
const cache: Method = forHost((call, context) => {
  const { bytes, segments, hits, reads } = hostOf(call, context).recorded.cacheStats;
  return { size: bytes, objects: segments, hits, misses: reads };
});

export const RECORDING_METHODS: MethodTable = {
  getRecordedStreams: forHost((call, context) => {
    const host = hostOf(call, context);
    return recordingNames(host, context.commands.instanceName(host, call.parameters.need('appInst')));
  }),
  getRecordedStreamStats: forHost(async (call, context) => {
    const host = hostOf(call, context);
    const { parameters } = call;
    const instance = context.commands.instanceName(host, parameters.need('appInst'));
    const { name, lengthMs, sizeBytes, isGrowing } = await readRecording(
      host,
      instance,
      parameters.need('stream'),
    );
    return { name, length: lengthMs / 1000, size: sizeBytes, is_recording: isGrowing };
  }),
  clearStreams: forHost(async (call, context) => {
    const { parameters, caller } = call;
    const stream = parameters.need('path', 'stream');
    await context.commands.clearRecording(hostOf(call, context), parameters.need('appInst'), stream, caller);
  }),
  getFLVCacheStats: cache,
  getFileCacheStats: cache,
};
