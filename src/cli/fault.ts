import { here } from './here.ts';

/** A mistake in a script. `file` is absolute, lines and columns count from 1. */
export interface Fault {
  file?: string | undefined;
  line?: number | undefined;
  column?: number | undefined;
  message: string;
}

/** `applications/chat/main.ts:3:7: message`: editors and terminals make a link of it. */
export function formatFault({ file, line, column, message }: Fault): string {
  const place = [file && here(file), line, column].filter((part) => part !== undefined);
  return place.length > 0 ? `${place.join(':')}: ${message}` : message;
}
