// A channel: rtmp://HOST/channel/channel shows the files of playlist.json one after the other, for ever, the same to everybody, and
// some at their time of day. Whoever publishes `studio` breaks in; afterwards the programme goes on with the next item. (Who may do
// that, the sample auth decides.) It goes on when nobody looks, and when a file here is saved.
import programme from './playlist.json';

type Item = { name: string; start?: number; length?: number; at?: string };
const items: readonly Item[] = programme.items;
const turns = items.filter(({ at }) => at === undefined);
const [LIVE, RETRY_MS, DAY_MS] = ['studio', 5_000, 24 * 3_600_000];

const channel = Stream.get('channel')!;
let [next, failed] = [turns.findIndex(({ name }) => name === channel.source) + 1, 0];

application.onAppStart = () => {
  if (channel.source === undefined) show(turns[0], true);
  for (const item of items) if (item.at) daily(item, Date.parse(`2000-01-01T${item.at}Z`));
};
application.onAppStop = ({ code }) => code !== 'Application.GC';
application.onPublish = (_client, _stream, { name }) => {
  if (name !== LIVE) return { deny: `only ${LIVE} is published here` };
  return channel.source === LIVE || channel.play(LIVE, -1);
};
application.onUnpublish = () => show(turns[next % turns.length], true);

channel.onStatus = ({ code, level, details, description }) => {
  if (level !== 'error' && (code !== 'NetStream.Play.Start' || details === LIVE)) return;
  if (level === 'error') trace(`${details}: ${description}`);
  failed = level === 'error' ? failed + 1 : 0;
  if (details === turns[next % turns.length]?.name) next += 1;
  // The one behind it waits already while it is shown, so that there is no gap.
  setTimeout(() => show(turns[next % turns.length]), failed < turns.length ? 0 : RETRY_MS);
};

function show(item: Item | undefined, now = false): void {
  if (item) channel.play(item.name, item.start ?? 0, item.length ?? -1, now);
}
function daily(item: Item, at: number): void {
  setTimeout(
    () => {
      if (channel.source !== LIVE) show(item, true);
      daily(item, at);
    },
    DAY_MS - ((Date.now() - at) % DAY_MS),
  );
}
