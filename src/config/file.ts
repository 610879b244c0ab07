// Configuration files: one that is not there is no error, one that cannot be read is.
import { readFileSync } from 'node:fs';
import { ConfigError } from '../errors.ts';
import { parseXmlFile, type XmlElement } from './xml.ts';

/** `name` is what errors call the file. */
export function readIfThere(path: string, name: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new ConfigError('ERR_CONFIG_READ', (error as Error).message, {
      cause: error,
      place: { file: name },
    });
  }
}

export function readXmlIfThere(path: string, name: string): XmlElement | undefined {
  const text = readIfThere(path, name);
  return text === undefined ? undefined : parseXmlFile(text, name);
}
