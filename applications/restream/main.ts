// One source, several targets: what is published here is published on other servers as well, as targets.json says. A target
// that cannot be reached, or throws us out, is tried again and again; the source and the others do not notice.
import settings from './targets.json';

const targets: readonly { url: string; name: string }[] = settings.targets;
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [1000, 60_000];
const pushes = new Map<string, (() => void)[]>();

// What is on air when this file is saved goes on: the same connections are found as they were. Those to targets that are not in
// the list any more end.
application.onAppStart = () => {
  for (const stream of Object.values(application.streams)) if (stream?.publisher) begin(stream);
  NetConnection.closeForgotten();
};
application.onPublish = (_client, stream) => {
  if (!pushes.has(stream.name)) begin(stream);
};
application.onUnpublish = (_client, stream) => {
  for (const stop of pushes.get(stream.name) ?? []) stop();
  pushes.delete(stream.name);
};

function begin(stream: Stream): void {
  const stops = targets.map(({ url, name }) => push(stream, url, name.replace('{stream}', stream.name)));
  pushes.set(stream.name, stops);
}

/** Returns what ends it. */
function push(stream: Stream, url: string, name: string): () => void {
  const connection = new NetConnection();
  const out = new NetStream(connection);
  let waitMs = FIRST_WAIT_MS;
  let timer: number | undefined;
  connection.onStatus = ({ code, description }) => {
    if (code === 'NetConnection.Connect.Success') out.publish(name);
    if (connection.isConnected) return;
    trace(`${stream.name} → ${url}: ${code} ${description}, again in ${waitMs / 1000} s`);
    timer = setTimeout(() => connection.connect(url), waitMs);
    waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
  };
  out.onStatus = ({ code, level }) => {
    trace(`${stream.name} → ${url}: ${code}`);
    if (code === 'NetStream.Publish.Start') waitMs = FIRST_WAIT_MS;
    if (level === 'error') connection.close();
  };
  out.attach(stream);
  connection.connect(url);
  return () => {
    clearTimeout(timer);
    connection.onStatus = () => {};
    connection.close();
  };
}
