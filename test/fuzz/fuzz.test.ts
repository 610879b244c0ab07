// The fuzzer itself: does it find what is there to be found, and the same again?
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DecodeError } from '../../src/errors.ts';
import { bugs } from '../../src/log/log.ts';
import { hex, toHex } from '../support/hex.ts';
import { fuzz, report } from './fuzz.ts';
import { execute, inputOf, refused, type Target } from './target.ts';

/** No file of the corpus has this name. */
function target(run: Target['run'], seeds = ['00010203040506']): Target {
  return { name: 'planted', seeds: seeds.map(hex), maxBytes: 100, run };
}

/** As a decoder that trusts a length. */
const trusting = target((input) => {
  const length = input[0] ?? 0;
  if (length > 200) throw new RangeError(`offset ${length} is out of bounds`);
});

test('a planted bug is found, shortened, kept and reported with all it takes to see it again', async () => {
  const { failure, executions } = await fuzz(trusting, { seed: 1, iterations: 5000, seconds: 60 });
  assert.ok(failure, 'it was not found');
  assert.match(failure.where, /^seed 1, iteration \d+$/);
  assert.ok(executions < 5000, 'a run ends at its first failure');

  const folder = mkdtempSync(join(tmpdir(), 'corpus-'));
  try {
    const text = await report(trusting, failure, { folder });
    const path = /kept as (.*)$/m.exec(text)?.[1] ?? '';
    assert.ok(path.startsWith(folder), text);
    const kept = readFileSync(path, 'utf8');
    assert.match(kept, /^# seed 1, iteration \d+: offset \d+ is out of bounds$/m);
    const input = hex(kept);
    assert.equal(input.length, 1, `${toHex(input)} could be shorter`);
    assert.match(text, /^FAILED planted: seed 1, iteration \d+\n {2}RangeError: offset/);
    assert.ok(text.includes(`input, 1 of ${failure.input.length} bytes: ${toHex(input)}`));
    assert.ok(await execute(trusting, input));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('inputs are those of the seed and the iteration, whatever was tried before', () => {
  const inputs = (seed: number) => Array.from({ length: 50 }, (_, i) => toHex(inputOf(trusting, seed, i)));
  assert.deepEqual(inputs(1), inputs(1));
  assert.notDeepEqual(inputs(1), inputs(2));
  assert.ok(new Set(inputs(1)).size > 40, 'hardly any two are the same');
});

test('seeds are tried as they are, and before everything else', async () => {
  const tried: string[] = [];
  const seen = target((input) => void tried.push(toHex(input)), ['aa', 'bb']);
  await fuzz(seen, { seed: 1, iterations: 3, seconds: 60 });
  assert.deepEqual(tried.slice(0, 2), ['aa', 'bb']);
  assert.equal(tried.length, 5);
});

test('a DecodeError is an answer, any other error is a failure', async () => {
  const throwing = (error: Error) =>
    target(
      () =>
        void refused(() => {
          throw error;
        }),
    );
  assert.equal(await execute(throwing(new DecodeError('ERR_BYTES_SHORT', 'short')), hex('')), undefined);
  const failure = await execute(throwing(new TypeError('x is not a function')), hex(''));
  assert.equal(failure?.message, 'x is not a function');
});

test('a bug that was logged and survived is a failure', async () => {
  const logging = target(() => {
    bugs.count += 1;
  });
  try {
    assert.equal((await execute(logging, hex('')))?.message, '1 bugs were counted');
  } finally {
    bugs.count -= 1;
  }
});

test('memory out of all proportion is a failure', async () => {
  let kept: Uint8Array | undefined;
  const greedy = target(() => {
    kept = new Uint8Array(500 << 20);
  });
  const failure = await execute(greedy, hex(''));
  assert.match(failure?.message ?? '', /^it allocated \d+ MiB$/);
  assert.equal(kept?.length, 500 << 20);
});

function run(...args: string[]) {
  return spawnSync(process.execPath, [join(import.meta.dirname, 'run.ts'), ...args], { encoding: 'utf8' });
}

test('the command says what it did and that nothing failed', () => {
  const { status, stdout, stderr } = run('--target', 'aac', '--iterations', '20');
  assert.equal(status, 0, stderr);
  const [first, ...lines] = stdout.trimEnd().split('\n');
  assert.equal(first, 'seed 1935');
  assert.ok(
    lines.some((line) => /│ aac +│ 28 +│ '\d+\.\d' +│/.test(line)),
    stdout,
  );
  assert.equal(lines.at(-1), '1 passed, 0 failed');
});

test('the command refuses targets and numbers that are none', () => {
  const strange = run('--target', 'strange');
  assert.equal(strange.status, 2);
  assert.match(strange.stderr, /^no target strange; there are amf0, /);
  for (const args of [['--seed', 'x'], ['--seed', '1.5'], ['--frobnicate']])
    assert.equal(run(...args).status, 2);
});
