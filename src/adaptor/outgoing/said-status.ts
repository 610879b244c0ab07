// What another server says of a connection or a stream, as scripts are told of it.
import type { OutgoingStatus } from '../../application/contract/outgoing.ts';
import { type AmfObject, type AmfValue, membersOf } from '../../protocol/amf/amf.ts';
import { STATUS_LEVELS, type StatusCode } from '../../protocol/rtmp/status.ts';

const MAX_TEXT = 1024;
/** Those that servers send have ten; the message's own limits hold for what is in them. */
const MAX_MEMBERS = 50;

/** With whatever else the server says in it; its own texts are cut. `code`: of one that has none. */
export function readStatus(said: AmfObject, code: StatusCode): OutgoingStatus {
  const own = textOf(said.code) ?? code;
  const level = textOf(said.level) ?? (isKnown(own) ? STATUS_LEVELS[own] : 'status');
  const description = textOf(said.description);
  const details = textOf(said.details);
  const ex = redirectOf(said.ex);
  return {
    ...othersOf(said),
    code: own,
    level,
    ...(description === undefined ? {} : { description }),
    ...(details === undefined ? {} : { details }),
    ...(ex === undefined ? {} : { ex }),
  };
}

export function statusOf(code: StatusCode, description: string): OutgoingStatus {
  return { code, level: STATUS_LEVELS[code], description };
}

function textOf(value: AmfValue): string | undefined {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : undefined;
}

/** `application`, `tcUrl` of a reconnect request, `clientid` and the like, as they came. */
function othersOf(said: AmfObject): AmfObject {
  const others = Object.entries(said).filter(([name]) => !OWN_MEMBERS.has(name));
  return Object.fromEntries(
    others.slice(0, MAX_MEMBERS).map(([name, value]) => [name, textOf(value) ?? value]),
  );
}

const OWN_MEMBERS: ReadonlySet<string> = new Set(['code', 'level', 'description', 'details', 'ex']);

/** Whole, for half an address is another one. */
function redirectOf(value: AmfValue): OutgoingStatus['ex'] {
  const members = membersOf(value);
  return members && { ...members };
}

function isKnown(code: string): code is StatusCode {
  return Object.hasOwn(STATUS_LEVELS, code);
}
