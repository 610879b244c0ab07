import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TransportRules, transportProblem } from '../../../src/application/admission/transport.ts';

const old = { isHttp11: false, staysOpen: false };
const kept = { isHttp11: false, staysOpen: true };
const modern = { isHttp11: true, staysOpen: true };

test('AllowHTTPTunnel is about tunnels, by how their requests come', () => {
  const problems = (tunnels: TransportRules['tunnels']) =>
    [undefined, old, kept, modern].map(
      (tunnel) =>
        transportProblem({ tunnels, disallowed: [] }, tunnel ? 'rtmpt' : 'rtmp', tunnel) !== undefined,
    );
  assert.deepEqual(problems('true'), [false, false, false, false]);
  assert.deepEqual(problems('false'), [false, true, true, true]);
  assert.deepEqual(problems('http1.1only'), [false, true, true, false]);
  assert.deepEqual(problems('keepalive'), [false, true, false, false]);
});

test('DisallowedProtocols is about what scripts see as client.protocol', () => {
  const rules: TransportRules = { tunnels: 'true', disallowed: ['rtmp', 'rtmpte'] };
  assert.equal(transportProblem(rules, 'rtmp', undefined), 'This application is not served by rtmp.');
  assert.equal(transportProblem(rules, 'rtmps', undefined), undefined);
  assert.equal(transportProblem(rules, 'rtmps', modern), undefined);
});
