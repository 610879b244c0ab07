// Answers of the Administration API, in the form of Flash Media Server:
//
//   <result><level>status</level><code>NetConnection.Call.Success</code><timestamp>…</timestamp><data>…</data></result>

/** Undefined members are left out. */
export type Value =
  | string
  | number
  | boolean
  | undefined
  | readonly Value[]
  | { readonly [name: string]: Value }
  | List;

/** Items beside named members: `<total_apps>2</total_apps><_0>live</_0><_1>vod</_1>`. */
export class List {
  readonly members: { readonly [name: string]: Value };
  readonly items: readonly Value[];

  constructor(items: readonly Value[], members: { readonly [name: string]: Value } = {}) {
    this.items = items;
    this.members = members;
  }
}

export interface Result {
  level: 'status' | 'error';
  code: string;
  timestamp: Date;
  description?: string | undefined;
  data?: Value;
}

/** `isElemStyle`: the items of a list are `<elem name="0">`, else `<_0>`. FMS: AdminElem. */
export function formatResult({ timestamp, ...result }: Result, isElemStyle: boolean): string {
  const { level, code, description, data } = result;
  const members = { level, code, timestamp: formatTimestamp(timestamp), description, data };
  return `<?xml version="1.0" encoding="utf-8"?>\n<result>${content(members, isElemStyle)}</result>\n`;
}

function content(value: Value, isElemStyle: boolean): string {
  if (value === undefined) return '';
  if (typeof value !== 'object') return escapeXml(String(value));
  if (value instanceof List) return content(value.members, isElemStyle) + content(value.items, isElemStyle);
  if (isArray(value)) {
    const items = value.map((item) => content(item, isElemStyle));
    return items
      .map((item, i) => (isElemStyle ? `<elem name="${i}">${item}</elem>` : `<_${i}>${item}</_${i}>`))
      .join('');
  }
  return Object.entries(value)
    .filter((entry) => entry[1] !== undefined)
    .map(([name, member]) => `<${name}>${content(member, isElemStyle)}</${name}>`)
    .join('');
}

/** As TypeScript does not believe of a readonly array. */
function isArray(value: object): value is readonly Value[] {
  return Array.isArray(value);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** For a text or an attribute; what XML 1.0 cannot hold at all is replaced. */
export function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[&<>"']/g, (character) => ENTITIES[character]!)
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
}

/** `7/23/2007 8:25:52 AM`, local time. */
export function formatTimestamp(at: Date): string {
  const pad = (n: number) => String(n).padStart(2, '0');
  const date = `${at.getMonth() + 1}/${at.getDate()}/${at.getFullYear()}`;
  const hour = at.getHours();
  return `${date} ${hour % 12 || 12}:${pad(at.getMinutes())}:${pad(at.getSeconds())} ${hour < 12 ? 'AM' : 'PM'}`;
}
