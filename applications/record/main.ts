// Records whatever is published, into streams/INSTANCE/NAME.flv in this folder, and tells clients what there is.
// Everybody may publish here: before you put this on the Internet, look at ../auth.

/** A finished recording, as clients get it. */
interface Recording {
  name: string;
  file: string;
  seconds: number;
  finishedAt: string;
}

// Methods on Client.prototype can be called by every client: nc.call("recordings", responder).
// Declaring them makes them known to the editor.
declare global {
  interface ClientMethods {
    recordings(): Recording[];
  }
}

let finished: Recording[] = [];

// "append": an encoder that loses its connection and comes back goes on in the same file.
// At most 4 hours (in seconds) and 8 GB (in kilobytes) at a time.
application.onPublish = (_client, stream) => {
  stream.record('append', 4 * 3600, 8 * 1024 * 1024);
};

// The file is whole now: this is the place to hand it on, to an archive or to application.exec.
application.onRecord = (stream, file) => {
  trace(`${file.path}: ${file.duration} s of ${file.codecs.join(' and ')}, ${file.bytes} bytes`);
  finished.push({
    name: stream.name,
    file: file.path,
    seconds: file.duration,
    finishedAt: new Date().toISOString(),
  });
  finished = finished.slice(-1000);
};

// The disk is full, or the folder must not be written to. The stream goes on.
application.onRecordError = (stream, error) => {
  console.error(`${stream.name} is not recorded: ${error.description}`);
};

Client.prototype.recordings = () => finished;

// You have edited this file: the old version gives the list to the new one, which gets it when it starts.
application.onBeforeReload = () => finished;
application.onAppStart = (info) => {
  if (info.reload) finished = info.state ?? [];
};
