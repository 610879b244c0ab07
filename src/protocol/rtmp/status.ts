// The status objects that servers send: a level, a code, and what the code needs. The codes and levels are those of the
// ActionScript reference (NetConnection, NetStream, SharedObject: `netStatus`) and of the FMS server-side one.
import type { AmfObject, AmfValue } from '../amf/amf.ts';

export type StatusLevel = 'status' | 'warning' | 'error';

/** Every code with its level. */
export const STATUS_LEVELS = {
  // Answers to calls, and the connection's own events.
  'NetConnection.Call.Success': 'status',
  'NetConnection.Call.Failed': 'error',
  'NetConnection.Call.BadVersion': 'error',
  'NetConnection.Call.Prohibited': 'error',
  'NetConnection.Connect.Success': 'status',
  'NetConnection.Connect.Rejected': 'error',
  'NetConnection.Connect.InvalidApp': 'error',
  'NetConnection.Connect.Failed': 'error',
  'NetConnection.Connect.AppShutdown': 'error',
  'NetConnection.Connect.IdleTimeOut': 'status',
  'NetConnection.Connect.Closed': 'status',
  'NetConnection.Connect.NetworkChange': 'status',
  'NetConnection.Connect.ReconnectRequest': 'status',
  'NetConnection.Proxy.NotResponding': 'error',
  'NetConnection.Admin.CommandFailed': 'error',

  // On a message stream.
  'NetStream.Publish.Start': 'status',
  'NetStream.Publish.BadName': 'error',
  'NetStream.Publish.Denied': 'error',
  'NetStream.Publish.Idle': 'status',
  'NetStream.Unpublish.Success': 'status',
  'NetStream.Record.Start': 'status',
  'NetStream.Record.Stop': 'status',
  'NetStream.Record.NoAccess': 'error',
  'NetStream.Record.Failed': 'error',
  'NetStream.Play.Reset': 'status',
  'NetStream.Play.Start': 'status',
  'NetStream.Play.Stop': 'status',
  'NetStream.Play.Complete': 'status',
  'NetStream.Play.Switch': 'status',
  'NetStream.Play.StreamNotFound': 'error',
  'NetStream.Play.Failed': 'error',
  'NetStream.Play.FileStructureInvalid': 'error',
  'NetStream.Play.NoSupportedTrackFound': 'error',
  'NetStream.Play.InsufficientBW': 'warning',
  'NetStream.Play.PublishNotify': 'status',
  'NetStream.Play.UnpublishNotify': 'status',
  'NetStream.Play.Transition': 'status',
  'NetStream.Play.TransitionComplete': 'status',
  'NetStream.Pause.Notify': 'status',
  'NetStream.Unpause.Notify': 'status',
  'NetStream.Seek.Notify': 'status',
  'NetStream.Seek.Failed': 'error',
  'NetStream.Seek.InvalidTime': 'error',
  'NetStream.Data.Start': 'status',
  'NetStream.Buffer.Empty': 'status',
  'NetStream.Buffer.Full': 'status',
  'NetStream.Buffer.Flush': 'status',
  'NetStream.Failed': 'error',
  'NetStream.InvalidArg': 'error',
  'NetStream.Clear.Success': 'status',
  'NetStream.Clear.Failed': 'error',
  'NetStream.DVRStreamInfo.Success': 'status',
  'NetStream.DVRStreamInfo.Retry': 'status',
  'NetStream.DVRStreamInfo.Failed': 'status',

  // Inside a shared object's Status event, or local to its client.
  'SharedObject.NoReadAccess': 'error',
  'SharedObject.NoWriteAccess': 'error',
  'SharedObject.ObjectCreationFailed': 'error',
  'SharedObject.BadPersistence': 'error',
  'SharedObject.UriMismatch': 'error',
  'SharedObject.Flush.Success': 'status',
  'SharedObject.Flush.Failed': 'error',

  // Only server-side scripts see these.
  'Application.Script.Error': 'error',
  'Application.Script.Warning': 'warning',
  'Application.Resource.LowMemory': 'warning',
  'Application.Shutdown': 'status',
  'Application.GC': 'status',
} as const satisfies Record<string, StatusLevel>;

export type StatusCode = keyof typeof STATUS_LEVELS;

/** Why a stream switched: the `reason` beside NetStream.Play.Transition, never a code of its own. */
export const TransitionReason = {
  Success: 'NetStream.Transition.Success',
  Forced: 'NetStream.Transition.Forced',
} as const;
export type TransitionReason = (typeof TransitionReason)[keyof typeof TransitionReason];

/** The members beside level, code and description, such as `details` and `clientid`. */
export interface StatusExtra {
  [key: string]: AmfValue;
  level?: never;
  code?: never;
}

/** A status object, in the order in which players that look at positions expect it. */
export function statusInfo(code: StatusCode, description?: string, extra: StatusExtra = {}): AmfObject {
  const info: AmfObject = { level: STATUS_LEVELS[code], code };
  if (description !== undefined) info.description = description;
  return { ...info, ...extra };
}
