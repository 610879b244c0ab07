// Players. Most of them read and discard, so that one core can carry thousands; a few, the probes, read every message and
// know exactly how late it came and what is missing. The stalled ones stop reading at a given moment.
//
// Two threads, each with an epoll: players, and probes, which run ahead of everything else if the system lets them; what
// they measure is the server's time then, not that of the other players.
#define _GNU_SOURCE
#include "options.h"
#include "rtmp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef enum { UNUSED, CONNECTING, SHAKING_HANDS, AWAITING_CONNECT, AWAITING_STREAM, AWAITING_MEDIA, PLAYING, STALLED, CLOSED } State;

enum { AUDIO, VIDEO, KINDS };

// What is measured when: nothing while players join, then before and after the stalled ones stop.
enum { JOINING, BEFORE, MEASURING, WINDOWS };

typedef struct {
  Connection connection;
  State state;
  bool is_probe, will_stall;
  int index;
  uint32_t stream_id;
  uint64_t began_ns, first_media_ns, first_picture_ns;
  uint64_t measured_bytes;
  bool has_sequence[KINDS];
  uint32_t last_sequence[KINDS];
} Player;

// Microseconds, as many as come. Written by the probes' thread alone.
typedef struct {
  uint32_t *us;
  size_t count, capacity;
} Samples;

static Player *players;
static Samples latencies[WINDOWS][KINDS];
static uint64_t received[WINDOWS], lost[WINDOWS];

static atomic_int window, playing, failed, pending, closed_while_playing;
static atomic_bool stopping;

// ---- what comes ----------------------------------------------------------------------------------------------------

static void add_sample(Samples *samples, uint64_t us) {
  if (samples->count == samples->capacity) {
    samples->capacity = samples->capacity ? 2 * samples->capacity : 65536;
    samples->us = realloc(samples->us, samples->capacity * sizeof *samples->us);
  }
  samples->us[samples->count++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static void read_stamp(Player *player, int kind, const uint8_t *body, uint32_t length) {
  Stamp stamp;
  if (length < STAMPED_MIN_LENGTH) return;
  memcpy(&stamp, body + length - sizeof stamp, sizeof stamp);
  if (stamp.magic != STAMP_MAGIC) return;
  int now = window;
  if (now != JOINING) {
    add_sample(&latencies[now][kind], (now_ns() - stamp.sent_ns) / 1000);
    received[now]++;
    uint32_t expected = player->last_sequence[kind] + 1;
    if (player->has_sequence[kind] && stamp.sequence > expected) lost[now] += stamp.sequence - expected;
  }
  player->last_sequence[kind] = stamp.sequence;
  player->has_sequence[kind] = true;
}

// A coded keyframe, not a sequence header: FLV §E.4.3.1, FrameType 1 and AVCPacketType 1.
static bool is_picture(int type, const uint8_t *body, uint32_t length) {
  return type == TYPE_VIDEO && length > 1 && body[0] >> 4 == 1 && body[1] == 1;
}

static void take_media(Player *player, int type, const uint8_t *body, uint32_t length) {
  if (player->state == AWAITING_MEDIA) {
    player->state = PLAYING;
    player->first_media_ns = now_ns();
    playing++;
    pending--;
  }
  if (!player->is_probe) return;
  if (!player->first_picture_ns && is_picture(type, body, length)) player->first_picture_ns = now_ns();
  read_stamp(player, type == TYPE_AUDIO ? AUDIO : VIDEO, body, length);
}

static void take_answer(Player *player, const uint8_t *body, uint32_t length) {
  uint8_t space[1024];
  Bytes out = {space, 0, sizeof space};
  if (command_answer(body, length) != ANSWER_RESULT) return;
  if (player->state == AWAITING_CONNECT) {
    put_command(&out, "createStream", 2, NULL, 0, 128);
    player->state = AWAITING_STREAM;
  } else if (player->state == AWAITING_STREAM) {
    char name[64];
    stream_name(name, sizeof name, player->index);
    player->stream_id = created_stream_id(body, length);
    put_command(&out, "play", 0, (const char *[]){name, NULL}, player->stream_id, 128);
    put_buffer_length(&out, player->stream_id, 1000);
    player->state = AWAITING_MEDIA;
  }
  if (out.length) send_all_or_drop(player->connection.fd, &out);
}

static void take_message(void *owner, int type, const uint8_t *body, uint32_t length) {
  if (type == TYPE_COMMAND) take_answer(owner, body, length);
  else if (type == TYPE_AUDIO || type == TYPE_VIDEO) take_media(owner, type, body, length);
}

// ---- sockets -------------------------------------------------------------------------------------------------------

static void close_player(Player *player) {
  if (player->state < PLAYING) {
    pending--;
    failed++;
  } else if (player->state == PLAYING) closed_while_playing++;
  close(player->connection.fd);
  player->state = CLOSED;
}

static bool is_discarding(const Player *player) { return player->state == PLAYING && !player->is_probe; }

static void shake_hands(Player *player) {
  Connection *c = &player->connection;
  if (c->input_length < SERVER_HANDSHAKE_BYTES) return;
  uint8_t space[4096];
  Bytes out = {space, 0, sizeof space};
  put_client_answer(&out, c->input);
  put_connect(&out, options.host, options.port, options.app);
  send_all_or_drop(c->fd, &out);
  c->input_length -= SERVER_HANDSHAKE_BYTES;
  memmove(c->input, c->input + SERVER_HANDSHAKE_BYTES, c->input_length);
  player->state = AWAITING_CONNECT;
}

static void read_player(Player *player) {
  Connection *c = &player->connection;
  bool discards = is_discarding(player);
  ssize_t length;
  if (discards) length = recv(c->fd, NULL, 1 << 20, MSG_TRUNC | MSG_DONTWAIT); // the kernel throws it away: no copy
  else {
    size_t room = connection_room(c);
    length = recv(c->fd, c->input + c->input_length, room, MSG_DONTWAIT);
  }
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length <= 0) return close_player(player);

  if (window == MEASURING) player->measured_bytes += (uint64_t)length;
  connection_count(c, (size_t)length);
  if (discards) return;
  c->input_length += (size_t)length;
  if (player->state == SHAKING_HANDS) shake_hands(player);
  if (player->state >= AWAITING_CONNECT && !connection_parse(c, take_message, player)) return close_player(player);
  if (is_discarding(player)) connection_forget_input(c);
}

static void watch(int epoll, int operation, Player *player, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = player};
  epoll_ctl(epoll, operation, player->connection.fd, &event);
}

