// Video on demand: what lies in streams/_definst_ here is played as rtmp://HOST/vod/NAME: NAME.flv as NAME, film.mp4 as
// mp4:film.mp4, song.mp3 as mp3:song. Nobody publishes. Files are played from 0 also where players ask for whatever there
// is, so a name that is not there is an error at once, and nobody waits for somebody to publish it.

declare global {
  interface ClientMethods {
    plays(): { [name: string]: number };
  }
}

/** How often each file was begun, since this script runs. */
const begun = new Map<string, number>();
const MAX_NAMES = 10_000;

application.onPublish = () => ({ deny: 'files are put here by the operator' });

application.onPlay = (_client, _stream, { name, start }) => {
  if (start < 0 && start !== -2) return { deny: 'nothing is live here' };
  if (begun.has(name) || begun.size < MAX_NAMES) begun.set(name, (begun.get(name) ?? 0) + 1);
  return true;
};

Client.prototype.plays = () => Object.fromEntries(begun);
