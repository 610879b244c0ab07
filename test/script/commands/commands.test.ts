import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DecodeError } from '../../../src/errors.ts';
import { type Command, parseCommand, parseCommands } from '../../../src/script/commands/commands.ts';
import { printable } from '../../../src/script/commands/field-reader.ts';
import type { ScriptCommand } from '../../../src/script/wire/wire.ts';
import { bare } from '../../support/amf.ts';

/** As wire.ts describes them, and as the media side gets them. */
const good: [raw: ScriptCommand, command: Command][] = [
  [
    { op: 'ready', id: 1, ok: true },
    { op: 'ready', id: 1, ok: true },
  ],
  [
    { op: 'saved', id: 2, state: { rooms: 3 }, clients: { a: 1 }, lost: ['socket'] },
    { op: 'saved', id: 2, state: { rooms: 3 }, clients: { a: 1 }, lost: ['socket'] },
  ],
  [
    { op: 'verdict', id: 3, accepted: true, as: 'show', record: 'append', takeOver: true },
    { op: 'verdict', id: 3, accepted: true, as: 'show', record: 'append', takeOver: true },
  ],
  [
    { op: 'verdict', id: 3, accepted: true },
    { op: 'verdict', id: 3, accepted: true },
  ],
  [
    {
      op: 'verdict',
      id: 3,
      accepted: false,
      reason: 'no',
      application: { n: { $: 'undefined' } },
      redirect: 'rtmp://b/',
    },
    {
      op: 'verdict',
      id: 3,
      accepted: false,
      reason: 'no',
      application: bare({ n: undefined }),
      redirect: 'rtmp://b/',
    },
  ],
  ...(
    [
      { kind: 'plain', password: 'apple' },
      { kind: 'adobe', salt: 's', hash: 'h' },
      { kind: 'llnw', hash: 'h' },
    ] as const
  ).map((secret): [ScriptCommand, Command] => [
    { op: 'verdict', id: 3, accepted: true, secret },
    { op: 'verdict', id: 3, accepted: true, secret },
  ]),
  [
    { op: 'ret', id: 4, found: false },
    { op: 'ret', id: 4, found: false },
  ],
  [
    { op: 'ret', id: 4, found: true, ok: true, value: { $: 'undefined' } },
    { op: 'ret', id: 4, found: true, ok: true, value: undefined },
  ],
  [
    { op: 'ret', id: 4, found: true, ok: false, description: 'boom' },
    { op: 'ret', id: 4, found: true, ok: false, description: 'boom' },
  ],
  [
    { op: 'clientCall', client: 'c', name: 'hi', args: [1], responder: 9 },
    { op: 'clientCall', client: 'c', name: 'hi', args: [1], responder: 9 },
  ],
  [
    { op: 'clientCall', client: 'c', name: 'hi', args: [] },
    { op: 'clientCall', client: 'c', name: 'hi', args: [] },
  ],
  [
    { op: 'broadcast', name: 'hi', args: ['a'] },
    { op: 'broadcast', name: 'hi', args: ['a'] },
  ],
  [
    { op: 'disconnect', client: 'c' },
    { op: 'disconnect', client: 'c' },
  ],
  [
    { op: 'access', client: 'c', readAccess: '/a;/b' },
    { op: 'access', client: 'c', readAccess: '/a;/b' },
  ],
  [
    { op: 'ping', client: 'c' },
    { op: 'ping', client: 'c' },
  ],
  [
    { op: 'record', stream: 's', mode: 'record', maxDurationS: 60, gate: 3 },
    { op: 'record', stream: 's', mode: 'record', maxDurationS: 60, gate: 3 },
  ],
  [
    { op: 'outConnect', id: 1, uri: 'rtmp://h/a', args: [{ $: 'date', v: 0 }] },
    { op: 'outConnect', id: 1, uri: 'rtmp://h/a', args: [new Date(0)] },
  ],
  [
    { op: 'outPublish', id: 2, connection: 1, name: 'n', type: 'live' },
    { op: 'outPublish', id: 2, connection: 1, name: 'n', type: 'live' },
  ],
  [
    { op: 'outAttach', id: 2, source: 's' },
    { op: 'outAttach', id: 2, source: 's' },
  ],
  [
    { op: 'record', stream: 's', mode: false },
    { op: 'record', stream: 's', mode: false },
  ],
  [
    { op: 'streamDisconnect', stream: 's', reason: 'late\n' },
    { op: 'streamDisconnect', stream: 's', reason: 'late' },
  ],
  [
    { op: 'streamPlay', stream: 's', source: 'mp4:film', start: -2, length: 0.5, reset: true },
    { op: 'streamPlay', stream: 's', source: 'mp4:film', start: -2, length: 0.5, reset: true },
  ],
  [
    { op: 'streamStop', stream: 's' },
    { op: 'streamStop', stream: 's' },
  ],
  [
    { op: 'streamReceive', stream: 's', video: false },
    { op: 'streamReceive', stream: 's', video: false },
  ],
  [
    { op: 'streamBuffer', stream: 's', seconds: 3 },
    { op: 'streamBuffer', stream: 's', seconds: 3 },
  ],
  [
    { op: 'streamSend', stream: 's', name: 'onCue', args: [{ $: 'undefined' }], gate: 2 },
    { op: 'streamSend', stream: 's', name: 'onCue', args: [undefined], gate: 2 },
  ],
  [{ op: 'shutdown' }, { op: 'shutdown' }],
  [
    { op: 'log', level: 'warn', text: 'a\nb' },
    { op: 'log', level: 'warn', text: 'a\nb' },
  ],
  [
    { op: 'error', kind: 'handler', where: 'onConnect', message: 'm', stack: 's', client: 'c' },
    { op: 'error', kind: 'handler', where: 'onConnect', message: 'm', stack: 's', client: 'c' },
  ],
];

