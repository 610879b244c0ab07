// Publishers: one FLV file in real time, over and over, on one stream or on many that begin apart, so that their keyframes
// do not fall together. Every coded message carries a stamp (rtmp.h).
#define _GNU_SOURCE
#include "options.h"
#include "rtmp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_TAGS = 100000, QUEUE_BYTES = 4 << 20, GOP_MS = 2000 };
enum { AUDIO_CSID = 6, VIDEO_CSID = 4, DATA_CSID = 5 };

typedef struct {
  int type;
  uint32_t timestamp;
  const uint8_t *body;
  size_t length;
  bool is_header; // metadata or a sequence header: sent once, never stamped
} Tag;

typedef struct {
  int fd; // -1: the server closed it
  int64_t late_ms;
  int position, round;
  uint32_t stream_id;
  // by kind: audio, video
  bool has_begun[2];
  uint32_t last_timestamp[2], sequence[2];
  Bytes queue; // what the socket did not take yet
} Publisher;

static Tag *tags;
static int tag_count;
static uint32_t duration_ms;
static volatile sig_atomic_t stopping;
static uint64_t sent_bytes, sent_messages, dropped_messages;
static int64_t worst_delay_ms;
static int closed_by_server;

static void on_signal(int number) {
  (void)number;
  stopping = 1;
}

// ---- the file ------------------------------------------------------------------------------------------------------

// | type u8 | length u24 | timestamp u24 | its upper byte | stream id u24 | body | size u32 |    FLV §E.4.1
static void read_flv(const char *file) {
  FILE *handle = fopen(file, "rb");
  if (!handle) {
    perror(file);
    exit(1);
  }
  fseek(handle, 0, SEEK_END);
  long size = ftell(handle);
  rewind(handle);
  uint8_t *bytes = malloc((size_t)size);
  if (fread(bytes, 1, (size_t)size, handle) != (size_t)size) exit(1);
  fclose(handle);
  tags = calloc(MAX_TAGS, sizeof *tags);
  for (long at = 9 + 4; at + 11 <= size && tag_count < MAX_TAGS;) {
    const uint8_t *p = bytes + at;
    size_t length = (size_t)(p[1] << 16 | p[2] << 8 | p[3]);
    const uint8_t *body = p + 11;
    at += 11 + (long)length + 4;
    if (at > size) break;
    Tag tag = {p[0] & 31, (uint32_t)(p[7] << 24 | p[4] << 16 | p[5] << 8 | p[6]), body, length, false};
    bool is_avc = tag.type == TYPE_VIDEO && length > 1 && (body[0] & 15) == 7;
    bool is_aac = tag.type == TYPE_AUDIO && length > 1 && body[0] >> 4 == 10;
    if (is_avc && body[1] == 2) continue; // end of sequence: this stream goes on
    tag.is_header = tag.type == TYPE_DATA || ((is_avc || is_aac) && body[1] == 0);
    if (!tag.is_header && tag.timestamp > duration_ms) duration_ms = tag.timestamp;
    tags[tag_count++] = tag;
  }
  duration_ms += 33; // the last picture's own time
}

// ---- getting on air ------------------------------------------------------------------------------------------------

typedef struct {
  int results;
  uint32_t stream_id;
  bool refused;
} Replies;

static void take_reply(void *owner, int type, const uint8_t *body, uint32_t length) {
  Replies *replies = owner;
  if (type != TYPE_COMMAND) return;
  Answer answer = command_answer(body, length);
  if (answer == ANSWER_ERROR) replies->refused = true;
  if (answer != ANSWER_RESULT) return;
  replies->results++;
  replies->stream_id = created_stream_id(body, length);
}

static void fail(int index, const char *what) {
  fprintf(stderr, "publisher %d: %s\n", index, what);
  exit(1);
}

static void send_whole(int index, int fd, Bytes *out) {
  if (send(fd, out->bytes, out->length, MSG_NOSIGNAL) != (ssize_t)out->length) fail(index, "cannot send");
  out->length = 0;
}

