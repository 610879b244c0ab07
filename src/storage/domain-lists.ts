// allowedHTMLdomains.txt and allowedSWFdomains.txt in an application's folder, as Flash Media Server shipped them with its
// own: a domain a line, which stands for those below it as well; `*` for all of them; lines that begin with # do not count.
import { join } from 'node:path';
import { readAuthorFile } from '../disk/author-file.ts';
import { linesOf } from '../disk/lines.ts';
import { FileError } from '../errors.ts';

/** What a list has to say. */
export interface DomainList {
  /** `*` is in it. */
  readonly allowsAll: boolean;
  /** In lower case. */
  readonly domains: ReadonlySet<string>;
}

/** Adobe shipped lists of some ten lines. */
const MAX_FILE_BYTES = 1 << 20;
const MAX_LINES = 20_000;
/** Labels of a host's name that are compared: DNS knows no more than 127. */
const MAX_LABELS = 127;
const MAX_SAID = 10;
const DOMAIN = /^[\p{L}\p{N}_.:[\]-]+$/u;

/** A FileError: it has too many lines. */
export function parseDomainList(text: string): { list: DomainList; problems: string[] } {
  const domains = new Set<string>();
  const problems: string[] = [];
  let allowsAll = false;
  for (const [i, line] of linesOf(text, MAX_LINES).entries()) {
    const entry = line.trim().toLowerCase();
    if (entry === '' || entry.startsWith('#')) continue;
    if (entry === '*') allowsAll = true;
    else if (DOMAIN.test(entry)) domains.add(entry);
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

/** For a list of any length it looks up as many names as the host has labels. */
export function allowsDomain({ allowsAll, domains }: DomainList, host: string | undefined): boolean {
  if (allowsAll) return true;
  let rest = host;
  for (let i = 0; i < MAX_LABELS && rest !== undefined && rest !== ''; i += 1) {
    if (domains.has(rest)) return true;
    const dot = rest.indexOf('.');
    rest = dot < 0 ? undefined : rest.slice(dot + 1);
  }
  return false;
}

const NOBODY: DomainList = { allowsAll: false, domains: new Set() };

const FILES = ['allowedHTMLdomains.txt', 'allowedSWFdomains.txt'] as const;
export type DomainFile = (typeof FILES)[number];

/** Of one application; undefined: it has no such file. */
type Lists = Readonly<Record<DomainFile, DomainList | undefined>>;

/** Those of the applications in one folder, as last read. */
export class DomainLists {
  readonly #applicationsDir: string;
  readonly #say: (problem: string) => void;
  readonly #known = new Map<string, Lists>();

  constructor(applicationsDir: string, say: (problem: string) => void) {
    this.#applicationsDir = applicationsDir;
    this.#say = say;
  }

  isKnown(application: string): boolean {
    return this.#known.has(application);
  }

  /** Reads its files. One that cannot be read lets nobody in. */
  async read(application: string): Promise<void> {
    const [html, swf] = await Promise.all(FILES.map((name) => this.#read(application, name)));
    this.#known.set(application, { 'allowedHTMLdomains.txt': html, 'allowedSWFdomains.txt': swf });
  }

  /** Undefined: there is none, and every domain may. Nobody may before they have been read. */
  of(application: string, name: DomainFile): DomainList | undefined {
    const known = this.#known.get(application);
    return known ? known[name] : NOBODY;
  }

  async #read(application: string, name: DomainFile): Promise<DomainList | undefined> {
    const file = join(this.#applicationsDir, application, name);
    try {
      const found = await readAuthorFile(file, { maxBytes: MAX_FILE_BYTES });
      if (!found) return undefined;
      const { list, problems } = parseDomainList(found.bytes.toString());
      for (const problem of problems.slice(0, MAX_SAID)) this.#say(`${file}:${problem}; the line is ignored`);
      return list;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.#say(`${file} cannot be read, nobody may come in: ${error.message}`);
      return NOBODY;
    }
  }
}
