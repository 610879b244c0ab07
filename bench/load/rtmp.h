// The client's side of RTMP, as much of it as a load generator needs: what players and publishers say, and a reader of
// chunks. RTMP 1.0 section numbers are in rtmp.c.
#ifndef RTMP_H
#define RTMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TYPE_SET_CHUNK_SIZE = 1, TYPE_ACKNOWLEDGEMENT = 3, TYPE_USER_CONTROL = 4, TYPE_WINDOW_SIZE = 5 };
enum { TYPE_AUDIO = 8, TYPE_VIDEO = 9, TYPE_DATA = 18, TYPE_COMMAND = 20 };

enum { HANDSHAKE_BYTES = 1536, SERVER_HANDSHAKE_BYTES = 1 + 2 * HANDSHAKE_BYTES };

// ---- writing -------------------------------------------------------------------------------------------------------

// A message's chunks, or an AMF body in the making. Appending beyond the capacity ends the program: nothing here grows
// with what a peer says.
typedef struct {
  uint8_t *bytes;
  size_t length, capacity;
} Bytes;

void put(Bytes *out, const void *bytes, size_t length);
void put_u8(Bytes *out, unsigned value);
void put_u24(Bytes *out, uint32_t value);
void put_u32(Bytes *out, uint32_t value);
void put_amf_string(Bytes *out, const char *text);
void put_amf_number(Bytes *out, double value);

// A whole message: a type 0 header, then the body in chunks.
void put_message(Bytes *out, int chunk_stream, int type, uint32_t stream_id, uint32_t timestamp, const uint8_t *body,
                 size_t length, size_t chunk_size);
// The same after another one on the chunk stream: a type 1 header, whose timestamp is the difference.
void put_next_message(Bytes *out, int chunk_stream, int type, uint32_t delta, const uint8_t *body, size_t length,
                      size_t chunk_size);

void put_client_hello(Bytes *out);                                   // C0 and C1
void put_client_answer(Bytes *out, const uint8_t *server_handshake); // C2, which repeats S1
void put_connect(Bytes *out, const char *host, int port, const char *app);
// A command without an object: `arguments` are strings, as many as there are before the NULL.
void put_command(Bytes *out, const char *name, double transaction, const char *const *arguments, uint32_t stream_id,
                 size_t chunk_size);
void put_set_chunk_size(Bytes *out, uint32_t size);
void put_acknowledgement(Bytes *out, uint32_t received);
void put_buffer_length(Bytes *out, uint32_t stream_id, uint32_t milliseconds);

// ---- reading -------------------------------------------------------------------------------------------------------

typedef struct {
  uint32_t length, received, capacity;
  uint8_t type;
  bool has_extended_timestamp;
  uint8_t *body;
} ChunkStream;

enum { MAX_CHUNK_STREAMS = 64 + 256 }; // one and two byte ids; no server uses the others

typedef struct {
  int fd;
  uint8_t *input; // bytes that are not a whole chunk yet
  size_t input_length, input_capacity;
  uint32_t chunk_size;
  ChunkStream *streams[MAX_CHUNK_STREAMS];
  uint64_t received, acknowledged;
  uint32_t window; // what the server wants acknowledged; 0: nothing
} Connection;

// What the server says about the commands that were sent.
typedef enum { ANSWER_NONE, ANSWER_RESULT, ANSWER_ERROR } Answer;

typedef void (*MessageHandler)(void *owner, int type, const uint8_t *body, uint32_t length);

void connection_open(Connection *connection, int fd);
// Room for at least 64 KiB behind what is there; returns how much.
size_t connection_room(Connection *connection);
// Hands every whole message among the input to `handler`; control messages it answers itself. False: this is not RTMP.
bool connection_parse(Connection *connection, MessageHandler handler, void *owner);
// Counts bytes that came, and acknowledges when it is time.
void connection_count(Connection *connection, size_t length);
// Frees what reading needs; the socket stays open.
void connection_forget_input(Connection *connection);

Answer command_answer(const uint8_t *body, uint32_t length);
// The stream id in a result of createStream; 1 if it cannot be read.
uint32_t created_stream_id(const uint8_t *body, uint32_t length);

void send_all_or_drop(int fd, const Bytes *bytes);

// ---- stamps --------------------------------------------------------------------------------------------------------

// The publisher writes one over the last bytes of every coded audio or video message: what a decoder would stumble over,
// servers pass on untouched. Players find latency and loss in it. Both ends run on one machine, so the clock is one.
typedef struct {
  uint32_t magic;
  uint32_t sequence; // of this kind of message in this stream
  uint64_t sent_ns;
} Stamp;

enum { STAMP_MAGIC = 0x51ab7e3d, STAMPED_MIN_LENGTH = 24 };

uint64_t now_ns(void);
void sleep_seconds(double seconds);
double own_cpu_seconds(void);

#endif
