import { Alone, type Directory } from '../../src/application/contract/directory.ts';
import type { Verdict } from '../../src/application/contract/script.ts';
import { NameClaims } from '../../src/application/publish/name-claims.ts';
import { Publishing } from '../../src/application/publish/publishing.ts';
import { RecordControl } from '../../src/application/publish/record-control.ts';
import { type Holder, StreamTable } from '../../src/application/publish/stream-table.ts';
import type { ApplicationRows } from '../../src/config/schema/application.ts';
import { PuppetRecorders, PuppetScript, STREAM_OPTIONS } from './core.ts';
import { FakePublisherPort, fakeClient, publishRequest } from './fake-client.ts';
import { ManualClock } from './manual-clock.ts';
import { type Patch, testSettings } from './settings.ts';

export const PUBLISH_TIMEOUT_MS = 2_000;
export const TAKE_OVER_INTERVAL_MS = 10_000;

export interface DeskOptions {
  scripted?: boolean;
  directory?: Directory;
  live?: Patch<ApplicationRows['streamManager']['live']>;
}

/** What publishes in `live/_definst_`, with a script, a disk and a directory that do what the test says. */
export function publishDesk({ scripted = false, directory = new Alone(), live = {} }: DeskOptions = {}) {
  const clock = new ManualClock();
  const recorders = new PuppetRecorders();
  const script = new PuppetScript('live/_definst_', undefined as never);
  script.decide = () => undefined;
  const streams = new StreamTable({ clock, ...STREAM_OPTIONS });
  const place = { application: 'live', instance: '_definst_' };
  const offAir: string[] = [];
  const names = new NameClaims({
    ...{ ...place, directory },
    onLost: (stream, node) => publishing.lost(stream, node),
  });
  const common = {
    ...{ streams, script: () => (scripted ? script : undefined), journal: undefined },
    settings: () =>
      testSettings({
        streamManager: {
          live: { publishTimeoutMs: PUBLISH_TIMEOUT_MS, takeOverIntervalMs: TAKE_OVER_INTERVAL_MS, ...live },
        },
      }),
  };
  const recordings = new RecordControl({ ...common, ...place, recorders });
  const publishing: Publishing = new Publishing({
    ...{ ...common, clock, names, recordings },
    onOffAir: (stream) => offAir.push(stream),
  });
  const publish = (name: string, by = fakeClient('a'), type?: 'record') => {
    const port = new FakePublisherPort();
    return { by, port, publication: publishing.publish(by, publishRequest(name, type), port) };
  };
  const answer = (verdict: Verdict) => script.asked.at(-1)!.answer(verdict);
  const holder = (name: string): Holder | undefined => streams.get(name)?.holder;
  return {
    clock,
    recorders,
    script,
    streams,
    names,
    publishing,
    recordings,
    offAir,
    publish,
    answer,
    holder,
  };
}
