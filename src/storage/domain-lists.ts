// allowedHTMLdomains.txt and allowedSWFdomains.txt in an application's folder, as Flash Media Server shipped them with its
// own: a domain a line, which stands for those below it as well; `*` for all of them; lines that begin with # do not count.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What a list has to say. */
export interface DomainList {
  /** `*` is in it. */
  readonly allowsAll: boolean;
  /** In lower case. */
  readonly domains: readonly string[];
}

const MAX_FILE_BYTES = 1 << 20;
const DOMAIN = /^[\p{L}\p{N}_.:[\]-]+$/u;

export function parseDomainList(text: string): { list: DomainList; problems: string[] } {
  const domains: string[] = [];
  const problems: string[] = [];
  let allowsAll = false;
  for (const [i, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const entry = line.trim().toLowerCase();
    if (entry === '' || entry.startsWith('#')) continue;
    if (entry === '*') allowsAll = true;
    else if (DOMAIN.test(entry)) domains.push(entry);
    else problems.push(`${i + 1}: expected a domain, such as example.com, or *`);
  }
  return { list: { allowsAll, domains }, problems };
}

/** The host of an address of the web; undefined: it is none. */
export function hostOf(url: string): string | undefined {
  if (!/^https?:\/\//i.test(url)) return undefined;
  try {
    return new URL(url).hostname.replace(/\.$/, '');
  } catch {
    return undefined;
  }
}

export function allowsDomain({ allowsAll, domains }: DomainList, host: string | undefined): boolean {
  if (allowsAll) return true;
  return host !== undefined && domains.some((domain) => host === domain || host.endsWith(`.${domain}`));
}

interface Known {
  /** Size and time of change. */
  version: string;
  list: DomainList;
}

/** Those of the applications in one folder; read again when they have changed. */
export class DomainLists {
  readonly #applicationsDir: string;
  readonly #say: (problem: string) => void;
  readonly #known = new Map<string, Known>();

  constructor(applicationsDir: string, say: (problem: string) => void) {
    this.#applicationsDir = applicationsDir;
    this.#say = say;
  }

  /** Undefined: there is none, and every domain may. One that cannot be read lets nobody in. */
  of(application: string, name: 'allowedHTMLdomains.txt' | 'allowedSWFdomains.txt'): DomainList | undefined {
    const file = join(this.#applicationsDir, application, name);
    const found = statSync(file, { throwIfNoEntry: false });
    if (!found) {
      this.#known.delete(file);
      return undefined;
    }
    const version = `${found.size} ${found.mtimeMs}`;
    const known = this.#known.get(file);
    if (known?.version === version) return known.list;
    const list = this.#read(file, found.size);
    this.#known.set(file, { version, list });
    return list;
  }

  #read(file: string, sizeBytes: number): DomainList {
    try {
      if (sizeBytes > MAX_FILE_BYTES) throw new Error(`it has more than ${MAX_FILE_BYTES} bytes`);
      const { list, problems } = parseDomainList(readFileSync(file, 'utf8'));
      for (const problem of problems.slice(0, 10)) this.#say(`${file}:${problem}; the line is ignored`);
      return list;
    } catch (error) {
      this.#say(`${file} cannot be read, nobody may come in: ${(error as Error).message}`);
      return { allowsAll: false, domains: [] };
    }
  }
}
