// The script of one instance that starts, put together: its versions, their units in the script process, and what each reports to.
import type { ScriptCommands } from '../../application/contract/script.ts';
import { logBug } from '../../log/log.ts';
import { HeldClock } from '../inspect/held-clock.ts';
import type { Journal } from '../journal/journal.ts';
import type { Runner } from '../process/runners.ts';
import type { Unit, UnitOfInstance } from '../process/unit.ts';
import type { CatalogEntry } from '../source/catalog.ts';
import { withInlineMap } from '../source/inline-map.ts';
import { DebugTarget } from './debug-target.ts';
import { Generations } from './generations.ts';
import type { ScriptHostOptions } from './host-options.ts';
import type { HostServices } from './host-services.ts';
import { InstanceScriptHost, type InstanceScriptOptions } from './instance-script.ts';
import type { RunningInstance, ScriptedApplication } from './scripted-application.ts';

export interface InstanceToOpen {
  application: ScriptedApplication;
  instance: string;
  /** Of the application. */
  folder: string;
  entry: CatalogEntry;
  runner: Runner;
  commands: ScriptCommands;
  services: HostServices;
  host: ScriptHostOptions;
}

/** It begins to load as soon as the files of the application have been looked at. */
export function openInstance(at: InstanceToOpen): Generations {
  const { application, instance, folder, entry, runner, commands, services, host } = at;
  const name = `${application.name}/${instance}`;
  const journal = application.journal(instance);
  const deadlines = new HeldClock(host.clock);
  const debugTarget = new DebugTarget({
    ...{ inspector: host.inspector, name, folder, entry, deadlines },
    attach: (debug) => script.attach(debug),
  });
  const versions = versionOptions(at, { name, journal, deadlines, debugTarget });
  const script: Generations = new Generations({
    commands,
    journal,
    clock: host.clock,
    reloads: () => application.settings.reload,
    open: (own, counters, isNewest) =>
      new InstanceScriptHost({
        ...versions,
        ...{ commands: own, counters },
        candidates: () => (isNewest() ? application.candidates(entry.good) : []),
        openUnit: (unit) => openUnit(at, script, unit),
        onServing: (build) => {
          application.serves(build);
          if (isNewest() || application.isNewest(build)) debugTarget.serves(build);
        },
      }),
    onClosed: () => {
      leave();
      debugTarget.close();
      application.instances.delete(running);
      services.instanceEnded(application.name, instance);
      host.onInstanceEnd?.(application.name, instance);
    },
  });
  const leave = runner.join(script, folder);
  const running: RunningInstance = { script, commands, journal };
  application.instances.add(running);
  void entry.settled().then(() => script.begin());
  return script;
}

/** What is the same for all generations of the instance. */
type VersionOptions = Omit<
  InstanceScriptOptions,
  'commands' | 'counters' | 'candidates' | 'openUnit' | 'onServing'
>;

function versionOptions(
  { application, instance, folder, runner, services, host }: InstanceToOpen,
  parts: { name: string; journal: Journal; deadlines: HeldClock; debugTarget: DebugTarget },
): VersionOptions {
  const { log, lines, server, hostname, standIns } = host;
  const { name, journal, deadlines, debugTarget } = parts;
  const { limits, gateFailure, callTimeOutMs } = application.settings;
  const facts = { log, application: application.name };
  return {
    ...{ name, journal },
    metrics: application.metrics,
    strikes: application.strikes.of(instance),
    clock: deadlines,
    gateDeadlineMs: limits.gateMs,
    limits,
    gateFailure,
    callDeadlineMs: callTimeOutMs,
    settings: (build) => {
      const { limits, config, env, isInspectable } = application.settings;
      if (isInspectable) debugTarget.allow(build);
      const held = standIns ? { heldMs: standIns.nowMs() } : {};
      const script = isInspectable ? withInlineMap(build) : build.script;
      return { script, limits, application: { name, server, hostname, config, env }, isInspectable, ...held };
    },
    isRunnerUp: () => runner.isUp,
    mayLoad: () => runner.mayLoad(folder),
    onFull: (limit) =>
      lines.limit(limit, name, facts, `${name}: calls of clients were refused: too many wait for the script`),
    hasRoom: () => {
      const hasRoom = runner.isWithinShare(folder);
      if (!hasRoom) lines.limit('MaxApplicationShare', name, facts, `${name}: not started`);
      return hasRoom;
    },
    onRefused: (build) => application.refused(build),
    onBug: (error, where) => logBug(log, error, where),
    onUnpublish: (stream) => services.streamEnded(application.name, instance, stream),
  };
}

function openUnit(
  { application, instance, runner, services, host }: InstanceToOpen,
  tenant: Generations,
  unit: UnitOfInstance,
): Unit {
  const opened = runner.openUnit(tenant, {
    ...unit,
    meter: application.metrics.isolate(),
    errands: {
      services: services.byName,
      onBug: (error, where) => logBug(host.log, error, where),
      ...{ application: application.name, instance },
    },
  });
  host.standIns?.opened(opened);
  return opened;
}
