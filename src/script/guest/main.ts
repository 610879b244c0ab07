// The guest library: runs first inside every isolate, before any script. What it gives back is for the host alone.
import './core/primordials.ts';
import type { GuestSetup } from '../wire/wire.ts';
import { defineErrors } from './core/errors.ts';
import { holdTime } from './core/held-time.ts';
import { setLimits } from './core/limits.ts';
import { defineLoad, type LoadFailure, runScript } from './core/load.ts';
import { lockDown } from './core/lockdown.ts';
import { takeDroppedLines } from './core/log-limit.ts';
import { takeTimes } from './core/meter.ts';
import { plainJson, takeCommands } from './core/outbox.ts';
import { append, expose, parseJson, quote } from './core/primordials.ts';
import { blame, countCut } from './core/turn.ts';
import { setHostObjectTest } from './core/wire-value.ts';
import { Application, application, setApplicationFacts } from './ssas/application.ts';
import { defineBandwidthCheck } from './ssas/bandwidth.ts';
import { Client, stateOf } from './ssas/client.ts';
import { defineConnections, isOutgoing } from './ssas/connections.ts';
import { deliverEvents, finishTurn } from './ssas/events.ts';
import { warnOfHandlers } from './ssas/handler-names.ts';
import { isStream, Stream } from './ssas/stream.ts';
import { defineAbort } from './web/abort.ts';
import { defineConsole } from './web/console.ts';
import { defineCrypto, randomLeft, refillRandom } from './web/crypto.ts';
import { defineEvents } from './web/event-target.ts';
import { defineFetch } from './web/fetch.ts';
import { defineHeaders } from './web/headers.ts';
import { defineStructuredClone } from './web/structured-clone.ts';
import { defineText } from './web/text.ts';
import { defineTimers } from './web/timers.ts';
import { defineUrl } from './web/url.ts';
import { defineUrlSearchParams } from './web/url-search-params.ts';

lockDown();
defineConsole();
defineTimers();
defineText();
defineUrl();
defineUrlSearchParams();
defineErrors();
defineEvents();
defineAbort();
defineStructuredClone();
defineCrypto();
defineHeaders();
defineFetch();
defineLoad();
// Ordinary names: a script may declare a function of its own called Client.
expose('application', application);
expose('Application', Application);
expose('Client', Client);
expose('Stream', Stream);
defineConnections();
defineBandwidthCheck();
expose('global', globalThis);
setHostObjectTest(
  (value) => value === application || stateOf(value) !== undefined || isStream(value) || isOutgoing(value),
);

let failure: LoadFailure | undefined;

export const guest = {
  /** Runs the script. How it went is in the next `drain`. */
  load(setupJson: string, code: string, random: Uint8Array): void {
    const setup = parseJson(setupJson) as GuestSetup;
    refillRandom(random);
    setLimits(setup.limits);
    setApplicationFacts(setup.application);
    if (setup.heldMs !== undefined) holdTime(setup.heldMs);
    failure = { message: 'the script did not come to its end', stack: '' };
    failure = runScript(code, setup.script);
    if (failure === undefined) warnOfHandlers(setup.script.exported ?? []);
  },

  /** One turn: a JSON array of events. `random`: a new pool. */
  deliver(events: string, random?: Uint8Array): void {
    if (random !== undefined) refillRandom(random);
    deliverEvents(events);
  },

  /**
   * What the turn left: a GuestAnswer as JSON, then the commands for the media side, JSON arrays. A call of its own, because a
   * turn's microtasks run after `deliver` has returned. In an array, because a bare string of 1 KiB or more becomes an external
   * string in the host, whose memory its collector does not see.
   */
  drain(): string[] {
    const { begun, done, more } = finishTurn();
    countCut();
    const { where, client } = blame();
    const failed = failure === undefined ? '' : `"failure":${plainJson({ ...failure }).json},`;
    const { parts, runnerTexts, dropped, droppedAt } = takeCommands();
    const answer = [
      `{"begun":${begun},"done":${done},"more":${more},"where":${quote(where)},"client":${quote(client)},` +
        `"dropped":${dropped},"droppedAt":${quote(droppedAt)},"droppedLines":${takeDroppedLines()},"random":${randomLeft()},"times":${takeTimes()},${failed}` +
        `"commands":[${runnerTexts}]}`,
    ];
    for (let i = 0; i < parts.length; i++) append(answer, `[${parts[i]}]`);
    return answer;
  },
};
