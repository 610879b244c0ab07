// A runner without a process: decodes what units send and says what a test wants said.
import assert from 'node:assert/strict';
import { Lanes } from '../../../src/script/process/lanes.ts';
import { Unit, type UnitOfInstance } from '../../../src/script/process/unit.ts';
import type { Services } from '../../../src/script/services/services.ts';
import { decodeScript } from '../../../src/script/source/build-outcome.ts';
import { decodeBody, decodeEvents, FrameReader } from '../../../src/script/wire/frames.ts';
import {
  type DeadBody,
  type FailedBody,
  FrameType,
  type LoadBody,
  type ScriptCommand,
  type ScriptEvent,
} from '../../../src/script/wire/wire.ts';

/** What the scripts of a test do of their own accord; by default they load, start, save and settle without a word. */
export interface Behaviour {
  load?(unit: FakeUnit): unknown;
  start?(unit: FakeUnit, event: ScriptEvent & { t: 'start' }): void;
  save?(unit: FakeUnit, event: ScriptEvent & { t: 'save' }): void;
  settle?(unit: FakeUnit, event: ScriptEvent & { t: 'settle' }): void;
}

export class FakeRunner {
  readonly units: FakeUnit[] = [];
  /** By the script's text. */
  readonly behaviours: Record<string, Behaviour> = {};
  isUp = true;
  services: Services = {};

  openUnit(options: UnitOfInstance): Unit {
    const reader = new FrameReader();
    const send = (frames: Buffer) => {
      for (const { type, body } of reader.push(frames)) if (this.isUp) fake.receive(type, body);
    };
    const lanes = new Lanes({
      send: (frame) => {
        send(frame);
        return true;
      },
    });
    const unit = new Unit({
      ...options,
      id: this.units.length + 1,
      send,
      openLane: (lane) => lanes.open('live', lane),
      onGone() {},
      meter: { used() {}, gone() {} },
      errands: {
        services: this.services,
        application: 'live',
        instance: '_definst_',
        onBug: (error) => assert.fail(error as Error),
      },
    });
    const fake = new FakeUnit(unit, this.behaviours[decodeScript(options.build).code] ?? {});
    this.units.push(fake);
    return unit;
  }

  get last(): FakeUnit {
    return this.units.at(-1)!;
  }
}

export class FakeUnit {
  readonly unit: Unit;
  readonly #behaviour: Behaviour;
  readonly events: ScriptEvent[] = [];
  load: LoadBody | undefined;
  isUnloaded = false;
  /** Its turns end at once. */
  takesEvents = true;

  constructor(unit: Unit, behaviour: Behaviour) {
    this.unit = unit;
    this.#behaviour = behaviour;
  }

  receive(type: number, body: Buffer): void {
    if (type === FrameType.Load) {
      this.load = decodeBody(body) as LoadBody;
      if (this.#behaviour.load) this.#behaviour.load(this);
      else this.loaded();
    } else if (type === FrameType.Unload) this.isUnloaded = true;
    else if (type === FrameType.Events) {
      const { count, text } = decodeEvents(body);
      const events = JSON.parse(text) as ScriptEvent[];
      if (events.length !== count) throw new Error('the count of an Events frame is wrong');
      for (const event of events) this.#take(event);
      if (this.takesEvents) this.unit.eventsTaken(body.length);
    }
  }

  #take(event: ScriptEvent): void {
    this.events.push(event);
    if (event.t === 'start') {
      if (this.#behaviour.start) this.#behaviour.start(this, event);
      else this.say({ op: 'ready', id: event.id, ok: true });
    } else if (event.t === 'save') {
      if (this.#behaviour.save) this.#behaviour.save(this, event);
      else this.say({ op: 'saved', id: event.id, clients: {}, lost: [] });
    } else if (event.t === 'settle') {
      if (this.#behaviour.settle) this.#behaviour.settle(this, event);
      else this.say({ op: 'ret', id: event.id, found: false });
    }
  }

  /** Without `start`, `save` and `settle`: in short, what tests compare. */
  get heard(): string[] {
    return this.events.filter(({ t }) => t !== 'start' && t !== 'save' && t !== 'settle').map(short);
  }

  event<T extends ScriptEvent['t']>(t: T): ScriptEvent & { t: T } {
    const found = this.events.findLast((event) => event.t === t);
    if (!found)
      throw new Error(`no ${t} among ${this.events.map((event) => event.t).join(', ') || 'no events'}`);
    return found as ScriptEvent & { t: T };
  }

  loaded(): void {
    this.#say(FrameType.Loaded, undefined);
  }

  failed(body: FailedBody): void {
    this.#say(FrameType.Failed, body);
  }

  dead(body: DeadBody): void {
    this.#say(FrameType.Dead, body);
  }

  /** One Commands frame. */
  say(...commands: (ScriptCommand | object)[]): void {
    this.#say(FrameType.Commands, commands);
  }

  #say(type: number, body: object | undefined): void {
    const steps = this.unit.receive(type, Buffer.from(body === undefined ? '' : JSON.stringify(body)));
    while (steps.next().done !== true);
  }
}

function short(event: ScriptEvent): string {
  switch (event.t) {
    case 'gate':
      return `gate ${event.gate}`;
    case 'call':
      return `call ${event.name}`;
    case 'disconnect':
      return `disconnect ${event.client}`;
    default:
      return event.t;
  }
}
