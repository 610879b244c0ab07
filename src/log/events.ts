// Every `event` of the server's log. Operators filter and alert by these names, so they are an API: a name stays for one minor version
// after it was replaced. `npm run docs` writes docs/log-events.md from this table.

export interface LogEventFacts {
  /** The levels that its lines have. */
  readonly level: string;
  /** When the server writes it, and the fields that help. */
  readonly meaning: string;
}

/** By subject, in the order of the page. */
export const LOG_EVENTS = {
  // ── start, stop, configuration ──
  ready: {
    level: 'info',
    meaning: 'The server serves. `listeners`: its ports, with kind, host, port and `secure`.',
  },
  listening: { level: 'info', meaning: 'A port of an adaptor is open. `adaptor`, `host`, `port`, `secure`.' },
  'port-closed': {
    level: 'error',
    meaning:
      'A port cannot be opened; the others serve. `code`; `adaptor`, or `kind`: `admin` or `inspector`. The text names the cause and, if known, the holder of the port.',
  },
  'no-ipv6': {
    level: 'warn',
    meaning: 'IPv6 is switched on and the system has none: the port is open on IPv4 alone.',
  },
  platform: { level: 'warn', meaning: 'The server runs on a platform that is not supported.' },
  process: {
    level: 'info, warn',
    meaning: 'The server gave up root for `uid` and `gid`, or cannot change to the configured user.',
  },
  config: {
    level: 'debug to error',
    meaning:
      'A note on the configuration, a mistake (`code`, file and line in the text), saved settings that wait for the next start (`settings`), or settings of an `application` that count now.',
  },
  'run-folder': {
    level: 'warn',
    meaning:
      'run/ cannot be locked, so a second server with this root folder would not be noticed. `path`, `err`.',
  },
  certificate: {
    level: 'info to error',
    meaning:
      'A certificate was loaded (`names`, `validTo`), has expired, cannot be used (`code`), or will be unreadable.',
  },
  admin: {
    level: 'info, warn',
    meaning:
      'The first administrator was created (`user`, `file`), or accounts or the file for the terminal commands have a problem.',
  },
  'author-files': {
    level: 'warn',
    meaning: 'The type declarations for script authors cannot be written to applications/.',
  },
  'log-file': { level: 'error', meaning: 'A log file cannot be written. `path`, `err`.' },
  'service-manager': { level: 'warn', meaning: 'systemd could not be notified. `reason`.' },
  stopping: { level: 'info', meaning: 'The server stops. `why`: the signal or the command.' },

  // ── connections ──
  connect: { level: 'info', meaning: 'A client is connected to an instance.' },
  'connect-refused': {
    level: 'info',
    meaning:
      'A connect was refused. `cause`: a fixed word for each reason; `code` as the client got it, `reason`, `application`.',
  },
  'login-failed': {
    level: 'warn',
    meaning: 'A user name or password was wrong (Authentication in Application.xml). `reason`.',
  },
  'swf-refused': { level: 'warn', meaning: 'SWF verification failed; the client is disconnected. `reason`.' },
  swf: { level: 'warn', meaning: 'A folder or file of SWF verification cannot be used.' },
  disconnect: {
    level: 'info',
    meaning:
      'A client has gone. `reason`, bytes and messages in and out, `msg_dropped`, `ping_rtt` in ms, `unreadable` messages.',
  },
  'connection-refused': {
    level: 'info, warn',
    meaning:
      'A connection or tunnel was closed before it was served: Allow and Deny, or a limit. `ip`, `reason`.',
  },
  'bad-input': {
    level: 'warn',
    meaning:
      'A client sent bytes that no later byte can be understood after; the connection is closed. `code`; `limit` if one was exceeded.',
  },
  'odd-message': {
    level: 'warn',
    meaning:
      'One message was passed over, or used as far as it makes sense. `typeId`, `streamId`, `bytes`, `fault`, `name`. Once for each kind and connection.',
  },
  'ignored-message': { level: 'debug', meaning: 'A message has a type that has no meaning here. `typeId`.' },
  limit: {
    level: 'warn',
    meaning:
      'A limit refused, closed or delayed something. `limit`: its name, as in `understudy_limits_reached_total`.',
  },
  'call-failed': {
    level: 'warn',
    meaning: 'A call of a script on a client cannot be sent. `method`, `reason`.',
  },
  'wire-dump': {
    level: 'warn, error',
    meaning: 'The bytes of a connection are written to `path`, secrets included; or writing failed (`err`).',
  },

  // ── streams ──
  publish: { level: 'info', meaning: 'A client publishes. `stream`: the public name.' },
  'publish-refused': {
    level: 'info',
    meaning: 'A publish was refused. `cause`, `code`, `reason`, `application`, `stream`.',
  },
  'publish-type': {
    level: 'info',
    meaning: 'A client gave an unknown type of publishing; `live` is used. `given`.',
  },
  'taken-over': {
    level: 'warn',
    meaning: 'A publisher lost its name to another one. `stream`, `byIp`, `byClient`, `reason`.',
  },
  'take-over-limited': {
    level: 'warn',
    meaning:
      'A script wanted to take over from a publisher that is protected (TakeOverInterval). `holderIp`, `holderClient`, `safeForMs`.',
  },
  unpublish: { level: 'info', meaning: 'A client no longer publishes. `stream`.' },
  'media-left-out': {
    level: 'warn',
    meaning:
      'Media that nobody could play was dropped, such as an unreadable decoder configuration. `instance`, `stream`, `kind`, `client`, `ip`.',
  },
  'stream-refused': {
    level: 'info',
    meaning: 'createStream was refused. `cause`, `code`, `reason`, `application`.',
  },
  play: { level: 'info', meaning: 'A client plays; without `stream` it waits for a publisher.' },
  'play-refused': {
    level: 'info',
    meaning: 'A play was refused. `cause`, `code`, `reason`, `application`, `stream`.',
  },
  'play-waits-for-publisher': {
    level: 'info',
    meaning: 'A player has waited `waitedMs` for a stream that nobody publishes.',
  },
  'play-waits-for-keyframe': {
    level: 'info',
    meaning: 'A player gets sound alone until the next keyframe, or until KeyframeWait is over.',
  },
  'play-without-keyframe': {
    level: 'info',
    meaning: 'No keyframe came within KeyframeWait: the player gets pictures without one.',
  },
  'play-clock': {
    level: 'warn',
    meaning:
      'A stream that the server itself publishes corrected timestamps of its source. `instance`, `stream`, `item`, `track`, `offMs`, `messages`.',
  },
  'seek-refused': {
    level: 'info',
    meaning: 'A seek was refused. `cause`, `code`, `reason`, `application`, `stream`.',
  },
  'fan-out': {
    level: 'debug, warn',
    meaning: 'Use of the addon that sends to players: loaded (`native`), or not, with the reason (`err`).',
  },
  load: {
    level: 'warn',
    meaning: 'Under load: messages of a stream gather longer before a flush. `widenedMs`, `sweepShare`.',
  },

  // ── recordings and files ──
  'record-start': { level: 'info', meaning: 'A recording started. `path`, `append`.' },
  'record-next': {
    level: 'info',
    meaning: 'A recording goes on in a new file, after a change that one file cannot hold. `path`.',
  },
  'record-stop': { level: 'info', meaning: 'A recording ended well. `path`, `bytes`, `reason`.' },
  'record-failed': {
    level: 'warn, error',
    meaning: 'A recording ended because it cannot be written. `path`, `code`, `reason` or `err`.',
  },
  'record-refused': { level: 'warn', meaning: 'A recording cannot begin. `instance`, `stream`, `code`.' },
  'record-left-out': {
    level: 'warn',
    meaning: 'A track is not in the file, or nobody can play it. `path`, `track`, `codec`.',
  },
  'record-clock': {
    level: 'warn',
    meaning: 'Timestamps were corrected in a recording. `path`, `track`, `offMs`, `messages`.',
  },
  'record-unfinished': {
    level: 'error',
    meaning: 'An MP4 stays fragmented: it plays, but has no index. `path`, `err`.',
  },
  'record-marker': {
    level: 'warn',
    meaning: 'It cannot be noted in run/ that a recording is under way: a crash will leave it unrepaired.',
  },
  'record-repaired': {
    level: 'info, warn',
    meaning: 'At the start, a recording that a crash had cut off was repaired, or cannot be (`err`). `path`.',
  },
  'record-cleared': { level: 'info', meaning: 'A recording was deleted (`Stream.clear`). `path`.' },
  'recordings-elsewhere': {
    level: 'warn',
    meaning: 'Recordings lie where version 0.1 put them; the text says which folder to move.',
  },
  'file-refused': {
    level: 'warn',
    meaning: 'A media file cannot be played. `application`, `stream`, `code`.',
  },

  // ── scripts ──
  script: {
    level: 'info, warn',
    meaning:
      'The state of a script: which version serves, what is not used, which folder has gone. `application`, `instance`.',
  },
  'script-reload': {
    level: 'info',
    meaning: 'A new version of a script serves. `application`, `instance`, `ms`.',
  },
  'script-log': {
    level: 'debug to error',
    meaning: 'A line that a script wrote with `trace` or `console`. `application`, `instance`.',
  },
  'script-error': {
    level: 'error',
    meaning:
      'An error in a script or in its settings: `application`, `instance`, `handler`, `kind`, `message`, `file`, `line`, `column`, `count`, `stack`.',
  },
  quarantine: {
    level: 'error',
    meaning:
      'A script ended its process too often; nothing of it runs until it is saved or reloaded. `application`, `why`.',
  },
  watch: { level: 'warn', meaning: 'Changes of scripts may go unnoticed. `err`.' },
  'builder-ended': {
    level: 'warn',
    meaning: 'The process that bundles scripts ended while it worked. `application`, `why`.',
  },
  runner: {
    level: 'info, warn',
    meaning: 'A script process is up (`scope`, `pid`), or larger than MaxSize.',
  },
  'runner-ended': {
    level: 'error',
    meaning: 'A script process ended and is started again. `scope`, `why`, `restartInMs`.',
  },
  'runner-relieved': {
    level: 'warn',
    meaning:
      'A script process was too large: the largest isolates of one application ended. `scope`, `application`, `ended`.',
  },
  'runner-stderr': {
    level: 'warn',
    meaning: 'A line that a script process wrote to its standard error, such as a fatal error of V8.',
  },
  exec: {
    level: 'debug to error',
    meaning: 'A program of `<Exec>` started, ended or failed. `application`, `instance`.',
  },
  store: {
    level: 'warn, error',
    meaning:
      'application.store cannot be reached (`err`), or lost changes of `onAppStart` (`keys`). `application`.',
  },
  inspector: { level: 'info', meaning: 'Debuggers can attach. `host`, `port`.' },
  debugger: {
    level: 'info, warn',
    meaning: 'A debugger has attached to an instance, whose time limits rest, or has left it. `instance`.',
  },

  // ── other servers, HTTP ──
  outgoing: { level: 'info', meaning: 'A script connected to another server.' },
  'outgoing-end': { level: 'info', meaning: 'A connection to another server ended. `reason`.' },
  'outgoing-refused': {
    level: 'warn',
    meaning: 'A connection to another server was not made: not granted, or a limit. `application`.',
  },
  'outgoing-forgotten': {
    level: 'warn',
    meaning:
      'No version of a script took these connections over. `application`, `instance`, `address`, `connections`, `streams`.',
  },
  http: { level: 'debug', meaning: 'A request on a port of an adaptor. `ip`, `method`, `path`, `found`.' },
  'web-server': {
    level: 'warn',
    meaning: 'The web server of HttpProxy cannot be reached or gave a wrong answer. `host`, `port`, `err`.',
  },
  crossdomain: {
    level: 'error',
    meaning: 'The file of CrossDomainPath cannot be read: it admits nobody. `file`, `err`.',
  },
} as const satisfies Readonly<Record<string, LogEventFacts>>;

export type LogEvent = keyof typeof LOG_EVENTS;
