// A web site behind HttpProxy: clients that smuggle, flood and dawdle, by requests and by upgrades, and a web server that says what no
// web server says.
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { HELLO, RawSite, sayRaw } from '../../support/raw-site.ts';
import type { OutsideAttack, Siege } from '../stage.ts';

const INSIDE = 'GET /smuggled HTTP/1.1\r\nHost: a\r\nCookie: attacker\r\n\r\n';
const GET = 'GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const UPGRADE = 'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';
const AGREED = 'HTTP/1.1 101 Fine\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';
const BODY = 'Content-Length: 2\r\n\r\nok';

/** Answers `hello` to everything, and `evil` to what is asked for /smuggled by a request of its own. */
const honest = (heard: string) => (/^GET \/smuggled/.test(heard) ? HELLO.replace('hello', 'evil!') : HELLO);
const site = (await RawSite.open(honest)).unref();

/** Others who ask at the same time get what they have asked for. */
async function visit(port: number, times = 5): Promise<void> {
  const pages = Array.from({ length: times }, () => sayRaw(port, GET));
  for (const page of await Promise.all(pages)) assert.match(page, /^HTTP\/1\.1 200 OK\r\n[\s\S]*hello$/);
}

/** While `answer` is what the web server says, its client hears one of these statuses or nothing; then all is well again. */
function lies(
  name: string,
  answers: readonly string[],
  end: (socket: Socket) => void,
  ask = GET,
): OutsideAttack {
  return {
    name,
    async run({ server }) {
      for (const answer of answers) {
        site.answer = (_heard, socket) => {
          socket.write(answer, 'latin1', () => end(socket));
          return undefined;
        };
        const heard = await sayRaw(server.port, ask);
        assert.match(heard, /^(?:$|HTTP\/1\.1 (?:200|204|502) )/, JSON.stringify(answer.slice(0, 60)));
      }
      site.answer = honest;
      await visit(server.port);
    },
  };
}

const ODD = [
  ...[1, 7, 8, 0x1b, 0x7f, 0].map((code) => `HTTP/1.1 200 a${String.fromCharCode(code)}b\r\n${BODY}`),
  ...['000', '001', '099', '100', '101', '102', '199', '600', '999', '1000', '-1', 'abc'].map(
    (status) => `HTTP/1.1 ${status} x\r\n${BODY}`,
  ),
  ...['X\0: y', 'X: \0', ': y', ' : y', 'X y: z', 'X: a\nb', 'X: a\rb', 'Content-Length: 9'].map(
    (field) => `HTTP/1.1 200 OK\r\n${field}\r\n${BODY}`,
  ),
  'HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'HTTP/9.9 200 OK\r\n\r\n',
  'garbage\r\n\r\n',
  '\0\0\0\0',
  '',
];

interface Dawdlers {
  readonly count: number;
  readonly head: string;
  readonly byte: string;
  /** Addresses, by turns. */
  readonly from?: readonly string[];
  /** They read nothing. */
  readonly isDeaf?: boolean;
}

/** So many connections say `head` and then a byte now and then, until `during` has ended. */
async function dawdle(
  port: number,
  { count, head, byte, from = ['127.0.0.1'], isDeaf = false }: Dawdlers,
  during: () => Promise<void>,
): Promise<void> {
  const sockets = Array.from({ length: count }, (_, i) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: from[i % from.length]! });
    if (isDeaf) socket.pause();
    socket.on('error', () => {}).write(head);
    return socket;
  });
  const dripping = setInterval(() => {
    for (const socket of sockets) if (byte !== '' && socket.writable) socket.write(byte);
  }, 100);
  try {
    await during();
  } finally {
    clearInterval(dripping);
    for (const socket of sockets) socket.destroy();
  }
}

