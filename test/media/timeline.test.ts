// The one rule for timestamps that come from outside: see src/media/timeline.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClockFault, Timeline, type TimelineTrack } from '../../src/media/timeline.ts';

const HOURS_15 = 54_000_000;
const FRAME_MS = 40;

/** A publisher in real time, unless a test turns its wall by itself. */
class Bench {
  readonly faults: ClockFault[] = [];
  readonly timeline: Timeline;
  wallMs = 1_000_000;

  constructor(startMs = 0) {
    this.timeline = new Timeline(startMs, (fault) => this.faults.push(fault));
  }

  at(track: TimelineTrack, timestampMs: number, passedMs = 0): number {
    this.wallMs += passedMs;
    return this.timeline.place(track, timestampMs >>> 0, this.wallMs);
  }

  /** Places of `count` pictures from `fromMs` on; `passedMs` goes by on the wall before each. */
  pictures(fromMs: number, count: number, passedMs = FRAME_MS): number[] {
    return Array.from({ length: count }, (_, i) => this.at('video', fromMs + i * FRAME_MS, passedMs));
  }

  get kinds(): string[] {
    return this.faults.map(({ track, isLasting }) => `${track} ${isLasting ? 'clock' : 'stray'}`);
  }
}

const steps = (places: number[]) => places.slice(1).map((ms, i) => ms - places[i]!);

for (const paceMs of [0, FRAME_MS]) {
  const pace = paceMs === 0 ? 'as fast as it can' : 'in real time';
  for (const base of [0, 3_600_000, 100_000_000, 0xffff_ff00]) {
    for (const off of [HOURS_15, -HOURS_15, 60_000, -60_000, 1_500, -1_500, 0x7000_0000]) {
      test(`one timestamp that is ${off} ms off ${base}, ${pace}, is put on the line`, () => {
        const bench = new Bench();
        const places = Array.from({ length: 50 }, (_, i) =>
          bench.at('video', base + i * FRAME_MS + (i === 20 ? off : 0), paceMs),
        );
        assert.deepEqual(new Set(steps(places)), new Set([FRAME_MS]));
        assert.deepEqual(bench.faults, [{ track: 'video', isLasting: false, offMs: off, messages: 1 }]);
      });
    }
  }

  for (const off of [HOURS_15, -HOURS_15, 5_000, -5_000]) {
    test(`a clock that jumps by ${off} ms and stays, ${pace}, is joined on where the next message is due`, () => {
      const bench = new Bench();
      const places = [
        ...bench.pictures(100_000_000, 50, paceMs),
        ...bench.pictures(100_002_000 + off, 50, paceMs),
      ];
      assert.deepEqual(new Set(steps(places)), new Set([FRAME_MS]));
      assert.deepEqual(bench.kinds, ['video clock']);
      assert.equal(bench.faults[0]!.offMs, off);
    });
  }
}

test('a short run of strays is on the line as one is, and is told of once', () => {
  const bench = new Bench();
  const places = [...bench.pictures(0, 25), ...bench.pictures(HOURS_15, 10), ...bench.pictures(1_400, 25)];
  assert.deepEqual(new Set(steps(places)), new Set([FRAME_MS]));
  assert.deepEqual(bench.kinds, ['video stray']);
  assert.equal(bench.faults[0]!.messages, 10);
});

test('sound and pictures whose source begins anew stay together, and that is told of once', () => {
  const bench = new Bench();
  for (let ms = 0; ms <= 2_000; ms += 40) {
    assert.equal(bench.at('video', 50_000 + ms, 20), ms);
    assert.equal(bench.at('audio', 50_010 + ms, 20), ms + 10);
  }
  for (let ms = 0; ms <= 3_000; ms += 40) {
    const video = bench.at('video', 7 + ms, 20);
    assert.equal(video, 2_040 + ms);
    assert.equal(bench.at('audio', 7 + ms + 10, 20), video + 10);
  }
  assert.deepEqual(bench.kinds, ['video clock']);
});

test('a jump of the pictures alone leaves the sound where it is, and the pictures beside it', () => {
  const bench = new Bench();
  for (let ms = 0; ms <= 6_000; ms += 40) {
    const isLate = ms > 2_000;
    assert.equal(bench.at('video', ms + (isLate ? HOURS_15 : 0), 20), ms);
    assert.equal(bench.at('audio', ms + 10, 20), ms + 10);
  }
  assert.deepEqual(bench.kinds, ['video clock']);
});

test('pictures that stood still while the sound went on, and come back with another clock, are beside the sound', () => {
  const bench = new Bench();
  for (let ms = 0; ms <= 10_000; ms += 40) {
    bench.at('audio', ms, 40);
    if (ms <= 2_000) bench.at('video', ms);
  }
  const place = bench.at('video', HOURS_15, 10);
  assert.ok(place >= 10_000 && place <= 10_050, `${place}`);
});

test('sound and pictures by clocks that never had to do with each other are placed by the wall', () => {
  const bench = new Bench();
  for (let ms = 0; ms <= 4_000; ms += 40) {
    assert.equal(bench.at('audio', ms, 20), ms);
    assert.equal(bench.at('video', 100_000_000 + ms, 20), ms);
  }
  assert.equal(bench.kinds.length, 1);
});

