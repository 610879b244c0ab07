// Authors of scripts who put into the arguments of a granted command what leads out of their application.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ffmpegPath, h264Clip } from '../../support/ffmpeg.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import type { Siege, Stage } from '../stage.ts';

/** The client says what goes into the holes; it hears how the command ended. */
const SCRIPT = `
application.onConnect = () => true;
Client.prototype.run = (name, ...values) =>
  application.exec(name, { input: values[0], out: values[1] }).exited.then(
    ({ code, stderr }) => 'ended ' + code + ' ' + stderr.slice(-200), (error) => 'refused ' + error.message);`;

const EXEC = (name: string, program: string, ...args: string[]) =>
  `<Exec name="${name}"><Program>${program}</Program>${args.map((text) => `<Argument>${text}</Argument>`).join('')}</Exec>`;

const COPY = ['-nostdin', '-y', '-i'];
const SETTINGS = `<Application><JSEngine>
${EXEC('copy', ffmpegPath, ...COPY, '{input}', '-c', 'copy', '-f', 'flv', 'streams/_definst_/{out}.flv')}
${EXEC('file', ffmpegPath, ...COPY, '{input:file}', '-c', 'copy', '-f', 'flv', 'streams/_definst_/{out}.flv')}
${EXEC('pull', ffmpegPath, ...COPY, '{input:url}', '-c', 'copy', '-t', '1', '-f', 'flv', 'streams/_definst_/{out}.flv')}
${EXEC('say', process.execPath, '-e', 'process.stderr.write(process.argv.slice(1).join())', '--', '{input}', '{out}')}
</JSEngine></Application>`;

async function prepare({ server }: Stage): Promise<{ secret: string }> {
  const secret = join(server.root, 'applications/tenant/streams/_definst_/secret.mp4');
  mkdirSync(join(secret, '..'), { recursive: true });
  copyFileSync(await h264Clip(), secret);
  const own = join(server.root, 'applications/author/streams/_definst_');
  mkdirSync(own, { recursive: true });
  copyFileSync(secret, join(own, 'show.mp4'));
  if (!existsSync(join(own, 'link.mp4'))) symlinkSync(secret, join(own, 'link.mp4'));
  if (!existsSync(join(own, 'pipe.flv'))) execFileSync('mkfifo', [join(own, 'pipe.flv')]);
  return { secret };
}

async function run({ server }: Stage, calls: readonly (readonly [string, ...string[]])[]): Promise<string[]> {
  await using peer = await RtmpPeer.open(server.port);
  await peer.connect('author');
  const answers: string[] = [];
  for (const call of calls) answers.push(String((await peer.call('run', ...call)).args[0]));
  return answers;
}

async function assertRefused(stage: Stage, name: string, inputs: readonly string[]): Promise<void> {
  const answers = await run(
    stage,
    inputs.map((input, i) => [name, input, `stolen${i}`] as const),
  );
  assert.deepEqual(
    inputs.filter((_, i) => !answers[i]!.startsWith('refused exec: ')),
    [],
  );
  const own = join(stage.server.root, 'applications/author/streams/_definst_');
  assert.deepEqual(
    inputs.filter((_, i) => existsSync(join(own, `stolen${i}.flv`))),
    [],
  );
}

export const SIEGE: Siege = {
  title: 'holes in the arguments of commands',
  server: { applications: { 'author/main.js': SCRIPT, 'author/Application.xml': SETTINGS, 'tenant/': '' } },
  attacks: [
    {
      name: 'a word that ffmpeg takes for a file of another tenant, an address or an option',
      async run(stage) {
        const { secret } = await prepare(stage);
        await assertRefused(stage, 'copy', [
          ...[
            secret,
            `file:${secret}`,
            `subfile,,start,0,end,0,,:${secret}`,
            `concat:${secret}`,
            `cache:${secret}`,
          ],
          ...[
            `async:${secret}`,
            `crypto:${secret}`,
            `data:text/plain,x`,
            `pipe:0`,
            `fd:0`,
            `md5:${secret}`,
            `tee:${secret}`,
          ],
          ...[
            '../tenant/streams/_definst_/secret.mp4',
            'streams/../../tenant/x.flv',
            './../x',
            'a/..',
            '..',
            '.env',
          ],
          ...[
            'tcp://10.0.0.1:1',
            'http://127.0.0.1/',
            '1http://x',
            '_x:y',
            '[::1]:80/x',
            'user@host:path',
            '10.0.0.1:/x',
          ],
          ...[
            '-y',
            ' -y',
            '\u00a0-y',
            '+x',
            '@list',
            'of=/etc/passwd',
            '~/x',
            '~root/x',
            `'${secret}'`,
            `"${secret}"`,
            `x|${secret}`,
          ],
          ...[
            '%2e%2e/x',
            '%2Fetc%2Fpasswd',
            'C:\\x',
            '\\\\host\\share',
            '',
            `>${secret}`,
            'a\u0000b',
            'a\nb',
            'x'.repeat(2000),
          ],
        ]);
      },
    },
    {
      name: 'a file of another tenant where a file of the application is granted: by its path, a link, and a pipe in the way',
      async run(stage) {
        const { secret } = await prepare(stage);
        await assertRefused(stage, 'file', [
          ...[
            secret,
            'streams/_definst_/link.mp4',
            'streams/_definst_/pipe.flv',
            'streams',
            '../tenant/streams/_definst_/secret.mp4',
          ],
          ...[
            '/dev/zero',
            '/proc/self/environ',
            'Application.xml',
            'application.XML',
            `file:${secret}`,
            '-i',
            '',
            'streams/%5Fdefinst_/show.mp4',
          ],
        ]);
        const [answer] = await run(stage, [['file', 'streams/_definst_/show.mp4', 'copied']]);
        assert.match(answer!, /^ended 0 /);
      },
    },
    {
      name: 'an address of this machine where none is granted',
      async run(stage) {
        await assertRefused(stage, 'pull', [
          ...[
            'http://127.0.0.1/',
            'http://localhost/',
            'http://2130706433/',
            'http://0x7f.1/',
            'http://[::1]/',
            'rtmp://127.0.0.1/live/show',
          ],
          ...[
            'http://granted.example@127.0.0.1/',
            'file:///etc/passwd',
            'srt://127.0.0.1:1',
            'http://127.0.0.1#.example.com/',
            '//x',
            '/etc/passwd',
          ],
        ]);
      },
    },
    {
      name: 'names as people give them go on to the program as they are',
      async run(stage) {
        const names = [
          'a b',
          "Ann's show",
          'été',
          'ニュース',
          'a/b',
          '$HOME',
          ';id',
          '$(id)',
          '`id`',
          'a&b',
          'v1.2',
          '100%',
          'studio%3Acam',
        ];
        const answers = await run(
          stage,
          names.map((name) => ['say', name, 'x'] as const),
        );
        assert.deepEqual(
          answers,
          names.map((name) => `ended 0 ${name},x`),
        );
      },
    },
  ],
};
