// What an instance asks its script and tells it, as the events of wire.ts.
import type { GateQuestion, Notice } from '../../application/contract/script.ts';
import type { EventToScript } from '../wire/event-frames.ts';
import type { WirePublish } from '../wire/wire.ts';
import { listToWire } from '../wire/wire-text.ts';

/** `outgoing` is for the version that it is about, `forgotten` for the log. */
export type ScriptNotice = Exclude<Notice, { event: 'outgoing' | 'forgotten' }>;

export function gateEvent(id: number, question: GateQuestion): EventToScript & { t: 'gate' } {
  switch (question.gate) {
    case 'onAuthenticate':
      return { t: 'gate', id, gate: 'onAuthenticate', user: question.user };
    case 'onConnect':
      return {
        t: 'gate',
        id,
        gate: 'onConnect',
        client: { ...question.client },
        args: listToWire(question.args),
      };
    case 'onPublish':
      return {
        t: 'gate',
        id,
        gate: 'onPublish',
        client: question.clientId,
        request: publishRequest(question),
      };
    case 'onPlay':
      return { t: 'gate', id, gate: 'onPlay', client: question.clientId, request: question.request };
  }
}

function publishRequest({ request, current }: GateQuestion & { gate: 'onPublish' }): WirePublish {
  if (!current) return request;
  const { clientId: client, sinceMs, lastByteMs } = current;
  return { ...request, current: { ...(client === undefined ? {} : { client }), sinceMs, lastByteMs } };
}

export function noticeEvent(notice: ScriptNotice): EventToScript {
  switch (notice.event) {
    case 'disconnect':
      return { t: 'disconnect', client: notice.clientId };
    case 'publish': {
      const { clientId: client, stream, query, gate } = notice;
      return { t: 'publish', client, stream, query, ...(gate === undefined ? {} : { gate }) };
    }
    case 'publishFailed':
      return { t: 'publishFailed', gate: notice.gate };
    case 'unpublish':
      return { t: 'unpublish', client: notice.clientId, stream: notice.stream };
    case 'play':
      return { t: 'play', client: notice.clientId, stream: notice.stream };
    case 'stop':
      return { t: 'stopPlay', client: notice.clientId, stream: notice.stream };
    case 'recorded':
      return {
        t: 'recorded',
        stream: notice.stream,
        file: { ...notice.file, codecs: [...notice.file.codecs] },
      };
    case 'recordFailed':
      return { t: 'recordFailed', stream: notice.stream, error: { ...notice.error } };
    case 'status':
      return { t: 'status', info: { ...notice.info }, ...(notice.stream && { stream: notice.stream }) };
    case 'instanceStats':
      return { t: 'instanceStats', stats: { ...notice.stats } };
    case 'clientStats':
      return { t: 'clientStats', client: notice.clientId, stats: { ...notice.stats } };
  }
}

/** Of no use to a script that has no time for it. */
export function isNews({ event }: ScriptNotice): boolean {
  return event === 'status' || event === 'clientStats' || event === 'instanceStats';
}

/** Whom it is about; a user who authenticates is no client yet. */
export function clientOf(event: EventToScript): string | undefined {
  if (event.t !== 'gate' || event.gate === 'onAuthenticate') return undefined;
  return event.gate === 'onConnect' ? event.client.id : event.client;
}
