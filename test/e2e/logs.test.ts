// The files under logs/ that a real server leaves, read as an operator's tools read them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect as dial, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { connect as dialTls } from 'node:tls';
import { rootWithCertificate } from '../support/certificate.ts';
import { until } from '../support/core.ts';
import { lacks, programPath } from '../support/debian.ts';
import { h264Clip, playArgs, publishArgs, startFfmpeg } from '../support/ffmpeg.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startServer, type TestServer } from '../support/server.ts';

const dir = mkdtempSync(join(tmpdir(), 'understudy-logs-'));
after(() => rmSync(dir, { recursive: true, force: true }));

function read(server: TestServer, name: string): string {
  return readFileSync(join(server.root, 'logs', name), 'utf8');
}

type Line = Record<string, string>;

/** By the names of the #Fields line, as every analyser does it. */
function parse(text: string): Line[] {
  let fields: string[] = [];
  const lines: Line[] = [];
  for (const line of text.split('\r\n')) {
    if (line.startsWith('#Fields: ')) fields = line.slice(9).split('\t');
    if (line === '' || line.startsWith('#')) continue;
    const cells = line.split('\t');
    assert.equal(cells.length, fields.length, line);
    lines.push(Object.fromEntries(fields.map((field, i) => [field, cells[i]!])));
  }
  return lines;
}

describe('the access log of a broadcast by ffmpeg', () => {
  const without = lacks('awk', 'goaccess');
  let text = '';

  test('has the session, the stream and their totals, and no secret of either', async () => {
    const clip = await h264Clip();
    const checkpoints =
      '<Checkpoints enable="true"><CheckInterval>1</CheckInterval><LogInterval>1</LogInterval></Checkpoints>';
    const server = await startServer({
      applications: { 'live/': '' },
      conf: {
        'Server.xml': `<Root><Server><Logging><Access>${checkpoints}</Access></Logging></Server></Root>`,
      },
    });
    try {
      const publisher = startFfmpeg(
        publishArgs(clip, server.url('live', 'cam?key=hunter2&lang=en'), { loop: true }),
      );
      await server.waitForLog(({ event }) => event === 'publish');
      const player = startFfmpeg(playArgs(server.url('live', 'cam'), join(dir, 'cam.flv')));
      await player.reached(2);
      // two seconds of media may come in one burst
      await until('a checkpoint of play', () => read(server, 'access.00.log').includes('play-continue'));
      await player.stop();
      await server.waitForLog(({ event }) => event === 'disconnect');
      await publisher.stop();
      await server.stop();
      text = read(server, 'access.00.log');
    } finally {
      await server.kill9();
      server.removeRoot();
    }
    const lines = parse(text);
    const events = lines.map((line) => line['x-event']!);
    assert.deepEqual(events.slice(0, 6), [
      'server-start',
      'vhost-start',
      'app-start',
      'connect-pending',
      'connect',
      'publish',
    ]);
    assert.deepEqual(events.slice(-3), ['app-stop', 'vhost-stop', 'server-stop']);
    for (const what of ['connect', 'publish', 'play']) {
      assert.ok(events.includes(`${what}-continue`), `a checkpoint of ${what}`);
    }
    const one = (event: string) => lines.findLast((line) => line['x-event'] === event)!;
    for (const event of ['publish', 'play', 'stop', 'unpublish']) {
      assert.equal(one(event)['x-sname'], 'cam', event);
      assert.equal(one(event)['c-user-agent']?.length !== 0, true);
    }
    assert.equal(one('publish')['x-sname-query'], 'key=***&lang=en');
    assert.ok(Number(one('stop')['sc-stream-bytes']) > 10_000);
    assert.ok(Number(one('unpublish')['cs-stream-bytes']) > 10_000);
    assert.ok(Number(one('unpublish')['x-duration']) >= 1);
    for (const line of lines.filter((line) => line['x-event'] === 'disconnect')) {
      assert.ok(Number(line['cs-bytes']) > 3_000 && Number(line['sc-bytes']) > 3_000);
    }
    assert.doesNotMatch(text, /hunter2/);
  });

  test('awk, by the #Fields line, adds up what was sent', { skip: without }, () => {
    const program = `BEGIN { FS = "\\t"; RS = "\\r\\n" }
      /^#Fields: / { sub(/^#Fields: /, ""); for (i = 1; i <= NF; i++) at[$i] = i; next }
      /^#/ { next }
      $at["x-event"] == "disconnect" { sent += $at["sc-bytes"] }
      END { printf "%d", sent }`;
    const { stdout, stderr } = spawnSync(programPath('awk'), [program], { input: text, encoding: 'utf8' });
    assert.equal(stderr, '');
    const disconnects = parse(text).filter((line) => line['x-event'] === 'disconnect');
    assert.equal(
      Number(stdout),
      disconnects.reduce((sum, line) => sum + Number(line['sc-bytes']), 0),
    );
  });

  test('GoAccess understands every line of a session', { skip: without }, () => {
    const columns: Record<string, string> = {
      date: '%d',
      time: '%t',
      'c-ip': '%h',
      'x-status': '%s',
      'cs-uri-stem': '%U',
      'c-user-agent': '%u',
      'sc-bytes': '%b',
    };
    const fields = /^#Fields: (.*)\r$/m.exec(text)![1]!.split('\t');
    const sessions = parse(text).filter((line) => line['x-category'] === 'session');
    const file = join(dir, 'sessions.log');
    const report = join(dir, 'report.json');
    writeFileSync(
      file,
      sessions.map((line) => `${fields.map((field) => line[field]).join('\t')}\n`).join(''),
    );
    const { status, stderr } = spawnSync(
      programPath('goaccess'),
      [
        file,
        `--log-format=${fields.map((field) => columns[field] ?? '%^').join('\t')}`,
        '--date-format=%Y-%m-%d',
        '--time-format=%H:%M:%S',
        '--no-global-config',
        '--no-progress',
        `--output=${report}`,
      ],
      { encoding: 'utf8', env: { ...process.env, TERM: 'dumb' } },
    );
    assert.equal(status, 0, stderr);
    const { general, hosts } = JSON.parse(readFileSync(report, 'utf8'));
    assert.equal(general.failed_requests, 0);
    assert.equal(general.total_requests, sessions.length);
    assert.deepEqual(
      hosts.data.map(({ data }: { data: string }) => data),
      ['127.0.0.1'],
    );
    assert.equal(
      general.bandwidth,
      sessions.reduce((sum, line) => sum + Number(line['sc-bytes']), 0),
    );
  });
});

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);

