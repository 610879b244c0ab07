#define _GNU_SOURCE
#include "rtmp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

// ---- time ----------------------------------------------------------------------------------------------------------

uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void sleep_seconds(double seconds) {
  struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&t, NULL);
}

double own_cpu_seconds(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

// ---- writing -------------------------------------------------------------------------------------------------------

void put(Bytes *out, const void *bytes, size_t length) {
  if (out->length + length > out->capacity) {
    fprintf(stderr, "a message of ours is larger than %zu bytes\n", out->capacity);
    exit(1);
  }
  memcpy(out->bytes + out->length, bytes, length);
  out->length += length;
}

void put_u8(Bytes *out, unsigned value) {
  uint8_t byte = (uint8_t)value;
  put(out, &byte, 1);
}

void put_u24(Bytes *out, uint32_t value) {
  uint8_t b[3] = {(uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
  put(out, b, 3);
}

void put_u32(Bytes *out, uint32_t value) {
  put_u8(out, value >> 24);
  put_u24(out, value & 0xffffff);
}

// AMF0 §2.2–§2.5: number, string, object end.
static void put_amf_key(Bytes *out, const char *text) {
  size_t length = strlen(text);
  put_u8(out, (unsigned)(length >> 8));
  put_u8(out, (unsigned)length);
  put(out, text, length);
}

void put_amf_string(Bytes *out, const char *text) {
  put_u8(out, 2);
  put_amf_key(out, text);
}

void put_amf_number(Bytes *out, double value) {
  uint64_t bits;
  memcpy(&bits, &value, 8);
  put_u8(out, 0);
  put_u32(out, (uint32_t)(bits >> 32));
  put_u32(out, (uint32_t)bits);
}

static void put_amf_null(Bytes *out) { put_u8(out, 5); }

// RTMP 1.0 §5.3.1: what follows the first chunk of a message has a type 3 header, a byte.
static void put_body(Bytes *out, int chunk_stream, const uint8_t *body, size_t length, size_t chunk_size) {
  for (size_t at = 0; at < length; at += chunk_size) {
    if (at > 0) put_u8(out, 0xc0 | (unsigned)chunk_stream);
    put(out, body + at, length - at < chunk_size ? length - at : chunk_size);
  }
}

// | fmt 0, csid | timestamp u24 | length u24 | type u8 | stream id u32 LE |    RTMP 1.0 §5.3.1.2.1
void put_message(Bytes *out, int chunk_stream, int type, uint32_t stream_id, uint32_t timestamp, const uint8_t *body,
                 size_t length, size_t chunk_size) {
  put_u8(out, (unsigned)chunk_stream);
  put_u24(out, timestamp);
  put_u24(out, (uint32_t)length);
  put_u8(out, (unsigned)type);
  for (int shift = 0; shift < 32; shift += 8) put_u8(out, stream_id >> shift);
  put_body(out, chunk_stream, body, length, chunk_size);
}

// | fmt 1, csid | delta u24 | length u24 | type u8 |    RTMP 1.0 §5.3.1.2.2
void put_next_message(Bytes *out, int chunk_stream, int type, uint32_t delta, const uint8_t *body, size_t length,
                      size_t chunk_size) {
  put_u8(out, 0x40 | (unsigned)chunk_stream);
  put_u24(out, delta);
  put_u24(out, (uint32_t)length);
  put_u8(out, (unsigned)type);
  put_body(out, chunk_stream, body, length, chunk_size);
}

enum { CONTROL_CSID = 2, COMMAND_CSID = 3, STREAM_COMMAND_CSID = 8, FIRST_CHUNK_SIZE = 128 };

void put_client_hello(Bytes *out) {
  static const uint8_t zeros[HANDSHAKE_BYTES]; // RTMP 1.0 §5.2.3: time, zero, and bytes that mean nothing
  put_u8(out, 3);
  put(out, zeros, sizeof zeros);
}

void put_client_answer(Bytes *out, const uint8_t *server_handshake) { put(out, server_handshake + 1, HANDSHAKE_BYTES); }

void put_connect(Bytes *out, const char *host, int port, const char *app) {
  uint8_t space[1024];
  Bytes body = {space, 0, sizeof space};
  char url[256];
  snprintf(url, sizeof url, "rtmp://%s:%d/%s", host, port, app);
  put_amf_string(&body, "connect");
  put_amf_number(&body, 1);
  put_u8(&body, 3);
  put_amf_key(&body, "app");
  put_amf_string(&body, app);
  put_amf_key(&body, "flashVer");
  put_amf_string(&body, "LNX 9,0,124,2");
  put_amf_key(&body, "tcUrl");
  put_amf_string(&body, url);
  put_amf_key(&body, "fpad");
  put_u8(&body, 1);
  put_u8(&body, 0);
  put_amf_key(&body, "capabilities");
  put_amf_number(&body, 15);
  put_amf_key(&body, "audioCodecs");
  put_amf_number(&body, 4071);
  put_amf_key(&body, "videoCodecs");
  put_amf_number(&body, 252);
  put_amf_key(&body, "videoFunction");
  put_amf_number(&body, 1);
  put_u24(&body, 9); // an empty key and the end of the object
  put_message(out, COMMAND_CSID, TYPE_COMMAND, 0, 0, body.bytes, body.length, FIRST_CHUNK_SIZE);
}

void put_command(Bytes *out, const char *name, double transaction, const char *const *arguments, uint32_t stream_id,
                 size_t chunk_size) {
  uint8_t space[1024];
  Bytes body = {space, 0, sizeof space};
  put_amf_string(&body, name);
  put_amf_number(&body, transaction);
  put_amf_null(&body);
  for (; arguments && *arguments; arguments++) put_amf_string(&body, *arguments);
  put_message(out, stream_id ? STREAM_COMMAND_CSID : COMMAND_CSID, TYPE_COMMAND, stream_id, 0, body.bytes, body.length,
              chunk_size);
}

static void put_control(Bytes *out, int type, const uint8_t *body, size_t length) {
  put_message(out, CONTROL_CSID, type, 0, 0, body, length, FIRST_CHUNK_SIZE);
}

static void put_control_u32(Bytes *out, int type, uint32_t value) {
  uint8_t b[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
  put_control(out, type, b, sizeof b);
}

void put_set_chunk_size(Bytes *out, uint32_t size) { put_control_u32(out, TYPE_SET_CHUNK_SIZE, size); }
void put_acknowledgement(Bytes *out, uint32_t received) { put_control_u32(out, TYPE_ACKNOWLEDGEMENT, received); }

// User control event 3, SetBufferLength. RTMP 1.0 §7.1.7.
void put_buffer_length(Bytes *out, uint32_t stream_id, uint32_t milliseconds) {
  uint8_t space[10];
  Bytes body = {space, 0, sizeof space};
  put_u8(&body, 0);
  put_u8(&body, 3);
  put_u32(&body, stream_id);
  put_u32(&body, milliseconds);
  put_control(out, TYPE_USER_CONTROL, body.bytes, body.length);
}

// What players say is a few hundred bytes: a socket that cannot take them is as good as gone, and is found out elsewhere.
void send_all_or_drop(int fd, const Bytes *bytes) {
  ssize_t sent = send(fd, bytes->bytes, bytes->length, MSG_NOSIGNAL);
  (void)sent;
}

// ---- reading -------------------------------------------------------------------------------------------------------

static uint32_t get_u24(const uint8_t *p) { return (uint32_t)(p[0] << 16 | p[1] << 8 | p[2]); }
static uint32_t get_u32(const uint8_t *p) { return (uint32_t)p[0] << 24 | get_u24(p + 1); }

void connection_open(Connection *connection, int fd) {
  memset(connection, 0, sizeof *connection);
  connection->fd = fd;
  connection->chunk_size = FIRST_CHUNK_SIZE;
}

size_t connection_room(Connection *c) {
  if (c->input_capacity - c->input_length < 65536) {
    c->input_capacity = c->input_length + 131072;
    c->input = realloc(c->input, c->input_capacity);
  }
  return c->input_capacity - c->input_length;
}

static void pong(Connection *c, const uint8_t *ping) {
  uint8_t space[64], body[6] = {0, 7, ping[2], ping[3], ping[4], ping[5]};
  Bytes out = {space, 0, sizeof space};
  put_control(&out, TYPE_USER_CONTROL, body, sizeof body);
  send_all_or_drop(c->fd, &out);
}

static void take_message(Connection *c, const ChunkStream *s, MessageHandler handler, void *owner) {
  if (s->type == TYPE_SET_CHUNK_SIZE && s->length >= 4) c->chunk_size = get_u32(s->body) & 0x7fffffff;
  else if (s->type == TYPE_WINDOW_SIZE && s->length >= 4) c->window = get_u32(s->body);
  else if (s->type == TYPE_USER_CONTROL && s->length >= 6 && s->body[0] == 0 && s->body[1] == 6) pong(c, s->body);
  else handler(owner, s->type, s->body, s->length);
}

// RTMP 1.0 §5.3.1. Timestamps are skipped: the stamps are the clock here.
bool connection_parse(Connection *c, MessageHandler handler, void *owner) {
  static const size_t header_lengths[4] = {11, 7, 3, 0};
  size_t at = 0;
  for (;;) {
    const uint8_t *p = c->input + at;
    size_t available = c->input_length - at, basic = 1;
    if (available == 0) break;
    unsigned format = p[0] >> 6, id = p[0] & 63;
    if (id == 1) return false; // a three byte id, which nobody has reason to use
    if (id == 0) {
      if (available < 2) break;
      id = 64 + p[1];
      basic = 2;
    }
    ChunkStream *s = c->streams[id];
    if (!s) {
      if (format != 0) return false;
      s = c->streams[id] = calloc(1, sizeof *s);
    }
    size_t header = basic + header_lengths[format];
    if (available < header) break;
    bool extended = format == 3 ? s->has_extended_timestamp : get_u24(p + basic) == 0xffffff;
    if (extended) header += 4;
    uint32_t length = format < 2 ? get_u24(p + basic + 3) : s->length;
    uint32_t rest = length - s->received;
    uint32_t part = rest < c->chunk_size ? rest : c->chunk_size;
    if (available < header + part) break;

    if (format < 2) s->type = p[basic + 6];
    s->has_extended_timestamp = extended;
    s->length = length;
    if (s->capacity < length) {
      s->capacity = length;
      s->body = realloc(s->body, length);
    }
    if (part) memcpy(s->body + s->received, p + header, part);
    s->received += part;
    at += header + part;
    if (s->received < s->length) continue;
    s->received = 0;
    if (s->length) take_message(c, s, handler, owner);
  }
  if (at) {
    memmove(c->input, c->input + at, c->input_length - at);
    c->input_length -= at;
  }
  return true;
}

void connection_count(Connection *c, size_t length) {
  c->received += length;
  if (!c->window || c->received - c->acknowledged < c->window / 2) return;
  uint8_t space[32];
  Bytes out = {space, 0, sizeof space};
  put_acknowledgement(&out, (uint32_t)c->received);
  send_all_or_drop(c->fd, &out);
  c->acknowledged = c->received;
}

void connection_forget_input(Connection *c) {
  free(c->input);
  c->input = NULL;
  c->input_length = c->input_capacity = 0;
  for (int i = 0; i < MAX_CHUNK_STREAMS; i++) {
    if (!c->streams[i]) continue;
    free(c->streams[i]->body);
    free(c->streams[i]);
    c->streams[i] = NULL;
  }
}

static bool is_command(const char *name, const uint8_t *body, uint32_t length) {
  size_t name_length = strlen(name);
  return length >= 3 + name_length && body[0] == 2 && (size_t)(body[1] << 8 | body[2]) == name_length &&
         !memcmp(body + 3, name, name_length);
}

Answer command_answer(const uint8_t *body, uint32_t length) {
  if (is_command("_result", body, length)) return ANSWER_RESULT;
  return is_command("_error", body, length) ? ANSWER_ERROR : ANSWER_NONE;
}

// "_result", transaction, null, stream id
uint32_t created_stream_id(const uint8_t *body, uint32_t length) {
  uint32_t at = 3 + 7 + 9;
  if (at < length && body[at] == 5) at++;
  if (length < at + 9 || body[at] != 0) return 1;
  uint64_t bits = (uint64_t)get_u32(body + at + 1) << 32 | get_u32(body + at + 5);
  double id;
  memcpy(&id, &bits, 8);
  return (uint32_t)id;
}
