import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { readApplicationConfig } from '../../src/config/application.ts';
import { loadConfig } from '../../src/config/load.ts';
import { digestSwf } from '../../src/protocol/rtmp/swf.ts';
import { AdmissionRules } from '../../src/wiring/admission-rules.ts';
import { rootWith } from '../config/support.ts';
import { keepingLog } from '../support/core.ts';

const SWF = 'FWS\u0009\u000c\u0000\u0000\u0000abcd';
const HASH = Buffer.from(digestSwf(Buffer.from(SWF, 'latin1')).hash).toString('hex');

async function rulesOf(t: TestContext, files: Record<string, string>, application = 'live') {
  const { log, records } = keepingLog();
  const config = loadConfig({ root: rootWith(t, files), set: {}, environment: {} });
  const vhost = config.adaptors[0]!.vhosts[0]!;
  const rules = new AdmissionRules(vhost, config.server.swfs, log);
  await rules.reading(application);
  return { ...rules.of(application, await readApplicationConfig(vhost.defaults, application)), records };
}

test('without files everybody may come in', async (t) => {
  const { login, swf, origin, records } = await rulesOf(t, {});
  assert.equal(login, undefined);
  assert.equal(swf, undefined);
  assert.equal(origin?.problem({ pageUrl: '', swfUrl: 'file:///player.swf' }), undefined);
  assert.deepEqual(records, []);
});

test("lists of domains in an application's folder: pages and SWFs by themselves, and what is no address of the web", async (t) => {
  const { origin } = await rulesOf(t, {
    'applications/live/allowedHTMLdomains.txt': 'example.com\n',
    'applications/live/allowedSWFdomains.txt': '*\n',
  });
  const problem = (pageUrl: string, swfUrl = '') => origin!.problem({ pageUrl, swfUrl });
  assert.equal(problem('http://www.example.com/show.html'), undefined);
  assert.equal(
    problem('https://evil.org/?key=secret'),
    'A page of evil.org may not connect (allowedHTMLdomains.txt).',
  );
  assert.equal(problem(''), 'A page of no web address may not connect (allowedHTMLdomains.txt).');
  const { origin: swfs } = await rulesOf(t, { 'applications/live/allowedSWFdomains.txt': 'cdn.net' });
  assert.equal(swfs!.problem({ pageUrl: '', swfUrl: 'http://a.cdn.net/player.swf' }), undefined);
  assert.equal(
    swfs!.problem({ pageUrl: 'http://cdn.net/', swfUrl: 'http://net/player.swf' }),
    'A SWF of net may not connect (allowedSWFdomains.txt).',
  );
});

test('users come from the file that Application.xml names; a login is for one application', async (t) => {
  const files = {
    'conf/_defaultRoot_/_defaultVHost_/Application.xml':
      '<Application><Authentication><Mode>everybody</Mode></Authentication></Application>',
    'conf/users': 'ann:plain:secret\n',
  };
  const live = (await rulesOf(t, files)).login!;
  const secretsOf = (user: string) => new Promise((found) => live.secretsOf(user, found));
  assert.deepEqual(await secretsOf('ann'), [{ kind: 'plain', password: 'secret' }]);
  assert.deepEqual(await secretsOf('bob'), []);
  assert.notEqual((await rulesOf(t, files, 'other')).login!.scope, live.scope);
});

test("SWFs are those of the application's own folder, of the folders that it names, and of the server's", async (t) => {
  const knows = async (files: Record<string, string>) => {
    const { swf } = await rulesOf(t, files);
    const found = swf!.libraries.map((library) =>
      library.some(({ hash }) => Buffer.from(hash).toString('hex') === HASH),
    );
    return (await Promise.all(found)).includes(true);
  };
  const verify = (folder: string) => ({
    'applications/live/Application.xml': `<Application><SWFVerification enabled="true"><SWFFolder>${folder}</SWFFolder></SWFVerification></Application>`,
  });
  assert.equal(await knows(verify('')), false);
  assert.equal(await knows({ ...verify(''), 'applications/live/SWFs/a/player.swf': SWF }), true);
  assert.equal(await knows({ ...verify('swfs'), 'applications/live/SWFs/player.swf': SWF }), false);
  assert.equal(await knows({ ...verify('swfs'), 'swfs/player.swf': SWF }), true);
  assert.equal(
    await knows({
      ...verify('swfs'),
      'conf/Server.xml':
        '<Root><Server><SWFVerification><SWFFolder>shared</SWFFolder></SWFVerification></Server></Root>',
      'shared/player.swf': SWF,
    }),
    true,
  );
});
