import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type BuildOutcome,
  BuildResult,
  encodeScript,
  type ScriptBuild,
} from '../../../src/script/source/build-outcome.ts';
import { CONFIRM_MS, ScriptCatalog } from '../../../src/script/source/catalog.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { buildIn } from '../support/built.ts';
import { Folder } from '../support/folder.ts';

function version(text: string): ScriptBuild {
  const script = { kind: 'classic' as const, code: text, filename: 'app:///live/main.asc', files: {} };
  return {
    application: 'live',
    mainScript: 'main.asc',
    unused: [],
    script: encodeScript(script),
    sourceMap: undefined,
    hash: text,
  };
}
const built = (text: string): BuildOutcome => ({ result: BuildResult.Built, build: version(text) });
const broken = (message: string): BuildOutcome => ({ result: BuildResult.Broken, faults: [{ message }] });
const noScript: BuildOutcome = { result: BuildResult.NoScript };
const noFolder: BuildOutcome = { result: BuildResult.NoFolder };

/** A catalog whose builds a test decides, one outcome for each look at the files. */
function cataloguing(applicationsDir = '/nowhere') {
  const clock = new ManualClock();
  const told: string[] = [];
  const outcomes: (BuildOutcome | Promise<BuildOutcome>)[] = [];
  const catalog = new ScriptCatalog({
    applicationsDir,
    clock,
    build: async () => outcomes.shift() ?? assert.fail('one look too many'),
    events: {
      built: (build, healed) => told.push(`${healed ? 'healed' : 'built'} ${build.hash}`),
      broken: (_, [fault], good) => told.push(`broken ${fault!.message}, good ${good?.hash}`),
      vanished: (_, good) => told.push(`vanished, good ${good?.hash}`),
      removed: () => told.push('removed'),
    },
    onBug: (error) => assert.fail(error as Error),
  });
  return {
    clock,
    catalog,
    /** The files change; each look at them finds the next outcome. */
    async change(...next: BuildOutcome[]): Promise<string[]> {
      outcomes.push(...next);
      const settled = catalog.refresh('live');
      let done = false;
      void settled.then(() => (done = true));
      while (!done) {
        await new Promise(setImmediate);
        clock.advance(CONFIRM_MS);
      }
      assert.equal(outcomes.length, 0);
      return told.splice(0);
    },
    outcomes,
    told,
  };
}

describe('the catalog', () => {
  test('tells a new version once', async () => {
    const { change } = cataloguing();
    assert.deepEqual(await change(built('a')), ['built a']);
    assert.deepEqual(await change(built('a')), []);
    assert.deepEqual(await change(built('b')), ['built b']);
  });

  test('keeps the last good version when the newest is broken, and tells when it is healed', async () => {
    const { change } = cataloguing();
    await change(built('a'));
    assert.deepEqual(await change(broken('x'), broken('y')), ['broken y, good a']);
    assert.deepEqual(await change(built('a')), ['healed a']);
    await change(broken('x'), broken('x'));
    assert.deepEqual(await change(built('b')), ['healed b']);
  });

  test('does not tell of what was half-written', async () => {
    const { change } = cataloguing();
    await change(built('a'));
    assert.deepEqual(await change(broken('x'), built('b')), ['built b']);
    assert.deepEqual(await change(noScript, built('b')), []);
    assert.deepEqual(await change(noFolder, noScript), ['vanished, good b']);
  });

  test('waits for no confirmation when a save comes in between', async () => {
    const { catalog, clock, outcomes, told } = cataloguing();
    outcomes.push(broken('x'));
    const first = catalog.refresh('live');
    await new Promise(setImmediate);
    assert.equal(clock.pending, 1);
    outcomes.push(built('a'));
    await catalog.refresh('live');
    await first;
    assert.deepEqual(told, ['built a']);
    assert.equal(clock.pending, 0);
  });

  test('looks again when files change while it looks', async () => {
    const { catalog, outcomes, told } = cataloguing();
    let finish = (_: BuildOutcome) => {};
    outcomes.push(new Promise<BuildOutcome>((resolve) => (finish = resolve)), built('new'));
    const first = catalog.refresh('live');
    await new Promise(setImmediate);
    const second = catalog.refresh('live');
    finish(built('old'));
    await Promise.all([first, second]);
    assert.deepEqual(told, ['built new']);
  });

  test('goes on with the last good version when the main script has gone', async () => {
    const { change, catalog } = cataloguing();
    await change(built('a'));
    assert.deepEqual(await change(noScript, noScript), ['vanished, good a']);
    assert.equal(catalog.find('live')?.good?.hash, 'a');
    assert.deepEqual(await change(built('a')), ['healed a']);
  });

  test('forgets the version, but not the fact, when the whole folder has gone', async () => {
    const { change, catalog } = cataloguing();
    await change(built('a'));
    assert.deepEqual(await change(noFolder, noFolder), ['removed']);
    assert.deepEqual(await change(noScript, noScript), ['vanished, good undefined']);
    const entry = catalog.find('live');
    assert.ok(entry);
    assert.equal(entry.good, undefined);
  });

  test('knows a script that has never been good', async () => {
    const { change, catalog } = cataloguing();
    assert.deepEqual(await change(broken('x'), broken('x')), ['broken x, good undefined']);
    assert.ok(catalog.find('live'));
    assert.deepEqual(await change(noScript, noScript), ['vanished, good undefined']);
    assert.ok(catalog.find('live'));
  });

  test('has nothing to tell of folders without a script', async () => {
    const { change, catalog } = cataloguing();
    assert.deepEqual(await change(noScript), []);
    assert.deepEqual(await change(noFolder), []);
    assert.equal(catalog.find('live'), undefined);
    assert.equal(catalog.find('other'), undefined);
  });

  test('finds a script on the disk that nobody has told of', async () => {
    await using folder = await Folder.create({ 'live/main.asc': '' });
    const { catalog, outcomes } = cataloguing(folder.path);
    outcomes.push(built('a'));
    const entry = catalog.find('live')!;
    await entry.settled();
    assert.equal(entry.good?.hash, 'a');
  });

  test('looks at every application folder at the start', async () => {
    await using folder = await Folder.create({
      'a/main.asc': 'var a',
      'b/main.ts': 'gc = 1',
      'c/readme.txt': '',
      'd.ts': '',
      '.git/main.ts': '',
    });
    const seen: string[] = [];
    const catalog = new ScriptCatalog({
      applicationsDir: folder.path,
      clock: new ManualClock(),
      build: (application) => buildIn(folder.at(application), application),
      events: { built: (build) => seen.push(build.application), broken() {}, vanished() {}, removed() {} },
      onBug: (error) => assert.fail(error as Error),
    });
    await catalog.start();
    assert.deepEqual(seen.sort(), ['a', 'b']);
  });
});