static void await_results(int index, Connection *c, Replies *replies, int count) {
  while (replies->results < count) {
    size_t room = connection_room(c);
    ssize_t length = recv(c->fd, c->input + c->input_length, room, 0);
    if (length <= 0) fail(index, "no answer");
    c->input_length += (size_t)length;
    if (!connection_parse(c, take_reply, replies) || replies->refused) fail(index, "refused");
  }
}

static void go_on_air(Publisher *publisher, int index) {
  static uint8_t space[8192];
  Bytes out = {space, 0, sizeof space};
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
  inet_pton(AF_INET, options.host, &address.sin_addr);
  int fd = open_socket(0);
  struct timeval patience = {10, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(fd, (struct sockaddr *)&address, sizeof address)) fail(index, strerror(errno));

  put_client_hello(&out);
  send_whole(index, fd, &out);
  uint8_t hello[SERVER_HANDSHAKE_BYTES];
  if (recv(fd, hello, sizeof hello, MSG_WAITALL) != sizeof hello) fail(index, "no handshake");
  put_client_answer(&out, hello);
  put_connect(&out, options.host, options.port, options.app);
  send_whole(index, fd, &out);

  Connection connection;
  Replies replies = {0};
  char name[64];
  size_t chunk_size = (size_t)options.chunk_size;
  stream_name(name, sizeof name, index);
  connection_open(&connection, fd);
  await_results(index, &connection, &replies, 1);
  put_command(&out, "createStream", 2, NULL, 0, 128);
  send_whole(index, fd, &out);
  await_results(index, &connection, &replies, 2);
  put_set_chunk_size(&out, (uint32_t)chunk_size);
  put_command(&out, "releaseStream", 3, (const char *[]){name, NULL}, 0, chunk_size);
  put_command(&out, "FCPublish", 4, (const char *[]){name, NULL}, 0, chunk_size);
  put_command(&out, "publish", 5, (const char *[]){name, "live", NULL}, replies.stream_id, chunk_size);
  send_whole(index, fd, &out);
  struct pollfd ready = {fd, POLLIN, 0};
  poll(&ready, 1, 3000); // Publish.Start: some servers want no media before it
  connection_forget_input(&connection);

  fcntl(fd, F_SETFL, O_NONBLOCK);
  *publisher = (Publisher){.fd = fd, .stream_id = replies.stream_id};
  publisher->queue = (Bytes){malloc(QUEUE_BYTES), 0, QUEUE_BYTES};
  publisher->late_ms = options.streams > 1 ? (int64_t)index * GOP_MS / options.streams : 0;
}

// ---- on air --------------------------------------------------------------------------------------------------------

static void stamp(uint8_t *body, size_t length, uint32_t sequence) {
  Stamp mark = {STAMP_MAGIC, sequence, now_ns()};
  memcpy(body + length - sizeof mark, &mark, sizeof mark);
}

static void put_media(Bytes *out, Publisher *publisher, const Tag *tag, uint32_t timestamp) {
  static uint8_t body[1 << 20];
  int kind = tag->type == TYPE_VIDEO, chunk_stream = kind ? VIDEO_CSID : AUDIO_CSID;
  if (tag->length > sizeof body) fail(0, "the file has a message beyond 1 MiB");
  memcpy(body, tag->body, tag->length);
  if (!tag->is_header && tag->length >= STAMPED_MIN_LENGTH) stamp(body, tag->length, publisher->sequence[kind]++);
  size_t chunk_size = (size_t)options.chunk_size;
  if (publisher->has_begun[kind]) {
    uint32_t delta = timestamp - publisher->last_timestamp[kind];
    put_next_message(out, chunk_stream, tag->type, delta, body, tag->length, chunk_size);
  } else put_message(out, chunk_stream, tag->type, publisher->stream_id, timestamp, body, tag->length, chunk_size);
  publisher->has_begun[kind] = true;
  publisher->last_timestamp[kind] = timestamp;
}