test('S-08, S-31: c-proto is rtmps; IPv6 addresses stand in c-ip and s-ip; the edge log has a line for each port', {
  skip: hasIpv6 ? false : 'this machine has no IPv6',
}, async () => {
  const ports =
    '<HostPortList><HostPort>127.0.0.1:0,-0</HostPort><HostPort>[::1]:0</HostPort></HostPortList>';
  const root = rootWithCertificate(dir, 'ports', ports);
  writeFileSync(
    join(root, 'conf', 'Server.xml'),
    '<Root><Server><NetworkingIPv6 enable="true"/></Server></Root>',
  );
  const server = await startServer({ root, applications: { 'live/': '' } });
  try {
    const [v6] = server.listeners.filter(({ host }) => host === '::1');
    const secure = server.listener('rtmp', true);
    const visit = async (socket: Socket, connected: string) => {
      await once(socket, connected);
      const peer = await RtmpPeer.over(socket);
      await peer.connect('live');
      socket.end();
      await peer.closed();
    };
    await visit(dial({ host: '127.0.0.1', port: server.port }), 'connect');
    await visit(dial({ host: '::1', port: v6!.port }), 'connect');
    const overTls = dialTls({ host: '127.0.0.1', port: secure.port, rejectUnauthorized: false });
    await visit(overTls, 'secureConnect');
    await server.stop();
    const connects = parse(read(server, 'access.00.log')).filter((line) => line['x-event'] === 'connect');
    assert.deepEqual(
      connects.map((line) => [line['c-proto'], line['c-ip'], line['s-ip'], line['x-status']]),
      [
        ['rtmp', '127.0.0.1', '127.0.0.1', '200'],
        ['rtmp', '::1', '::1', '200'],
        ['rtmps', '127.0.0.1', '127.0.0.1', '200'],
      ],
    );
    const edge = parse(read(server, 'edge.00.log'));
    assert.ok(edge.every((line) => line['x-status'] === '(i)2631173' || line['x-status'] === '(i)2631174'));
    assert.deepEqual(
      edge.map((line) => line['x-ctx']),
      [
        'IPv6 protocol stack detected',
        'NetworkingIPv6 enable="true"',
        'Running in dual-stack mode',
        `Listener started ( _defaultRoot__edge1 ) : ${server.port}/v4`,
        `Listener started ( _defaultRoot__edge1 ) : ${secure.port}/v4 (TLS)`,
        `Listener started ( _defaultRoot__edge1 ) : ${v6!.port}/v6`,
      ],
    );
    const master = parse(read(server, 'master.00.log')).map((line) => line['x-ctx']);
    assert.match(master[0]!, /^Server started: Understudy\/\d/);
    assert.equal(master[1], 'Server stopped');
  } finally {
    await server.kill9();
  }
});

test('S-13: a port that stays closed has its reason in the edge log', async () => {
  await using server = await startServer({ set: { 'ADAPTOR.HOSTPORT': '127.0.0.1:0,-0' } });
  await until('the edge log', () => {
    try {
      return /\t\(e\)2631175\t\( _defaultRoot__edge1 \) .*no certificate is configured\r\n$/.test(
        read(server, 'edge.00.log'),
      );
    } catch {
      return false;
    }
  });
});

test('SIGHUP: a file that was moved away is left alone, and the next line begins a new one', async () => {
  await using server = await startServer({ applications: { 'live/': '' } });
  const visit = async (app: string) => {
    const peer = await RtmpPeer.open(server.port);
    await peer.connect(app);
    peer.socket.end();
    await peer.closed();
  };
  const log = (name: string) => join(server.root, 'logs', name);
  await visit('live/one');
  await until('the first visit', () => read(server, 'access.00.log').includes('disconnect'));
  renameSync(log('access.00.log'), log('moved'));
  void server.signal('SIGHUP');
  await visit('live/two');
  await until('the second visit', () => {
    try {
      return read(server, 'access.00.log').includes('disconnect');
    } catch {
      return false;
    }
  });
  const instances = (name: string) =>
    new Set(
      parse(read(server, name))
        .map((line) => line['x-appinst'])
        .filter((name) => name !== '-'),
    );
  assert.deepEqual(instances('moved'), new Set(['one']));
  assert.deepEqual(instances('access.00.log'), new Set(['two']));
});
