// Numbers and words of script-table.ts. The guest library has them at run time, in every isolate, and nothing else of the table: so
// this file imports nothing.

/** Characters of texts in commands: names and paths, URIs, the address that a client is redirected to. More is refused. */
export const MAX_NAME = 1024;
/** Security/MaxUrlLength of Flash Media Server. */
export const MAX_URI = 32 * 1024;
export const MAX_REDIRECT = 2048;
/** Arguments of one call. */
export const MAX_ARGS = 1000;
/** Of one client's `data`, as JSON. */
export const MAX_KEPT_CHARACTERS = 16 << 10;
/** Of a reason that a client sees. */
export const MAX_REASON = 200;
/** As seconds or bytes of a recording: as much as the configuration allows. */
export const UNLIMITED = Number.MAX_SAFE_INTEGER;
export const MAX_SERVICE_NAME = 32;
export const MAX_LOG_TEXT = 8 * 1024;
export const MAX_STACK = 32 * 1024;
export const MAX_LOST = 100;

/** `appendWithGap`: with the time between, by the wall clock. */
export const RECORD_MODES = ['record', 'append', 'appendWithGap'] as const;
export const PUBLISH_TYPES = ['live', ...RECORD_MODES] as const;
export const RECORD_FORMATS = ['flv', 'mp4'] as const;
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export const SCRIPT_FAULT_KINDS = ['load', 'handler', 'rejection', 'verdict', 'timeout', 'limit'] as const;
