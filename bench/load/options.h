// What every mode of the load generator is told on its command line, and what its modes are.
#ifndef OPTIONS_H
#define OPTIONS_H

typedef struct {
  const char *host, *app, *stream; // a stream is called STREAM, or STREAM0… when there are several
  int port, streams;
  double seconds, warm_seconds;
  // play
  int players, joins_per_second, in_flight, probes;
  int stalled, stalled_receive_buffer;
  double before_seconds; // measured before the stalled ones stop reading
  // publish
  const char *flv;
  int chunk_size;
} Options;

extern Options options;

int play(void);
int publish(void);
int connects(void);

void stream_name(char *out, int capacity, int index);
int open_socket(int flags);

#endif
