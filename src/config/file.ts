// Configuration files: one that is not there is no error, one that cannot be read is.
import { type AuthorFile, readAuthorFile } from '../disk/author-file.ts';
import { readOperatorFile } from '../disk/operator-file.ts';
import { ConfigError, FileError } from '../errors.ts';
import { parseXmlFile, type XmlElement } from './xml.ts';

/** Of conf/. `name` is what errors call the file. */
export function readIfThere(path: string, name: string): string | undefined {
  try {
    return readOperatorFile(path);
  } catch (error) {
    throw configError(error, name);
  }
}

export function readXmlIfThere(path: string, name: string): XmlElement | undefined {
  const text = readIfThere(path, name);
  return text === undefined ? undefined : parseXmlFile(text, name);
}

/** Of an application. Rejects with a ConfigError. */
export async function readAuthorFileIfThere(
  path: string,
  name: string,
  maxBytes: number,
): Promise<AuthorFile | undefined> {
  try {
    return await readAuthorFile(path, { maxBytes });
  } catch (error) {
    throw configError(error, name);
  }
}

function configError(error: unknown, name: string): unknown {
  if (!(error instanceof FileError)) return error;
  return new ConfigError('ERR_CONFIG_READ', error.message, { cause: error, place: { file: name } });
}
