// DVR as Adobe's DVRCast does it: an encoder (Flash Media Live Encoder 3, or whoever calls DVRSetStreamInfo) publishes live and
// says what is to be recorded; players ask what there is, then play(name, seconds, -1), pause, and go back to the beginning.
// Everybody may publish here: before you put this on the Internet, look at ../auth.

/** What an encoder says. Times are by its own clock, of which `callTime` is the present. */
interface StreamInfo {
  streamName: string;
  callTime?: Date;
  /** When recording begins and ends; one of 1970 has no end. */
  startRec?: Date;
  stopRec?: Date;
  /** Seconds; 0 is unlimited. */
  maxLen?: number;
  /** Players may see it from there on: so many seconds behind the beginning… */
  begOffset?: number;
  /** …or before the present; 0 is not used. */
  endOffset?: number;
  /** Goes on in the file that is there. */
  append?: boolean;
  /** Not for players. */
  offline?: boolean;
  /** Joins the qualities of one programme. */
  dynamicStreamSet?: string;
}

/** One programme; times in ms by our clock. */
interface Show {
  streamName: string;
  startMs: number;
  /** 0: no end. */
  stopMs: number;
  maxLen: number;
  begOffset: number;
  endOffset: number;
  append: boolean;
  offline: boolean;
  dynamicStreamSet: string;
  /** Seconds, up to `sinceMs` if it is being recorded. */
  recorded: number;
  sinceMs: number | null;
  updatedMs: number;
}

interface Answer {
  code: string;
  level: string;
  data?: Record<string, unknown>;
}

declare global {
  interface ClientMethods {
    DVRSetStreamInfo(info: StreamInfo): Answer;
    DVRGetStreamInfo(name: string): Answer;
    DVRSubscribe(name: string): boolean;
    DVRUnsubscribe(name: string): boolean;
    FCPublish(name: string): void;
  }
}

const KEEP_EVERY_MS = 10_000;
const RETRY_SECONDS = 3;
/** Players know the present as of their last question. */
const SLACK_SECONDS = 10;
const MAX_SHOWS = 1000;

const shows = new Map<string, Show>();
/** What each encoder said that it would publish. */
const announced = new WeakMap<Client, Set<string>>();

/** `mp4:show.f4v?key=1` and `show` are one programme. */
function keyOf(name: unknown): string {
  return String(name ?? '')
    .replace(/\?.*$/s, '')
    .replace(/^(?:mp4|flv|mp3):/i, '')
    .replace(/\.(?:f4v|mp4|flv|mov|m4v)$/i, '');
}

function lengthOf(show: Show): number {
  const now = show.sinceMs === null ? 0 : (Date.now() - show.sinceMs) / 1000;
  const length = show.recorded + now;
  return show.maxLen > 0 ? Math.min(length, show.maxLen) : length;
}

function isRecorded(show: Show): boolean {
  return show.sinceMs !== null && (show.maxLen === 0 || lengthOf(show) < show.maxLen);
}

// ── recording ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Records what is to be recorded now, and nothing else. */
function attend(key: string, show: Show): void {
  const now = Date.now();
  const isTime = now >= show.startMs && (show.stopMs === 0 || now < show.stopMs);
  const left = show.maxLen > 0 ? show.maxLen - lengthOf(show) : -1;
  const stream = Stream.get(show.streamName);
  const wanted = isTime && left !== 0 && stream?.publisher !== undefined;
  if (wanted && show.sinceMs === null) {
    const isNew = !show.append && show.recorded === 0;
    if (!stream.record(isNew ? 'record' : 'append', left)) return;
    show.sinceMs = now;
    keep(key, show);
  } else if (!wanted && show.sinceMs !== null) {
    stream?.record(false);
    stopped(key, show);
  }
}

function stopped(key: string, show: Show): void {
  show.recorded = lengthOf(show);
  show.sinceMs = null;
  keep(key, show);
}

/** Over a restart as well. */
function keep(key: string, show: Show): void {
  show.updatedMs = Date.now();
  application.store.set(`show ${application.name} ${key}`, show).catch((error) => console.warn(error));
}

application.onAppStart = async (info) => {
  const prefix = `show ${application.name} `;
  for (const kept of await application.store.keys(prefix)) {
    const show: Show = await application.store.get(kept);
    if (!info.reload && !info.restored && show.sinceMs !== null) {
      // the server went down in the midst of it: what is sure to be there was noted last
      show.recorded += (show.updatedMs - show.sinceMs) / 1000;
      show.sinceMs = null;
    }
    shows.set(kept.slice(prefix.length), show);
  }
};

setInterval(() => {
  for (const [key, show] of shows) {
    attend(key, show);
    if (show.sinceMs !== null && Date.now() - show.updatedMs >= KEEP_EVERY_MS) keep(key, show);
  }
}, 250);

application.onPublish = (_client, stream) => {
  const key = keyOf(stream.name);
  const show = shows.get(key);
  if (show) setTimeout(() => attend(key, show), 0); // it is on air only when this has been accepted
};

application.onUnpublish = (_client, stream) => {
  const key = keyOf(stream.name);
  const show = shows.get(key);
  if (show && show.sinceMs !== null) stopped(key, show); // the recording has ended with it
};

