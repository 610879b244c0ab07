// A Web server decides, as with nginx-rtmp's on_connect, on_publish, on_play and on_done: it is sent a form, and its answer's
// status counts. 2xx allows; 3xx with a Location allows under that name, or sends a connecting client there; anything else,
// or no answer, refuses. Where it is stands in Application.xml beside this file.
async function ask(call: string, client: Client, fields: Record<string, string>): Promise<Response> {
  const [app = ''] = application.name.split('/');
  const facts = {
    app,
    addr: client.ip,
    clientid: client.id,
    flashver: client.agent,
    pageurl: client.pageUrl,
  };
  return fetch(application.env.CALLBACK_URL, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ ...fields, ...facts, tcurl: client.uri, call }),
  });
}

async function decide(call: string, client: Client, request: PublishRequest | PlayRequest) {
  const { status, ok, headers } = await ask(call, client, { ...request.params, name: request.name });
  const name = headers.get('location');
  if (status >= 300 && status < 400 && name) return { as: name };
  return ok || { deny: `the callback answered ${status}` };
}

application.onConnect = async (client) => {
  const { status, ok, headers } = await ask('connect', client, {});
  const url = headers.get('location');
  if (status >= 300 && status < 400 && url) return application.redirectConnection(client, url);
  return ok || { deny: `the callback answered ${status}` };
};
application.onPublish = (client, _stream, request) => decide('publish', client, request);
application.onPlay = (client, _stream, request) => decide('play', client, request);
application.onUnpublish = async (client, stream) => void (await ask('done', client, { name: stream.name }));
application.onStop = async (client, stream) => void (await ask('done', client, { name: stream.name }));
