// What tests of applications import: 'understudy/test'. Its typings for authors: script/types/understudy-test.d.ts.
export { strict as assert } from 'node:assert';
export { after, afterEach, before, beforeEach, describe, test } from 'node:test';
export { type TestApp, type TestOptions, testApp } from './app.ts';
export { CallError, type ConnectOptions, type TestClient } from './client.ts';
