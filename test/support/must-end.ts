// For `--import`: a test file that has run its tests and does not end fails, and says what keeps it.
//
// A test that timed out has not closed what it opened. Node's runner would wait for the process of its file for ever.
import { after } from 'node:test';

/** A slow machine may need some of it to close what all tests of a file had open. */
const GRACE_MS = Number(process.env.MUST_END_MS ?? 30_000);

after(() => {
  const endLate = () => {
    const open = process.getActiveResourcesInfo().join(', ');
    console.error(`${GRACE_MS} ms after its last test the process still has open: ${open}`);
    process.exit(1);
  };
  setTimeout(endLate, GRACE_MS).unref();
});