for (const seconds of [2, 60, 600]) {
  test(`a pause of ${seconds} s in which nothing was sent stays, when the clock of the publisher went on`, () => {
    const bench = new Bench();
    bench.pictures(0, 50);
    bench.wallMs += seconds * 1000;
    assert.deepEqual(
      bench.pictures(2_000 + seconds * 1000, 2),
      [2_000, 2_040].map((ms) => ms + seconds * 1000),
    );
    assert.deepEqual(bench.faults, []);
  });

  test(`a clock that begins anew after ${seconds} s is joined on as much later`, () => {
    const bench = new Bench();
    bench.pictures(50_000, 50);
    bench.wallMs += seconds * 1000;
    const [first] = bench.pictures(0, 50);
    assert.equal(first, 1_960 + 40 + seconds * 1000);
    assert.deepEqual(bench.kinds, ['video clock']);
  });
}

test('a pause in which the clock of the publisher stood still leaves no gap', () => {
  const bench = new Bench();
  bench.pictures(0, 50);
  bench.wallMs += 60_000;
  assert.deepEqual(bench.pictures(2_000, 2), [2_000, 2_040]);
  assert.deepEqual(bench.faults, []);
});

test('a backlog that is sent at once after a pause is no jump, and what was lost of it is a gap', () => {
  const bench = new Bench();
  bench.pictures(0, 50);
  bench.wallMs += 30_000;
  assert.deepEqual(new Set(steps([1_960, ...bench.pictures(2_000, 125, 1)])), new Set([FRAME_MS]));
  // 20 s of it the encoder had dropped
  const [first] = bench.pictures(27_000, 100, 1);
  assert.equal(first, 27_000);
  assert.deepEqual(bench.faults, []);
});

test('an hour that is sent in a minute is an hour', () => {
  const bench = new Bench();
  const places = bench.pictures(0, 90_000, 1);
  assert.equal(places.at(-1), 89_999 * FRAME_MS);
  assert.deepEqual(bench.faults, []);
});

test('slides that come every five seconds, or are sent as fast as they can be, are no jumps', () => {
  for (const passedMs of [0, 5_000]) {
    const bench = new Bench();
    const places = Array.from({ length: 20 }, (_, i) => bench.at('video', i * 5_000, passedMs));
    assert.deepEqual(new Set(steps(places)), new Set([5_000]));
    assert.deepEqual(bench.faults, []);
  }
});

test('times that stray all the time go forward by what passes, and are told of now and then', () => {
  const bench = new Bench();
  let seed = 7;
  const places = Array.from({ length: 1_000 }, () => {
    seed = (seed * 1_103_515_245 + 12_345) >>> 0;
    return bench.at('audio', seed, 20);
  });
  assert.ok(places.every((ms, i) => i === 0 || ms >= places[i - 1]!));
  assert.ok(places.at(-1)! >= 15_000 && places.at(-1)! <= 30_000, `${places.at(-1)}`);
  assert.ok(bench.faults.length <= 20, `${bench.faults.length}`);
});

test('two publishers of one name by turns do not make time run twice', () => {
  const bench = new Bench();
  const places = Array.from({ length: 200 }, (_, i) =>
    bench.at('video', (i % 2 ? 90_000_000 : 0) + (i >> 1) * FRAME_MS, 20),
  );
  assert.ok(places.at(-1)! >= 3_900 && places.at(-1)! <= 4_200, `${places.at(-1)}`);
});

test('time goes over the end of 32 bits', () => {
  const bench = new Bench();
  assert.deepEqual(
    bench.pictures(0xffff_ff00, 20),
    Array.from({ length: 20 }, (_, i) => i * FRAME_MS),
  );
  const long = new Bench();
  for (let day = 0; day < 60; day += 1) long.at('video', day * 86_400_000, 86_400_000);
  assert.equal(long.at('video', 60 * 86_400_000, 86_400_000), 60 * 86_400_000);
});

test('data and decoder configurations do not move the line, and are placed on it', () => {
  const bench = new Bench(500);
  assert.equal(bench.timeline.placeData(77, bench.wallMs), 500);
  assert.equal(bench.timeline.placeHeader('video', 77, bench.wallMs), 500);
  assert.equal(bench.timeline.hasBegun, false);
  bench.pictures(3_600_000, 50);
  assert.equal(bench.timeline.placeData(3_602_000, bench.wallMs), 2_500, 'what is said of the next picture');
  for (const ms of [0, 54_000_000, 0xffff_ffff]) {
    assert.ok(bench.timeline.placeData(ms, bench.wallMs) <= 2_500);
    assert.equal(bench.timeline.placeHeader('video', ms, bench.wallMs), 2_460);
  }
  assert.equal(bench.at('video', 3_602_000), 2_500);
  assert.deepEqual(bench.faults, []);
});

test('strays at the very end are told of', () => {
  const bench = new Bench();
  bench.pictures(0, 50);
  bench.at('video', HOURS_15, 40);
  assert.deepEqual(bench.faults, []);
  bench.timeline.end();
  assert.deepEqual(bench.kinds, ['video stray']);
});