static void put_metadata(Bytes *out, Publisher *publisher, const Tag *tag) {
  uint8_t space[4096];
  Bytes body = {space, 0, sizeof space};
  put_amf_string(&body, "@setDataFrame");
  put(&body, tag->body, tag->length);
  put_message(out, DATA_CSID, TYPE_DATA, publisher->stream_id, 0, body.bytes, body.length, (size_t)options.chunk_size);
}

static void flush_queue(Publisher *publisher) {
  Bytes *queue = &publisher->queue;
  if (queue->length == 0) return;
  ssize_t sent = send(publisher->fd, queue->bytes, queue->length, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent <= 0) return;
  queue->length -= (size_t)sent;
  memmove(queue->bytes, queue->bytes + sent, queue->length);
}

static void send_tag(Publisher *publisher, const Tag *tag, uint32_t timestamp) {
  static uint8_t space[(1 << 20) + 65536];
  Bytes out = {space, 0, sizeof space};
  if (tag->type == TYPE_DATA) put_metadata(&out, publisher, tag);
  else put_media(&out, publisher, tag, timestamp);
  sent_messages++;
  sent_bytes += out.length;
  if (publisher->queue.length + out.length > publisher->queue.capacity) {
    dropped_messages++; // the server takes nothing: whoever plays sees a gap
    return;
  }
  put(&publisher->queue, out.bytes, out.length);
  flush_queue(publisher);
}

// What of this publisher is due. Headers are sent in the first round only.
static void send_due(Publisher *publisher, uint64_t began_ns) {
  for (;;) {
    if (publisher->position == tag_count) {
      publisher->position = 0;
      publisher->round++;
    }
    const Tag *tag = &tags[publisher->position];
    if (!(publisher->round > 0 && tag->is_header)) {
      int64_t timestamp = (int64_t)publisher->round * duration_ms + tag->timestamp;
      int64_t delay = (int64_t)((now_ns() - began_ns) / 1000000u) - timestamp - publisher->late_ms;
      if (delay < 0) return;
      if (delay > worst_delay_ms) worst_delay_ms = delay;
      send_tag(publisher, tag, (uint32_t)timestamp);
    }
    publisher->position++;
  }
}

// Acknowledgements and pings are thrown away; an end is noticed.
static void drain(Publisher *publisher) {
  uint8_t bytes[16384];
  ssize_t length = recv(publisher->fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (length > 0 || (length < 0 && (errno == EAGAIN || errno == EINTR))) return;
  close(publisher->fd);
  publisher->fd = -1;
  closed_by_server++;
}

int publish(void) {
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  if (!options.flv) fail(0, "--flv is missing");
  read_flv(options.flv);
  Publisher *publishers = calloc((size_t)options.streams, sizeof *publishers);
  for (int i = 0; i < options.streams; i++) go_on_air(&publishers[i], i);
  puts("PUBLISHING");
  fflush(stdout);

  uint64_t began = now_ns(), drained = began;
  while (!stopping && (double)(now_ns() - began) / 1e9 < options.seconds) {
    bool drains = now_ns() - drained > 100000000u;
    if (drains) drained = now_ns();
    for (int i = 0; i < options.streams; i++) {
      Publisher *publisher = &publishers[i];
      if (drains && publisher->fd >= 0) drain(publisher);
      if (publisher->fd < 0) continue;
      send_due(publisher, began);
      flush_queue(publisher);
    }
    sleep_seconds(0.0005);
  }
  double seconds = (double)(now_ns() - began) / 1e9;
  printf("{\"streams\":%d,\"seconds\":%.1f,\"kbytesPerSecond\":%.1f,\"messagesPerSecond\":%.2f,", options.streams, seconds,
         (double)sent_bytes / 1000 / seconds / options.streams, (double)sent_messages / seconds / options.streams);
  printf("\"worstDelayMs\":%ld,\"dropped\":%lu,\"closed\":%d,\"cpu\":%.3f}\n", (long)worst_delay_ms, dropped_messages,
         closed_by_server, own_cpu_seconds() / seconds);
  return 0;
}