static void connected(Player *player, int epoll) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(player->connection.fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) return close_player(player);
  uint8_t space[2048];
  Bytes out = {space, 0, sizeof space};
  put_client_hello(&out);
  send_all_or_drop(player->connection.fd, &out);
  player->state = SHAKING_HANDS;
  watch(epoll, EPOLL_CTL_MOD, player, EPOLLIN);
}

static void *run_loop(void *argument) {
  int epoll = *(int *)argument;
  struct epoll_event events[512];
  while (!stopping) {
    int count = epoll_wait(epoll, events, 512, 50);
    for (int i = 0; i < count; i++) {
      Player *player = events[i].data.ptr;
      if (player->state == CONNECTING) connected(player, epoll);
      else if (player->state == STALLED) {
        if (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) close_player(player);
      } else if (player->state != CLOSED) read_player(player);
    }
  }
  return NULL;
}

// ---- the course of it ----------------------------------------------------------------------------------------------

static bool is_every(int index, int count, int of) {
  return (int64_t)(index + 1) * count / of != (int64_t)index * count / of;
}

static void join(int index, int epoll) {
  Player *player = &players[index];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
  inet_pton(AF_INET, options.host, &address.sin_addr);
  connection_open(&player->connection, open_socket(SOCK_NONBLOCK));
  if (player->will_stall && options.stalled_receive_buffer) {
    int size = options.stalled_receive_buffer;
    setsockopt(player->connection.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  }
  player->state = CONNECTING;
  player->began_ns = now_ns();
  pending++;
  if (connect(player->connection.fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) close_player(player);
  else watch(epoll, EPOLL_CTL_ADD, player, EPOLLOUT);
}

enum { STUCK_SECONDS = 15 }; // a server that takes nobody for so long does not take the rest either

// Whoever samples the server at MEASURE_END may be late, and is not to see it close thousands of connections.
static const double AFTERGLOW_SECONDS = 0.5;

// Returns how long it took until all that would play played.
static double join_all(int epoll, int probe_epoll) {
  uint64_t began = now_ns();
  for (int i = 0; i < options.players; i++) {
    uint64_t due = options.joins_per_second ? began + (uint64_t)i * 1000000000u / (uint64_t)options.joins_per_second : 0;
    while (now_ns() < due) sleep_seconds(0.0002);
    uint64_t waiting = now_ns();
    while (pending >= options.in_flight && now_ns() - waiting < STUCK_SECONDS * 1000000000ull) sleep_seconds(0.0001);
    if (pending >= options.in_flight) {
      fprintf(stderr, "the server is stuck at player %d\n", i);
      break;
    }
    Player *player = &players[i];
    player->index = i;
    player->is_probe = is_every(i, options.probes, options.players);
    player->will_stall = !player->is_probe && is_every(i, options.stalled, options.players);
    join(i, player->is_probe ? probe_epoll : epoll);
  }
  uint64_t waiting = now_ns();
  while (pending > 0 && now_ns() - waiting < STUCK_SECONDS * 1000000000ull) sleep_seconds(0.001);
  return (double)(now_ns() - began) / 1e9;
}

static int stall(int epoll) {
  int count = 0;
  for (int i = 0; i < options.players; i++) {
    Player *player = &players[i];
    if (!player->will_stall || player->state != PLAYING) continue;
    player->state = STALLED;
    watch(epoll, EPOLL_CTL_MOD, player, EPOLLRDHUP);
    count++;
  }
  return count;
}

static void say(const char *word) {
  puts(word);
  fflush(stdout);
}

// ---- the report ----------------------------------------------------------------------------------------------------

static int by_u32(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static int by_double(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void print_latency(const char *name, Samples *samples) {
  qsort(samples->us, samples->count, sizeof *samples->us, by_u32);
  if (samples->count == 0) {
    printf("\"%s\":null", name);
    return;
  }
  double sum = 0;
  for (size_t i = 0; i < samples->count; i++) sum += samples->us[i];
  const uint32_t *us = samples->us;
  size_t last = samples->count - 1;
  printf("\"%s\":{\"messages\":%zu,\"mean\":%.3f,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}", name, samples->count,
         sum / (double)samples->count / 1000, us[last / 2] / 1000.0, us[last * 99 / 100] / 1000.0, us[last] / 1000.0);
}

// Milliseconds by kind of message and over both, and what is missing among them.
static void print_window(const char *name, int which) {
  Samples *audio = &latencies[which][AUDIO], *video = &latencies[which][VIDEO], all = {0};
  all.count = audio->count + video->count;
  all.us = malloc((all.count + 1) * sizeof *all.us);
  if (audio->count) memcpy(all.us, audio->us, audio->count * sizeof *all.us);
  if (video->count) memcpy(all.us + audio->count, video->us, video->count * sizeof *all.us);
  printf("\"%s\":{", name);
  print_latency("all", &all);
  printf(",");
  print_latency("video", video);
  printf(",");
  print_latency("audio", audio);
  printf(",\"received\":%lu,\"lost\":%lu}", received[which], lost[which]);
  free(all.us);
}

static void print_spread(const char *name, double *values, int count) {
  qsort(values, (size_t)count, sizeof *values, by_double);
  if (count == 0) printf("\"%s\":null", name);
  else
    printf("\"%s\":{\"min\":%.2f,\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f}", name, values[0], values[(count - 1) / 2],
           values[(count - 1) * 99 / 100], values[count - 1]);
}

static void report(double join_seconds, int joined, int stalled_count, double seconds, double cpu) {
  double *first_media = calloc((size_t)options.players, sizeof(double));
  double *first_picture = calloc((size_t)options.players, sizeof(double));
  double *rates = calloc((size_t)options.players, sizeof(double));
  int media_count = 0, picture_count = 0, rate_count = 0, probe_count = 0;
  for (int i = 0; i < options.players; i++) {
    const Player *p = &players[i];
    if (p->first_media_ns) first_media[media_count++] = (double)(p->first_media_ns - p->began_ns) / 1e6;
    if (p->first_picture_ns) picture_count++, first_picture[picture_count - 1] = (double)(p->first_picture_ns - p->began_ns) / 1e6;
    if (p->is_probe && p->state == PLAYING) probe_count++;
    if (!p->will_stall && p->first_media_ns) rates[rate_count++] = (double)p->measured_bytes / 1000 / seconds;
  }
  printf("{\"players\":%d,\"joined\":%d,\"failed\":%d,\"closed\":%d,\"stalled\":%d,\"seconds\":%.2f,", options.players, joined,
         (int)failed, (int)closed_while_playing, stalled_count, seconds);
  printf("\"joinSeconds\":%.3f,\"loadCpu\":%.3f,\"probes\":%d,\"probeMessagesPerSecond\":%.2f,", join_seconds, cpu, probe_count,
         probe_count ? (double)received[MEASURING] / seconds / probe_count : 0);
  print_spread("firstMediaMs", first_media, media_count);
  printf(",");
  print_spread("firstPictureMs", first_picture, picture_count);
  printf(",");
  print_spread("playerKbytesPerSecond", rates, rate_count);
  printf(",");
  print_window("before", BEFORE);
  printf(",");
  print_window("latencyMs", MEASURING);
  printf("}\n");
}

int play(void) {
  players = calloc((size_t)options.players, sizeof *players);
  int epoll = epoll_create1(0), probe_epoll = epoll_create1(0);
  pthread_t loop, probe_loop;
  pthread_create(&loop, NULL, run_loop, &epoll);
  pthread_create(&probe_loop, NULL, run_loop, &probe_epoll);
  struct sched_param ahead = {.sched_priority = 40};
  pthread_setschedparam(probe_loop, SCHED_FIFO, &ahead); // refused without privileges: latencies are a little worse then

  double join_seconds = join_all(epoll, probe_epoll);
  int joined = playing;
  sleep_seconds(options.warm_seconds);
  int stalled_count = 0;
  if (options.stalled) {
    window = BEFORE;
    sleep_seconds(options.before_seconds);
    say("STALL_BEGIN");
    stalled_count = stall(epoll);
  }
  uint64_t began = now_ns();
  double cpu = own_cpu_seconds();
  window = MEASURING;
  say("MEASURE_BEGIN");
  sleep_seconds(options.seconds);
  window = JOINING;
  cpu = own_cpu_seconds() - cpu;
  double seconds = (double)(now_ns() - began) / 1e9;
  say("MEASURE_END");
  sleep_seconds(AFTERGLOW_SECONDS);
  stopping = true;
  pthread_join(loop, NULL);
  pthread_join(probe_loop, NULL);
  report(join_seconds, joined, stalled_count, seconds, cpu / seconds);
  return 0;
}
