// rtmpload: players, publishers and connects for one RTMP server on this machine. Prints a line of JSON.
//
//   rtmpload play --port P --players N [--rate JOINS_A_SECOND, 0: at once] [--inflight N] [--probes N]
//            [--stalled N --before SECONDS --stalled-rcvbuf BYTES] [--streams N] --warm SECONDS --seconds SECONDS
//   rtmpload publish --port P --flv FILE [--streams N] [--chunk BYTES] --seconds SECONDS
//   rtmpload connects --port P [--inflight N] --warm SECONDS --seconds SECONDS
//   all: [--host 127.0.0.1] [--app live] [--stream s]
//
// "play" and "connects" say MEASURE_BEGIN and MEASURE_END around the time that their numbers are about, "play" with
// stalled players says STALL_BEGIN too, "publish" says PUBLISHING once everything is on air.
#define _GNU_SOURCE
#include "options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

Options options = {.host = "127.0.0.1",
                   .app = "live",
                   .stream = "s",
                   .port = 1935,
                   .streams = 1,
                   .seconds = 10,
                   .warm_seconds = 2,
                   .players = 100,
                   .joins_per_second = 500,
                   .in_flight = 64,
                   .probes = 16,
                   .before_seconds = 5,
                   .chunk_size = 4096};

void stream_name(char *out, int capacity, int index) {
  if (options.streams == 1) snprintf(out, (size_t)capacity, "%s", options.stream);
  else snprintf(out, (size_t)capacity, "%s%d", options.stream, index % options.streams);
}

int open_socket(int flags) {
  int fd = socket(AF_INET, SOCK_STREAM | flags, 0), one = 1;
  if (fd < 0) {
    perror("socket");
    exit(1);
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

static int set_option(const char *name, const char *value) {
  struct {
    const char *name;
    const char **text;
    int *whole;
    double *number;
  } known[] = {
      {"--host", &options.host, NULL, NULL},
      {"--app", &options.app, NULL, NULL},
      {"--stream", &options.stream, NULL, NULL},
      {"--flv", &options.flv, NULL, NULL},
      {"--port", NULL, &options.port, NULL},
      {"--streams", NULL, &options.streams, NULL},
      {"--players", NULL, &options.players, NULL},
      {"--rate", NULL, &options.joins_per_second, NULL},
      {"--inflight", NULL, &options.in_flight, NULL},
      {"--probes", NULL, &options.probes, NULL},
      {"--stalled", NULL, &options.stalled, NULL},
      {"--stalled-rcvbuf", NULL, &options.stalled_receive_buffer, NULL},
      {"--chunk", NULL, &options.chunk_size, NULL},
      {"--before", NULL, NULL, &options.before_seconds},
      {"--warm", NULL, NULL, &options.warm_seconds},
      {"--seconds", NULL, NULL, &options.seconds},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(name, known[i].name)) continue;
    if (known[i].text) *known[i].text = value;
    else if (known[i].whole) *known[i].whole = atoi(value);
    else *known[i].number = atof(value);
    return 1;
  }
  return 0;
}

int main(int count, char **words) {
  signal(SIGPIPE, SIG_IGN);
  for (int i = 2; i < count; i += 2) {
    if (i + 1 < count && set_option(words[i], words[i + 1])) continue;
    fprintf(stderr, "cannot use %s\n", words[i]);
    return 1;
  }
  if (count > 1 && !strcmp(words[1], "play")) return play();
  if (count > 1 && !strcmp(words[1], "publish")) return publish();
  if (count > 1 && !strcmp(words[1], "connects")) return connects();
  fprintf(stderr, "play, publish or connects?\n");
  return 1;
}
