// Recorded streams of instances, running or not.
import type { AdminContext } from '../admin-context.ts';
import { readRecording, recordingNames } from '../recordings.ts';
import { array, boolean, integer, object, string } from '../schema.ts';
import { HOST, hostOf, type Route, type RouteCall } from './route.ts';

const recording = object({
  name: string('The name under which clients play it.'),
  lengthMs: integer(),
  sizeBytes: integer(),
  isGrowing: boolean('The recording is in progress.'),
  hasVideo: boolean(),
});

export const RECORDING_ROUTES: readonly Route[] = [
  {
    id: 'listRecordings',
    method: 'GET',
    path: '/instances/{instance}/recordings',
    summary: 'The recorded streams of an instance, running or not',
    audience: 'host',
    query: HOST,
    status: 200,
    result: array(string()),
    answer: (call, context) => recordingNames(hostOf(call, context), instanceName(call, context)),
  },
  {
    id: 'getRecording',
    method: 'GET',
    path: '/instances/{instance}/recordings/{recording}',
    summary: 'One of them',
    audience: 'host',
    query: HOST,
    status: 200,
    result: recording,
    answer: (call, context) =>
      readRecording(hostOf(call, context), instanceName(call, context), call.path.recording!),
  },
  {
    id: 'deleteRecording',
    method: 'DELETE',
    path: '/instances/{instance}/recordings/{recording}',
    summary: 'Deletes a recording',
    audience: 'host',
    query: HOST,
    status: 204,
    answer: (call, context) =>
      context.commands.clearRecording(
        hostOf(call, context),
        call.path.instance!,
        call.path.recording!,
        call.caller,
      ),
  },
];

function instanceName(call: RouteCall, context: AdminContext) {
  return context.commands.instanceName(hostOf(call, context), call.path.instance!);
}
