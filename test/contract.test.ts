// What this server promises to those who knew Flash Media Server, row by row: each row that is kept has a test that carries its
// number, so that whoever breaks it is told which.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/** Of S-01 to S-35 those that are kept; the others ask for nothing or are to come. A row is added when its tests are whole. */
const KEPT: Readonly<Record<string, string>> = {
  'S-02': 'RTMP 1.0 and what Flash Media Server added to it, as today’s programs speak them',
  'S-03': 'TLS of its own: certificate, key, ciphers, time-outs of sessions',
  'S-04': 'TLS may end before the server; a tcUrl that says rtmps is taken and proves nothing',
  'S-05': 'several ports; each plain one tells RTMP, RTMPE, RTMPT and HTTP apart',
  'S-06': 'a minus before a port makes it secure, in fms.ini and in Adaptor.xml',
  'S-07': 'a session by TLS is one connection to one port',
  'S-08': 'rtmps is what scripts and the access log say of it',
  'S-09': 'RTMP is served on 1935 by default',
  'S-10': 'without a port rtmps means 443, in what scripts connect to as well',
  'S-11': 'any port may be secure: the minus says so, not the number',
  'S-12': 'behind a terminator a plain port takes RTMP and RTMP in HTTP',
  'S-13':
    'no certificate is needed where no port is secure; a secure port without one says so and stays closed',
  'S-14': 'applications/dvrcast_origin answers the methods of DVRCast',
  'S-15': 'a pause of what is being recorded goes on from where it was',
  'S-16': 'who comes late begins at 0, and may go back there at any time',
  'S-17': 'the fields of DVRSetStreamInfo say what is recorded and seen',
  'S-18': 'publish record and append relay live while they record; append goes on in the same file',
  'S-19': 'play from 0 on is the recording, whatever is live under that name',
  'S-20': 'a recording that is not there is not found, live or not',
  'S-21': 'what is flushed is played at once: the edge is MaxFlushTime and a group of pictures behind',
  'S-22': 'an encoder that publishes live has recorded what it asks for, and nothing else',
  'S-23': 'H.264 and AAC go into FLV, and with mp4: into MP4',
  'S-24': 'the calls of FLVPlayback 2.5 in their order',
  'S-25': 'players that know nothing of DVR play live, and are told nothing of it',
  'S-26': 'play2 switches at keyframes, and time goes on',
  'S-27': 'IPv4 alone by default',
  'S-28': 'with NetworkingIPv6 both families on every port without an address',
  'S-29': 'the switch is NetworkingIPv6 of Server.xml, in either form of XML',
  'S-30': 'each client has the address of its own family',
  'S-31': 'and it stands in the access log so; the edge log has a line for each port of each family',
  'S-32': 'without IPv6 on the machine: a warning, and IPv4',
  'S-33': 'addresses of IPv6 in brackets',
  'S-34': 'link-local ones with the zone of their interface',
};

/** In the names of tests: at the beginning of a text, several with commas between them. */
const NUMBERS = /['"`]((?:S-\d\d, )*S-\d\d): /g;

function numbersInTests(): Set<string> {
  const files = globSync('**/*.test.ts', { cwd: import.meta.dirname });
  const own = files.filter((file) => !file.endsWith('contract.test.ts'));
  const texts = own.map((file) => readFileSync(join(import.meta.dirname, file), 'utf8'));
  return new Set(texts.flatMap((text) => [...text.matchAll(NUMBERS)].flatMap(([, row]) => row!.split(', '))));
}

test('each row that is kept is carried by the name of a test', () => {
  const carried = numbersInTests();
  assert.deepEqual(
    Object.keys(KEPT).filter((row) => !carried.has(row)),
    [],
  );
});

test('no test carries the number of a row that there is not', () => {
  const last = 35;
  assert.deepEqual(
    [...numbersInTests()].filter((row) => Number(row.slice(2)) < 1 || Number(row.slice(2)) > last),
    [],
  );
});
