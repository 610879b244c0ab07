import type { ServerResponse } from 'node:http';

/** A short text and what goes with it. COMPAT: librtmp knows no other than these capitals. */
export function reply(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array,
): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-cache',
    ...headers,
  });
  response.end(body);
}
