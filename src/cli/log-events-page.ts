// The table of the log's events → docs/log-events.md (`npm run docs`).
import { LOG_EVENTS } from '../log/events.ts';

const HEAD = `# Events of the server's log

<!-- Made from src/log/events.ts by "npm run docs". Do not edit. -->

The server writes its own log to standard output: JSON lines, or text on a terminal. Each line has \`level\`, \`time\` (ISO 8601, UTC),
\`msg\` for people and \`event\` for programs. Filter and alert by \`event\` and its fields, never by \`msg\`. Names of events and fields do not
change silently: [CHANGELOG](../CHANGELOG.md) names each change, and an old name works for one more minor version.

    {"level":"info","time":"2026-12-01T09:30:00.123Z","event":"record-stop","path":"…/show.flv","bytes":1048576,"reason":"unpublished","msg":"recording stopped"}

- Lines of a connection also have \`client\` (its id), \`ip\` and \`protocol\`, and once known \`instance\` and \`user\`; those of a connection
  to another server \`application\` and \`server\`; those of a recording \`instance\` and \`stream\`. Where there are several virtual hosts, all
  lines of one have \`adaptor\` and \`vhost\`.
- \`repeats\` counts further lines of the same kind and address within one second that were left out.
- A line with \`"kind":"bug"\` instead of an event is an unexpected error with its stack (\`err\`). Please report it.
- The level is \`level\` in Logger.xml. Secrets are masked, and what peers send cannot break a line.

Sessions, streams and what they transferred are in the access log (\`logs/\`), in the W3C format of Flash Media Server: see
[operating.md](operating.md#logs). Numbers are under [\`/metrics\`](metrics.md).

| event | level | meaning and fields |
|---|---|---|
`;

export function formatLogEvents(): string {
  const rows = Object.entries(LOG_EVENTS).map(
    ([name, { level, meaning }]) => `| \`${name}\` | ${level} | ${meaning} |`,
  );
  return `${HEAD}${rows.join('\n')}\n`;
}
