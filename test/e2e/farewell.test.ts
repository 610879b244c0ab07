// What ends with an application is told to its script in time: a webhook about it, asynchronous as they are, gets through.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { reload, stop } from '../../src/cli/running.ts';
import { until } from '../support/core.ts';
import { type Ffmpeg, h264Clip, probePackets, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { startServer, type TestServer } from '../support/server.ts';

interface Webhook extends AsyncDisposable {
  readonly port: number;
  /** Calls in the order in which they came. */
  readonly calls: string[];
}

async function openWebhook(): Promise<Webhook> {
  const calls: string[] = [];
  const server = createServer((request, response) => {
    calls.push(decodeURIComponent(request.url!.slice(1)));
    response.end('ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    calls,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Every handler calls twice, the second time when the first call has been answered. That of onRecord waits for neither. */
const script = (port: number) => `
  const call = (text: string) => fetch('http://127.0.0.1:${port}/' + encodeURIComponent(text));
  const hook = async (text: string) => {
    await call(text);
    await call(text + ' done');
  };
  application.onPublish = (_client, stream) => void stream.record({ format: 'mp4' });
  application.onUnpublish = (_client, stream) => hook('unpublish ' + stream.name);
  application.onDisconnect = async () => { await hook('disconnect'); };
  application.onRecord = (_stream, { path, duration, reason }) => {
    void hook(['record', path, duration > 0.5, reason].join(' '));
  };
  application.onAppStop = ({ code }) => { void hook(code + ' ' + application.clients.length); };`;

const settings = (port: number, more: string) =>
  `<Application><JSEngine><Fetch><Hosts>127.0.0.1:${port}</Hosts></Fetch>${more}</JSEngine></Application>`;

const FAREWELL = ['disconnect', 'record streams/_definst_/cam.mp4 true unpublished', 'unpublish cam'];
const LAST = 'Application.Shutdown 0';

/** Runs `end` while somebody publishes and is recorded; what the webhook has heard when the application has ended. */
async function farewell(
  end: (server: TestServer, hook: Webhook) => Promise<unknown>,
  { more = '', look = async (_server: TestServer) => {} } = {},
): Promise<string[]> {
  await using hook = await openWebhook();
  const applications = {
    'show/main.ts': script(hook.port),
    'show/Application.xml': settings(hook.port, more),
  };
  await using server = await startServer({ applications });
  await using publisher: Ffmpeg = startFfmpeg(
    publishArgs(await h264Clip(), server.url('show', 'cam'), { loop: true }),
  );
  await publisher.reached(2);
  assert.deepEqual(hook.calls, []);
  await end(server, hook);
  await publisher.exited;
  await look(server);
  return [...hook.calls];
}

function assertWhole(calls: readonly string[]): void {
  const last = calls.indexOf(LAST);
  assert.deepEqual(calls.slice(last), [LAST, `${LAST} done`]);
  const twice = FAREWELL.flatMap((call) => [call, `${call} done`]);
  assert.deepEqual(calls.slice(0, last).sort(), twice.sort());
}

describe('before an application ends its script hears of all that ends with it, and then of onAppStop', {
  timeout: 120_000,
}, () => {
  test('at SIGTERM', async () => {
    const calls = await farewell(async (server) => {
      assert.deepEqual(await server.signal('SIGTERM'), { code: 0, signal: null });
    });
    assertWhole(calls);
  });

  test('at understudy reload, and the file that onRecord was told of is whole', async () => {
    const look = async (server: TestServer) => {
      const packets = await probePackets(join(server.root, 'applications/show/streams/_definst_/cam.mp4'));
      assert.ok(packets.length > 50);
    };
    assertWhole(await farewell((server) => reload(server.root, 'show'), { look }));
  });

  test('at understudy stop', async () => {
    assertWhole(await farewell((server) => stop(server.root)));
  });

  test('when a save starts it anew', async () => {
    const more = '<Reload><Policy>restart</Policy></Reload>';
    const save = async (server: TestServer, { calls, port }: Webhook) => {
      server.writeApp('show/main.ts', `${script(port)}\n// saved`);
      await until('the end of the application', () => calls.includes(`${LAST} done`));
    };
    assertWhole(await farewell(save, { more }));
  });

  test('when its folder is removed, its grants and the file of the recording with it', async () => {
    const calls = await farewell(async (server, hook) => {
      rmSync(join(server.root, 'applications/show'), { recursive: true, force: true });
      await until('the end of the application', () => hook.calls.includes(`${LAST} done`));
    });
    const last = calls.indexOf(LAST);
    for (const call of ['disconnect done', 'unpublish cam done']) {
      assert.ok(calls.slice(0, last).includes(call), `${call} among ${calls}`);
    }
  });
});
