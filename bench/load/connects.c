// Connects, one after the other, as many at a time as is told: from the SYN to the answer of "connect", then gone.
#define _GNU_SOURCE
#include "options.h"
#include "rtmp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef enum { CONNECTING, SHAKING_HANDS, AWAITING_CONNECT, ANSWERED } State;

typedef struct {
  Connection connection;
  State state;
  bool was_refused;
  uint64_t began_ns;
} Guest;

static int epoll;
static bool is_measuring;
static uint64_t accepted, refused, broken;
static double *latencies_ms;
static size_t latency_count, latency_capacity;

static void begin(Guest *guest) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
  inet_pton(AF_INET, options.host, &address.sin_addr);
  connection_open(&guest->connection, open_socket(SOCK_NONBLOCK));
  guest->state = CONNECTING;
  guest->was_refused = false;
  guest->began_ns = now_ns();
  if (connect(guest->connection.fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
    perror("connect");
    exit(1);
  }
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = guest};
  epoll_ctl(epoll, EPOLL_CTL_ADD, guest->connection.fd, &event);
}

static void end(Guest *guest) {
  close(guest->connection.fd);
  connection_forget_input(&guest->connection);
}

static void count(Guest *guest) {
  if (!is_measuring) return;
  if (guest->state != ANSWERED) broken++;
  else if (guest->was_refused) refused++;
  else {
    accepted++;
    if (latency_count == latency_capacity) {
      latency_capacity = latency_capacity ? 2 * latency_capacity : 16384;
      latencies_ms = realloc(latencies_ms, latency_capacity * sizeof *latencies_ms);
    }
    latencies_ms[latency_count++] = (double)(now_ns() - guest->began_ns) / 1e6;
  }
}

static void take_message(void *owner, int type, const uint8_t *body, uint32_t length) {
  Guest *guest = owner;
  if (type != TYPE_COMMAND) return;
  Answer answer = command_answer(body, length);
  if (answer == ANSWER_NONE) return;
  guest->state = ANSWERED;
  guest->was_refused = answer == ANSWER_ERROR;
}

// False: over, one way or the other.
static bool advance(Guest *guest) {
  uint8_t space[4096];
  Bytes out = {space, 0, sizeof space};
  Connection *c = &guest->connection;
  if (guest->state == CONNECTING) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) return false;
    put_client_hello(&out);
    send_all_or_drop(c->fd, &out);
    guest->state = SHAKING_HANDS;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = guest};
    epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
    return true;
  }
  size_t room = connection_room(c);
  ssize_t length = recv(c->fd, c->input + c->input_length, room, MSG_DONTWAIT);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (length <= 0) return false;
  c->input_length += (size_t)length;
  if (guest->state == SHAKING_HANDS) {
    if (c->input_length < SERVER_HANDSHAKE_BYTES) return true;
    put_client_answer(&out, c->input);
    put_connect(&out, options.host, options.port, options.app);
    send_all_or_drop(c->fd, &out);
    c->input_length -= SERVER_HANDSHAKE_BYTES;
    memmove(c->input, c->input + SERVER_HANDSHAKE_BYTES, c->input_length);
    guest->state = AWAITING_CONNECT;
  }
  return connection_parse(c, take_message, guest) && guest->state != ANSWERED;
}

static void run_until(uint64_t deadline_ns) {
  struct epoll_event events[256];
  while (now_ns() < deadline_ns) {
    int ready = epoll_wait(epoll, events, 256, 20);
    for (int i = 0; i < ready; i++) {
      Guest *guest = events[i].data.ptr;
      if (advance(guest)) continue;
      count(guest);
      end(guest);
      begin(guest);
    }
  }
}

static int by_double(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int connects(void) {
  epoll = epoll_create1(0);
  Guest *guests = calloc((size_t)options.in_flight, sizeof *guests);
  for (int i = 0; i < options.in_flight; i++) begin(&guests[i]);
  run_until(now_ns() + (uint64_t)(options.warm_seconds * 1e9));

  uint64_t began = now_ns();
  double cpu = own_cpu_seconds();
  is_measuring = true;
  puts("MEASURE_BEGIN");
  fflush(stdout);
  run_until(began + (uint64_t)(options.seconds * 1e9));
  puts("MEASURE_END");
  double seconds = (double)(now_ns() - began) / 1e9;
  cpu = (own_cpu_seconds() - cpu) / seconds;

  qsort(latencies_ms, latency_count, sizeof *latencies_ms, by_double);
  size_t last = latency_count ? latency_count - 1 : 0;
  printf("{\"seconds\":%.2f,\"accepted\":%lu,\"refused\":%lu,\"broken\":%lu,\"perSecond\":%.1f,\"loadCpu\":%.3f,", seconds,
         accepted, refused, broken, (double)accepted / seconds, cpu);
  if (latency_count) printf("\"latencyMs\":{\"p50\":%.3f,\"p99\":%.3f}}\n", latencies_ms[last / 2], latencies_ms[last * 99 / 100]);
  else printf("\"latencyMs\":null}\n");
  return 0;
}