export const SIEGE: Siege = {
  title: 'a web site behind the HTTP proxy',
  server: {
    conf: {
      '_defaultRoot_/Adaptor.xml': `<Adaptor>
        <HostPortList><HostPort>\${ADAPTOR.HOSTPORT}</HostPort></HostPortList>
        <HTTPTunnel><HttpProxy enable="true"><Host>127.0.0.1:${site.port}</Host></HttpProxy></HTTPTunnel>
      </Adaptor>`,
    },
  },
  attacks: [
    {
      name: 'requests whose Connection names their own framing, in every method, while others visit',
      async run({ server }) {
        for (const named of [
          'content-length',
          'transfer-encoding',
          'host, content-length',
          'close, content-length',
        ]) {
          for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST']) {
            const head = `${method} /one HTTP/1.1\r\nHost: a\r\nConnection: ${named}\r\nContent-Length: ${INSIDE.length}\r\n\r\n`;
            const attack = sayRaw(server.port, head + INSIDE, (heard) => /\r\n\r\n/.test(heard));
            await Promise.all([visit(server.port), attack]);
          }
        }
        for (const heard of site.heard) {
          const requests = heard.match(/^[A-Z]+ \/\S* HTTP\/1\.1\r\n/gm) ?? [];
          const smuggled = requests.filter((line) => line.includes('/smuggled')).length;
          const bodies = heard.match(/^content-length: \d\d+\r$/gim)?.length ?? 0;
          assert.ok(smuggled <= bodies, 'a body has become a request');
        }
      },
    },
    lies('a web server that says what no web server says, and leaves', ODD, (socket) => socket.end()),
    lies('one that is reset in the middle', ODD.slice(0, 12), (socket) => socket.resetAndDestroy()),
    lies(
      'a web server that breaks off after every byte of an answer',
      Array.from({ length: 44 }, (_, i) => 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'.slice(0, i)),
      (socket) => socket.resetAndDestroy(),
    ),
    lies(
      'a web server whose answer has no end: in its head, in its hints, in its chunk extensions',
      [
        `HTTP/1.1 200 OK\r\n${'X-Y: z\r\n'.repeat(50_000)}`,
        `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(1 << 20)}`,
        'HTTP/1.1 103 Hint\r\nLink: </a>\r\n\r\n'.repeat(20_000),
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;${'a'.repeat(1 << 20)}`,
      ],
      (socket) => socket.end(),
    ),
    {
      name: 'a hundred thousand requests on one connection to a web server that does not answer',
      async run({ server }) {
        site.answer = () => undefined;
        const heardBefore = site.heard.length;
        await sayRaw(server.port, 'GET /more HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(100_000));
        assert.ok(site.heard.length - heardBefore <= 16);
        site.answer = honest;
        await visit(server.port);
      },
    },
    {
      name: 'a hundred connections with thousands of requests in one breath',
      async run({ server }) {
        for (const text of [
          'GET / HTTP/1.1\r\nHost:\r\n\r\n',
          'GET /fcs/ident2 HTTP/1.1\r\nHost: a\r\n\r\n',
        ]) {
          const flood = Array.from({ length: 100 }, () => sayRaw(server.port, text.repeat(5_000)));
          await Promise.all([...flood, visit(server.port)]);
        }
      },
    },
    {
      name: 'bodies that come byte by byte on 150 connections, and visits from the same address',
      async run({ server }) {
        site.answer = (heard) => (/^GET/.test(heard) ? honest(heard) : undefined);
        const head = 'POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n';
        await dawdle(server.port, { count: 150, head, byte: 'x' }, () => visit(server.port, 3));
        site.answer = honest;
        await visit(server.port);
      },
    },
    {
      name: 'bodies in chunks of a byte from six addresses, which together have all turns, and visits from a seventh',
      async run({ server }) {
        site.answer = (heard) => (/^GET/.test(heard) ? honest(heard) : undefined);
        const head = 'POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
        const from = [2, 3, 4, 5, 6, 7].map((last) => `127.0.0.${last}`);
        await dawdle(server.port, { count: 300, head, byte: '1\r\nx\r\n', from }, () => visit(server.port));
        site.answer = honest;
        await visit(server.port);
      },
    },
    {
      name: 'answers of megabytes that nobody reads, on 100 connections',
      async run({ server }) {
        const large = `HTTP/1.1 200 OK\r\nContent-Length: ${8 << 20}\r\n\r\n${'y'.repeat(8 << 20)}`;
        site.answer = (heard) => (/^GET \/large/.test(heard) ? large : honest(heard));
        const head = 'GET /large HTTP/1.1\r\nHost: a\r\n\r\n';
        await dawdle(server.port, { count: 100, head, byte: '', isDeaf: true }, () => visit(server.port, 2));
        site.answer = honest;
        await visit(server.port);
      },
    },
    lies(
      'a web server that agrees to what nobody has asked for, or to something else, and says more',
      [
        ...['', 'Upgrade: other\r\n', 'Upgrade: echo, h2c\r\n', 'X: \0\r\nUpgrade: echo\r\n'],
        'Upgrade: echo\r\nUpgrade: echo\r\n',
        'Upgrade: echo\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n',
      ].map((fields) => `HTTP/1.1 101 x\r\nConnection: upgrade\r\n${fields}\r\npoison`),
      (socket) => socket.end(),
      UPGRADE,
    ),
    lies('one that agrees where no upgrade was asked for', [AGREED, `${AGREED}${HELLO}`], (socket) =>
      socket.end(),
    ),
    {
      name: 'requests behind an upgrade that is refused, or whose web server says no word',
      async run({ server }) {
        const before = site.heard.length;
        for (const refusal of [HELLO, 'HTTP/1.1 426 x\r\nContent-Length: 0\r\n\r\n', '']) {
          site.answer = (heard, socket) => {
            if (!/^upgrade: echo\r$/im.test(heard)) return honest(heard);
            if (refusal === '') socket.destroy();
            return refusal;
          };
          const attacks = Array.from({ length: 50 }, () => sayRaw(server.port, UPGRADE + INSIDE.repeat(20)));
          await Promise.all([...attacks, visit(server.port)]);
        }
        site.answer = honest;
        const smuggled = site.heard.slice(before).filter((heard) => heard.includes('/smuggled'));
        assert.deepEqual(smuggled, []);
      },
    },
    {
      name: 'upgrades of 600 connections from six addresses that say a byte now and then, and one from a seventh',
      async run({ server }) {
        site.answer = (heard) =>
          /^GET \/chat/.test(heard) ? AGREED : /^GET/.test(heard) ? honest(heard) : '';
        const from = [2, 3, 4, 5, 6, 7].map((last) => `127.0.0.${last}`);
        await dawdle(server.port, { count: 600, head: UPGRADE, byte: 'x', from }, async () => {
          await visit(server.port);
          const heard = await sayRaw(server.port, UPGRADE, (all) => all.endsWith('\r\n\r\n'));
          assert.match(heard, /^HTTP\/1\.1 101 /);
        });
        site.answer = honest;
        await visit(server.port);
      },
    },
    {
      name: 'upgrades whose web server floods 60 clients that read nothing',
      async run({ server }) {
        const flood = Buffer.alloc(256 << 10);
        site.answer = (heard, socket) => {
          if (!/^GET \/chat/.test(heard)) return honest(heard);
          socket.write(AGREED);
          for (let i = 0; i < 32; i += 1) socket.write(flood);
          return undefined;
        };
        await dawdle(server.port, { count: 60, head: UPGRADE, byte: '', isDeaf: true }, () =>
          visit(server.port, 20),
        );
        site.answer = honest;
        await visit(server.port);
      },
    },
    {
      name: 'upgrades of 60 clients that flood a web server that does not read',
      async run({ server }) {
        site.answer = (heard, socket) => {
          if (!/^GET \/chat/.test(heard)) return honest(heard);
          socket.pause();
          return AGREED;
        };
        const head = UPGRADE + 'x'.repeat(1 << 20);
        await dawdle(server.port, { count: 60, head, byte: 'x' }, () => visit(server.port, 20));
        site.answer = honest;
        await visit(server.port);
      },
    },
    {
      name: 'heads that come byte by byte on 300 connections',
      async run({ server }) {
        await dawdle(server.port, { count: 300, head: 'GET / HTTP/1.1\r\nX-A: ', byte: 'x' }, () =>
          visit(server.port, 20),
        );
      },
    },
    {
      name: 'heads that two programs could read in two ways',
      async run({ server }) {
        const chunks = `0\r\n\r\n${INSIDE}`;
        for (const fields of [
          'Content-Length: 5\r\nTransfer-Encoding: chunked',
          'Transfer-Encoding: xchunked',
          'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
          'Transfer-Encoding: \x0bchunked',
          'Transfer-Encoding : chunked',
          'Content-Length: 0\r\nContent-Length: 60',
          'X: y\n\nGET /smuggled HTTP/1.1',
          'X: y\r\n Content-Length: 60',
          'Host: b',
          'Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 60',
        ]) {
          const attack = `POST /one HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n${chunks}`;
          await Promise.all([
            visit(server.port),
            sayRaw(server.port, attack, (heard) => /\r\n\r\n/.test(heard)),
          ]);
        }
      },
    },
  ],
};
