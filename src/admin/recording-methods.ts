// What has been recorded, and what is kept of it in memory, by the names of Flash Media Server.
import { theHost } from './administered.ts';
import type { Call, Method, MethodsOptions } from './method.ts';
import { readRecording, recordingNames } from './recordings.ts';

export function recordingMethods({ administered, commands }: MethodsOptions): Record<string, Method> {
  const hostOf = ({ parameters }: Call) =>
    theHost(administered, parameters.get('adaptor'), parameters.get('vhost'));
  const cache: Method = (call) => {
    const { bytes, segments, hits, reads } = hostOf(call).recorded.cacheStats;
    return { size: bytes, objects: segments, hits, misses: reads };
  };
  return {
    getRecordedStreams: (call) => {
      const host = hostOf(call);
      return recordingNames(host, commands.instanceName(host, call.parameters.need('appInst')));
    },
    getRecordedStreamStats: async (call) => {
      const host = hostOf(call);
      const { parameters } = call;
      const instance = commands.instanceName(host, parameters.need('appInst'));
      const { name, lengthMs, sizeBytes, isGrowing } = await readRecording(
        host,
        instance,
        parameters.need('stream'),
      );
      return { name, length: lengthMs / 1000, size: sizeBytes, is_recording: isGrowing };
    },
    clearStreams: async (call) => {
      const { parameters, caller } = call;
      const stream = parameters.need('path', 'stream');
      await commands.clearRecording(hostOf(call), parameters.need('appInst'), stream, caller);
      return undefined;
    },
    // FMS has one of each; here what is read of files is kept in one place
    getFLVCacheStats: cache,
    getFileCacheStats: cache,
    // true as long as there are none
    getSharedObjects: (call) => {
      commands.instance(hostOf(call), call.parameters.need('appInst'));
      return { persistent: [], volatile: [] };
    },
  };
}
