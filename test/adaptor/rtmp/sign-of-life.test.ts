import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignOfLife } from '../../../src/adaptor/rtmp/sign-of-life.ts';
import { ManualClock } from '../../support/manual-clock.ts';

class Peer {
  readonly clock = new ManualClock();
  readonly answers: boolean[] = [];
  pings = 0;
  /** Of pings before the question that it has not answered. */
  openPings = 0;
  transportBytes = 0;
  readonly life = new SignOfLife({
    clock: this.clock,
    ping: () => {
      this.pings += 1;
      this.openPings += 1;
      return this.openPings;
    },
    transportBytes: () => this.transportBytes,
  });

  ask(waitMs = 2_000): () => void {
    return this.life.ask(waitMs, (isAlive) => this.answers.push(isAlive));
  }

  /** What the system had kept of it has been read: the quiet turns have passed. */
  drained(): void {
    this.clock.advance(0);
  }

  pong(): void {
    this.openPings -= 1;
    this.life.pong();
  }
}

test('bytes that come after the question are a sign of life', () => {
  const peer = new Peer();
  peer.ask();
  peer.drained();
  assert.deepEqual(peer.answers, []);
  peer.life.heard();
  assert.deepEqual(peer.answers, [true]);
  assert.equal(peer.clock.pending, 0, 'no timer is left');
});

test('bytes that were there before the question are none', () => {
  const peer = new Peer();
  peer.ask();
  peer.life.heard(); // in the turn of the question: from the system's buffer
  peer.drained();
  peer.clock.advance(1_999);
  assert.deepEqual(peer.answers, []);
  peer.clock.advance(1);
  assert.deepEqual(peer.answers, [false]);
});

test('a peer that sends a little every now and then is alive, and so is one whose bytes are half a TLS record', () => {
  const trickling = new Peer();
  trickling.ask();
  trickling.clock.advance(1_900);
  trickling.life.heard();
  assert.deepEqual(trickling.answers, [true]);
  const torn = new Peer();
  torn.transportBytes = 5_000;
  torn.ask();
  torn.clock.advance(1_000);
  torn.transportBytes += 1;
  torn.clock.advance(1_000);
  assert.deepEqual(torn.answers, [true]);
  const dead = new Peer();
  dead.transportBytes = 5_000;
  dead.ask();
  dead.clock.advance(2_000);
  assert.deepEqual(dead.answers, [false]);
});

test('the answer to our own ping counts at once, one to an earlier ping does not', () => {
  const peer = new Peer();
  peer.openPings = 1;
  peer.ask();
  peer.pong();
  assert.deepEqual(peer.answers, []);
  peer.pong();
  assert.deepEqual(peer.answers, [true]);
});

test('a sign that is not read yet when the time is up still counts: the process may have been busy', () => {
  const peer = new Peer();
  peer.ask();
  peer.clock.after(2_000, () => peer.clock.soon(() => peer.life.heard()));
  peer.clock.advance(2_000);
  assert.deepEqual(peer.answers, [true]);
});

test('everybody who asks meanwhile shares the question, and whoever leaves takes back its own', () => {
  const peer = new Peer();
  peer.ask();
  peer.clock.advance(1_500);
  const leave = peer.ask();
  peer.ask();
  leave();
  assert.equal(peer.pings, 1);
  peer.clock.advance(500);
  assert.deepEqual(peer.answers, [false, false]);
  peer.ask()();
  assert.equal(peer.clock.pending, 0);
});

test('a peer is not pinged more than five times a second, however often somebody asks', () => {
  const peer = new Peer();
  for (let ms = 0; ms < 900; ms += 10) {
    peer.ask();
    peer.clock.advance(10);
    peer.life.heard();
  }
  assert.equal(peer.answers.length, 90);
  assert.ok(peer.pings <= 5, `${peer.pings} pings`);
});

test('while nothing is read the question waits, and what has piled up is no sign', () => {
  const peer = new Peer();
  peer.life.paused();
  peer.ask();
  peer.clock.advance(10_000);
  assert.deepEqual(peer.answers, []);
  peer.life.resumed();
  peer.life.heard(); // what had piled up
  peer.clock.advance(1_999);
  assert.deepEqual(peer.answers, []);
  peer.clock.advance(1);
  assert.deepEqual(peer.answers, [false]);

  peer.ask();
  peer.clock.advance(1_000);
  peer.life.paused();
  peer.clock.advance(5_000);
  peer.life.resumed();
  peer.drained();
  peer.life.heard();
  assert.deepEqual(peer.answers, [false, true]);
});

test('a peer that is never read from keeps its place in the end', () => {
  const peer = new Peer();
  peer.life.paused();
  peer.ask();
  peer.clock.advance(60_000);
  assert.deepEqual(peer.answers, [true]);
});

test('the end of the connection answers at once', () => {
  const peer = new Peer();
  peer.ask();
  peer.life.close();
  assert.deepEqual(peer.answers, [false]);
  assert.equal(peer.clock.pending, 0);
});
