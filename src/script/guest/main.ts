// The guest library: runs first inside every isolate, before any script. What it gives back is for the host alone.
import './primordials.ts';
import type { GuestSetup } from '../wire.ts';
import { defineAbort } from './abort.ts';
import { Application, application, setApplicationFacts } from './application.ts';
import { defineBandwidthCheck } from './bandwidth.ts';
import { Client, stateOf } from './client.ts';
import { defineConnections, isOutgoing } from './connections.ts';
import { defineConsole } from './console.ts';
import { defineCrypto, randomLeft, refillRandom } from './crypto.ts';
import { defineErrors } from './errors.ts';
import { defineEvents } from './event-target.ts';
import { deliverEvents, finishTurn } from './events.ts';
import { defineFetch } from './fetch.ts';
import { warnOfHandlers } from './handler-names.ts';
import { defineHeaders } from './headers.ts';
import { holdTime } from './held-time.ts';
import { setLimits } from './limits.ts';
import { defineLoad, type LoadFailure, runScript } from './load.ts';
import { lockDown } from './lockdown.ts';
import { takeDroppedLines } from './log-limit.ts';
import { takeTimes } from './meter.ts';
import { plainJson, takeCommands } from './outbox.ts';
import { append, expose, parseJson, quote } from './primordials.ts';
import { isStream, Stream } from './stream.ts';
import { defineStructuredClone } from './structured-clone.ts';
import { defineText } from './text.ts';
import { defineTimers } from './timers.ts';
import { blame, countCut } from './turn.ts';
import { defineUrl } from './url.ts';
import { defineUrlSearchParams } from './url-search-params.ts';
import { setHostObjectTest } from './wire-value.ts';

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
