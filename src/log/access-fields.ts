// The columns and the events of the access log, as Flash Media Server has them.

/** `*` of Logger.xml, Fields: all of them in this order. */
export const ACCESS_FIELDS = [
  ...(['x-event', 'x-category', 'date', 'time', 'tz', 'x-ctx', 's-ip', 'x-pid'] as const),
  ...(['x-cpu-load', 'x-mem-load', 'x-adaptor', 'x-vhost', 'x-app', 'x-appinst', 'x-duration'] as const),
  ...(['x-status', 'c-ip', 'c-proto', 's-uri', 'cs-uri-stem', 'cs-uri-query', 'c-referrer'] as const),
  ...(['c-user-agent', 'c-client-id', 'cs-bytes', 'sc-bytes', 'c-connect-type', 'x-sname'] as const),
  ...(['x-sname-query', 'x-suri-query', 'x-suri-stem', 'x-suri', 'x-file-name', 'x-file-ext'] as const),
  ...(['x-file-size', 'x-file-length', 'x-spos', 'cs-stream-bytes', 'sc-stream-bytes'] as const),
  ...(['x-service-name', 'x-sc-qos-bytes', 'x-comment', 'x-sid', 'x-trans-sname'] as const),
  ...(['x-trans-sname-query', 'x-trans-file-ext', 'x-plugin', 'x-page-url', 'x-smax-rec-size'] as const),
  ...(['x-smax-rec-duration', 'x-trans-mode', 'x-soffset', 'c-spos', 'c-proto-ver', 'x-eid'] as const),
  ...(['x-codec_type', 'x-codec_value', 'x-forwarded-for'] as const),
] as const;
export type AccessField = (typeof ACCESS_FIELDS)[number];

/** What a column holds when it is not simply text: queries and addresses of pages and streams may hold secrets. */
export const FIELD_KINDS: Readonly<Partial<Record<AccessField, 'address' | 'uri' | 'query'>>> = {
  's-ip': 'address',
  'c-ip': 'address',
  's-uri': 'uri',
  'cs-uri-stem': 'uri',
  'cs-uri-query': 'query',
  'c-referrer': 'uri',
  'x-sname-query': 'query',
  'x-suri-query': 'query',
  'x-suri-stem': 'uri',
  'x-suri': 'uri',
  'x-trans-sname-query': 'query',
  'x-page-url': 'uri',
};

/** Event → x-category. What a player does in its own buffer, and what plug-ins did, FMS has; here it does not happen. */
export const ACCESS_EVENTS = {
  'connect-pending': 'session',
  connect: 'session',
  'connect-continue': 'session',
  disconnect: 'session',
  'swf-verify': 'session',
  'swf-verify-complete': 'session',
  publish: 'stream',
  'publish-continue': 'stream',
  unpublish: 'stream',
  play: 'stream',
  'play-continue': 'stream',
  stop: 'stream',
  pause: 'stream',
  unpause: 'stream',
  'client-pause': 'stream',
  'client-unpause': 'stream',
  seek: 'stream',
  'client-seek': 'stream',
  'start-transmit': 'stream',
  'stop-transmit': 'stream',
  filenametransform: 'stream',
  record: 'stream',
  recordstop: 'stream',
  'server-start': 'server',
  'server-stop': 'server',
  'vhost-start': 'vhost',
  'vhost-stop': 'vhost',
  'app-start': 'application',
  'app-stop': 'application',
} as const;
export type AccessEvent = keyof typeof ACCESS_EVENTS;