// ── encoders ───────────────────────────────────────────────────────────────────────────────────────────────────────────

Client.prototype.FCPublish = function (name) {
  const key = keyOf(name);
  announced.set(this, (announced.get(this) ?? new Set()).add(key));
  this.call('onFCPublish', null, { level: 'status', code: 'NetStream.Publish.Start', description: name });
};

/** Who publishes it; while nobody does, who has said that it will. */
function mayManage(client: Client, key: string, name: string): boolean {
  const publisher = Stream.get(name)?.publisher;
  return publisher ? publisher === client : announced.get(client)?.has(key) === true;
}

Client.prototype.DVRSetStreamInfo = function (info) {
  const streamName = String(info?.streamName ?? '').replace(/\?.*$/s, '');
  const key = keyOf(streamName);
  if (key === '' || !mayManage(this, key, streamName) || (!shows.has(key) && shows.size >= MAX_SHOWS)) {
    return { code: 'NetStream.DVRStreamInfo.Failed', level: 'error' };
  }
  const now = Date.now();
  const behind = now - (timeOf(info.callTime) || now);
  const startMs = (timeOf(info.startRec) || now - behind) + behind;
  const stop = timeOf(info.stopRec);
  const known = shows.get(key);
  // the same begin again is the same recording, with other settings
  const isSame = known !== undefined && Math.abs(known.startMs - startMs) < 1000;
  const goesOn = known !== undefined && (isSame || info.append === true || known.sinceMs !== null);
  const show: Show = {
    streamName,
    startMs,
    stopMs: stop > 0 ? stop + behind : 0,
    maxLen: seconds(info.maxLen),
    begOffset: seconds(info.begOffset),
    endOffset: seconds(info.endOffset),
    append: info.append === true,
    offline: info.offline === true,
    dynamicStreamSet: String(info.dynamicStreamSet ?? ''),
    recorded: goesOn ? known.recorded : 0,
    sinceMs: known?.sinceMs ?? null,
    updatedMs: now,
  };
  shows.set(key, show);
  keep(key, show);
  attend(key, show);
  return { code: 'NetStream.DVRStreamInfo.Success', level: 'status', data: dataOf(show) };
};

function timeOf(date: unknown): number {
  const ms = date instanceof Date ? date.getTime() : Number(date ?? 0);
  return Number.isFinite(ms) && ms > 0 ? ms : 0;
}

function seconds(value: unknown): number {
  const n = Number(value ?? 0);
  return Number.isFinite(n) && n > 0 ? n : 0;
}

// ── players ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function dataOf(show: Show): Record<string, unknown> {
  return {
    streamName: show.streamName,
    callTime: new Date(),
    startRec: new Date(show.startMs),
    stopRec: new Date(show.stopMs),
    maxLen: show.maxLen,
    begOffset: show.begOffset,
    endOffset: show.endOffset,
    append: show.append,
    offline: show.offline,
    dynamicStreamSet: show.dynamicStreamSet,
    isRec: isRecorded(show),
    currLen: lengthOf(show),
    lastUpdate: new Date(),
    windowDuration: -1,
  };
}

Client.prototype.DVRGetStreamInfo = (name) => {
  const show = shows.get(keyOf(name));
  const isThere = show !== undefined && (show.sinceMs !== null || show.recorded > 0);
  if (isThere) return { code: 'NetStream.DVRStreamInfo.Success', level: 'status', data: dataOf(show) };
  const isOnAir = Stream.get(String(name ?? ''))?.publisher !== undefined;
  return show || isOnAir
    ? { code: 'NetStream.DVRStreamInfo.Retry', level: 'status', data: { retry: RETRY_SECONDS } }
    : { code: 'NetStream.DVRStreamInfo.Failed', level: 'error' };
};

/** Behind the result of the call, which players wait for. */
function tell(client: Client, method: string, code: string, name: string): void {
  setTimeout(() => client.call(method, null, { level: 'status', code, description: name }), 0);
}

Client.prototype.DVRSubscribe = function (name) {
  const isKnown = shows.has(keyOf(name)) || Stream.get(String(name ?? ''))?.publisher !== undefined;
  const code = isKnown ? 'NetStream.Play.Start' : 'NetStream.Play.StreamNotFound';
  tell(this, 'onDVRSubscribe', code, name);
  return true;
};

Client.prototype.DVRUnsubscribe = function (name) {
  tell(this, 'onDVRUnsubscribe', 'NetStream.Play.Stop', name);
  return true;
};

// Where players may begin. Where they go from there, they go by themselves.
application.onPlay = (_client, _stream, request) => {
  const show = shows.get(keyOf(request.name));
  if (!show || request.start < 0) return true;
  if (show.offline) return { deny: 'not available' };
  const length = lengthOf(show);
  const fromBegin = Math.min(show.begOffset, length);
  const fromEnd = show.endOffset > 0 && isRecorded(show) ? length - show.endOffset : 0;
  const earliest = show.endOffset > 0 && length > show.endOffset ? fromEnd : fromBegin;
  return request.start >= earliest - SLACK_SECONDS || { deny: `it begins at ${earliest.toFixed(1)} s` };
};
