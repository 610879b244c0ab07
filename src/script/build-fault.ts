// What is wrong with a script before it runs.

/** Something that keeps a script from running. Lines and columns count from 1. */
export interface BuildFault {
  /** From the application's folder. */
  file?: string;
  line?: number;
  column?: number;
  message: string;
  lineText?: string;
}

/** `chat/main.ts:3:7: message`, as editors and terminals know it. */
export function formatFault(application: string, { file, line, column, message }: BuildFault): string {
  const place = [file && `${application}/${file}`, line, column].filter((part) => part !== undefined);
  return place.length > 0 ? `${place.join(':')}: ${message}` : `${application}: ${message}`;
}