/** Arrays in arrays. */
function nested(levels: number): unknown {
  return levels === 1 ? [] : [nested(levels - 1)];
}

describe('commands of scripts', () => {
  for (const [raw, command] of good) {
    test(`${JSON.stringify(raw).slice(0, 80)} is understood`, () => {
      assert.deepEqual(parseCommand(JSON.parse(JSON.stringify(raw))), command);
    });
  }

  const wrong: [what: string, raw: unknown][] = [
    ['no object', 7],
    ['a list', []],
    ['null', null],
    ['no op', { id: 1 }],
    ['an op of Object.prototype', { op: 'constructor' }],
    ['an unknown op', { op: 'eval' }],
    ['a verdict that is neither', { op: 'verdict', id: 1, accepted: 1 }],
    ['a verdict without a reason', { op: 'verdict', id: 1, accepted: false }],
    ['a take-over that is neither', { op: 'verdict', id: 1, accepted: true, takeOver: 1 }],
    ['a verdict for no gate', { op: 'verdict', id: -1, accepted: true }],
    ['an id that is a fraction', { op: 'ready', id: 1.5, ok: true }],
    ['a public name that is no text', { op: 'verdict', id: 1, accepted: true, as: 5 }],
    ['a public name that is endless', { op: 'verdict', id: 1, accepted: true, as: 'a'.repeat(2000) }],
    ['a play of nothing', { op: 'streamPlay', stream: 's', source: '', start: 0, length: -1, reset: true }],
    ['a play into nothing', { op: 'streamPlay', stream: '', source: 'a', start: 0, length: -1, reset: true }],
    [
      'a start that is none',
      { op: 'streamPlay', stream: 's', source: 'a', start: null, length: -1, reset: true },
    ],
    ['a buffer of less than nothing', { op: 'streamBuffer', stream: 's', seconds: -1 }],
    ['a wish for sound that is none', { op: 'streamReceive', stream: 's', audio: 1 }],
    ['a publish of a type that is none', { op: 'outPublish', id: 2, connection: 1, name: 'n', type: 'x' }],
    ['an address without an end', { op: 'outConnect', id: 1, uri: 'x'.repeat(40_000), args: [] }],
    ['a recording mode that is none', { op: 'record', stream: 's', mode: true }],
    ['a recording of negative length', { op: 'record', stream: 's', mode: 'record', maxDurationS: -1 }],
    ['arguments that are no list', { op: 'broadcast', name: 'a', args: {} }],
    ['a thousand arguments and one', { op: 'broadcast', name: 'a', args: new Array(1001).fill(1) }],
    ['an argument that is no value', { op: 'broadcast', name: 'a', args: [{ $: 'evil' }] }],
    ['a result without a value', { op: 'ret', id: 1, found: true, ok: true }],
    ['saved clients that are a list', { op: 'saved', id: 1, clients: [], lost: [] }],
    ['saved state without a bottom', { op: 'saved', id: 1, state: nested(401), clients: {}, lost: [] }],
    ['a saved client without a bottom', { op: 'saved', id: 1, clients: { a: nested(401) }, lost: [] }],
    ['a level that is none', { op: 'log', level: 'fatal', text: '' }],
    ['an error of an unknown kind', { op: 'error', kind: 'bug', where: '', message: '', stack: '' }],
  ];
  for (const [what, raw] of wrong) {
    test(`${what}: refused`, () => {
      assert.throws(() => parseCommand(raw), DecodeError);
    });
  }

  test('fields are read from the command itself, not from what __proto__ pretends', () => {
    const raw = JSON.parse('{ "op": "verdict", "id": 1, "__proto__": { "accepted": true } }');
    assert.throws(() => parseCommand(raw), DecodeError);
  });

  test('one bad entry spoils only itself', () => {
    const parsed = [...parseCommands('[{"op":"shutdown"},{"op":"x"},{"op":"ping","client":"c"}]')];
    assert.deepEqual(parsed[0], { op: 'shutdown' });
    assert.ok(parsed[1] instanceof DecodeError);
    assert.deepEqual(parsed[2], { op: 'ping', client: 'c' });
  });

  test('a frame that is no JSON, or no list, is one error', () => {
    for (const body of ['', '{', '{}', 'null']) {
      const parsed = [...parseCommands(body)];
      assert.equal(parsed.length, 1);
      assert.ok(parsed[0] instanceof DecodeError);
    }
  });

  test('saved state as deep as it may be is carried on', () => {
    const command = parseCommand({ op: 'saved', id: 1, state: nested(400), clients: {}, lost: [] });
    assert.ok(command.op === 'saved');
    assert.equal(JSON.stringify(command.state).length, 2 * 400);
  });

  test('a saved client named __proto__ is a client like any other', () => {
    const command = parseCommand(
      JSON.parse('{"op":"saved","id":1,"clients":{"__proto__":{"a":1}},"lost":[]}'),
    );
    assert.ok(command.op === 'saved');
    assert.deepEqual(Object.entries(command.clients), [['__proto__', { a: 1 }]]);
  });

  test('texts for people are cut, not refused', () => {
    const command = parseCommand({ op: 'log', level: 'info', text: 'x'.repeat(10_000) });
    assert.ok(command.op === 'log');
    assert.equal(command.text.length, 8 * 1024 + 1);
  });
});

describe('a reason', () => {
  test('is one line without control characters', () => {
    assert.equal(printable('no\r\nentry\u0000\u2028!'), 'no entry !');
  });

  test('is cut to 200 characters, not through the middle of one', () => {
    assert.equal(printable('a'.repeat(300)).length, 200);
    assert.equal(printable(`${'a'.repeat(199)}🎬`), 'a'.repeat(199));
  });
});
