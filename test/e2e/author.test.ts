// What a script's author does and is promised: `understudy new` beside a running server, and the types against the truth.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { newApplication } from '../../src/cli/new.ts';
import type { AmfValue } from '../../src/protocol/amf/amf.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer } from '../support/server.ts';

const TYPES = readFileSync(join(import.meta.dirname, '../../src/script/types/understudy.d.ts'), 'utf8');

/** The members that an interface or class of understudy.d.ts declares, but handlers, which scripts assign. */
function membersIn(head: RegExp): string[] {
  const body = new RegExp(`^${head.source} \\{\\n(.*?)^\\}`, 'ms').exec(TYPES)?.[1];
  assert.ok(body, String(head));
  const names = [...body.matchAll(/^ {2}(?:readonly )?(\w+)[(:<]/gm)].map(([, name]) => name!);
  return [...new Set(names)].filter((name) => name !== 'constructor');
}

test('new beside a running server: the application is there and its script decides', async () => {
  await using server = await startServer();
  newApplication(server.root, 'tv');
  await using peer = await RtmpPeer.open(server.port);
  await peer.publish('tv', 'show?key=1');
  const line = await server.waitForLog(({ msg }) => /publishes show/.test(String(msg)));
  assert.match(String(line.msg), /127\.0\.0\.1 publishes show.*key/);
});

test('every global and member that understudy.d.ts declares is there', async () => {
  const globals = [...TYPES.matchAll(/^declare (?:const|var|class|function) (\w+)/gm)].map(
    ([, name]) => name!,
  );
  assert.ok(globals.length > 15, String(globals));
  const members = {
    application: membersIn(/interface Application/),
    client: membersIn(/interface Client extends ClientMethods/),
    stream: membersIn(/interface Stream/),
    console: membersIn(/declare const console:/),
    'crypto.subtle': membersIn(/interface SubtleCrypto/),
    'new URLSearchParams()': membersIn(/declare class URLSearchParams/),
    'new TextDecoder()': membersIn(/declare class TextDecoder/),
    'new TextEncoder()': membersIn(/declare class TextEncoder/),
  };
  for (const [name, list] of Object.entries(members)) assert.ok(list.length > 1, name);
  const script = `
    let missing = ${JSON.stringify(globals)}.filter((name) => !(name in globalThis));
    application.onPublish = (client, stream) => {
      const all = { application, client, stream, ${Object.keys(members)
        .filter((name) => !['application', 'client', 'stream'].includes(name))
        .map((name) => `${JSON.stringify(name)}: ${name}`)} };
      for (const [of, names] of Object.entries(${JSON.stringify(members)})) {
        missing = missing.concat(names.filter((name) => !(name in all[of])).map((name) => of + ' has no ' + name));
      }
    };
    Client.prototype.missing = () => missing;
  `;
  await using server = await startServer({ applications: { 'api/main.mjs': script } });
  await using peer = await RtmpPeer.open(server.port);
  await peer.publish('api', 'show');
  const { args } = await peer.call('missing');
  assert.deepEqual(args, [[]] satisfies AmfValue[]);
});
