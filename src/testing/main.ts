// What tests of applications import: 'understudy/test'. Its typings for authors: script/types/understudy-test.d.ts.
export { strict as assert } from 'node:assert';
export { after, afterEach, before, beforeEach, describe, test } from 'node:test';
export { testApp } from './app.ts';
