// What an instance asks its script and tells it, as the events of wire.ts: the rows of script-table.ts say how.
import type { GateQuestion, ScriptNotice } from '../../application/contract/script.ts';
import type { Shape } from '../../application/contract/script-fields.ts';
import { GATES, NOTICES, type NoticeRow } from '../../application/contract/script-table.ts';
import type { EventToScript } from '../wire/event-frames.ts';
import { copierOf } from '../wire/message-text.ts';

const GATE_COPIERS = copiers(GATES);
const NOTICE_COPIERS = copiers(NOTICES);

function copiers(table: Record<string, Shape>): Map<string, ReturnType<typeof copierOf>> {
  return new Map(Object.entries(table).map(([name, row]) => [name, copierOf(row)]));
}

/** Throws a CodedError when values of the client become too long a text. */
export function gateEvent(id: number, question: GateQuestion): EventToScript & { t: 'gate' } {
  const event = { t: 'gate', id, gate: question.gate };
  GATE_COPIERS.get(question.gate)!(question, event);
  return event as EventToScript & { t: 'gate' };
}

export function noticeEvent(notice: ScriptNotice): EventToScript {
  const event = { t: notice.event };
  NOTICE_COPIERS.get(notice.event)!(notice, event);
  return event as EventToScript;
}

/** A script that has no time for it does not need it. */
export function isNews({ event }: ScriptNotice): boolean {
  return (NOTICES[event] as NoticeRow).isNews === true;
}

/** Whom it is about; a user who authenticates is no client yet. */
export function clientOf(event: EventToScript): string | undefined {
  if (event.t !== 'gate' || event.gate === 'onAuthenticate') return undefined;
  return event.gate === 'onConnect' ? event.client.id : event.client;
}
