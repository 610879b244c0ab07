// What one send() to a loopback socket costs on this machine: the floor under every fan-out. One thread sends the same
// bytes to N sockets in rounds, another one, on its own core, discards them. No RTMP, no server: nothing can be cheaper
// that makes a system call per player. Prints a line of JSON.
//
//   sendcost SOCKETS BYTES ROUNDS ROUND_US SEND_CPU RECEIVE_CPU
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

static int count, receive_cpu;
static int *receivers;
static atomic_bool stopping;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double thread_cpu_us(void) {
  struct rusage r;
  getrusage(RUSAGE_THREAD, &r);
  return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((size_t)cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

static void *discard(void *unused) {
  (void)unused;
  pin_to(receive_cpu);
  int epoll = epoll_create1(0);
  for (int i = 0; i < count; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = receivers[i]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, receivers[i], &event);
  }
  struct epoll_event events[512];
  while (!stopping) {
    int ready = epoll_wait(epoll, events, 512, 20);
    for (int i = 0; i < ready; i++) recv(events[i].data.fd, NULL, 1 << 22, MSG_TRUNC | MSG_DONTWAIT);
  }
  return NULL;
}

static void sleep_until(uint64_t due_ns) {
  uint64_t now = now_ns();
  if (now >= due_ns) return;
  struct timespec t = {(time_t)((due_ns - now) / 1000000000u), (long)((due_ns - now) % 1000000000u)};
  nanosleep(&t, NULL);
}

int main(int argument_count, char **words) {
  if (argument_count != 7) {
    fprintf(stderr, "sendcost SOCKETS BYTES ROUNDS ROUND_US SEND_CPU RECEIVE_CPU\n");
    return 1;
  }
  count = atoi(words[1]);
  size_t size = (size_t)atoi(words[2]);
  int rounds = atoi(words[3]);
  uint64_t round_ns = (uint64_t)atoi(words[4]) * 1000u;
  receive_cpu = atoi(words[6]);

  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  bind(listener, (struct sockaddr *)&address, sizeof address);
  listen(listener, 4096);
  getsockname(listener, (struct sockaddr *)&address, &length);
  int *senders = calloc((size_t)count, sizeof *senders), one = 1;
  receivers = calloc((size_t)count, sizeof *receivers);
  for (int i = 0; i < count; i++) {
    receivers[i] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(receivers[i], (struct sockaddr *)&address, sizeof address) || (senders[i] = accept(listener, NULL, NULL)) < 0) {
      perror("sockets");
      return 1;
    }
    setsockopt(senders[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  uint8_t *bytes = calloc(1, size);
  pthread_t receiver;
  pthread_create(&receiver, NULL, discard, NULL);
  pin_to(atoi(words[5]));

  uint64_t sent = 0, incomplete = 0;
  double cpu = 0;
  uint64_t began = now_ns();
  for (int round = -2; round < rounds; round++) { // two rounds that do not count warm the sockets up
    double before = thread_cpu_us();
    for (int i = 0; i < count; i++) {
      ssize_t taken = send(senders[i], bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (round < 0) continue;
      if (taken == (ssize_t)size) sent++;
      else incomplete++;
    }
    if (round >= 0) cpu += thread_cpu_us() - before;
    sleep_until(began + (uint64_t)(round + 3) * round_ns);
  }
  stopping = true;
  pthread_join(receiver, NULL);
  printf("{\"sockets\":%d,\"bytes\":%zu,\"usPerSend\":%.2f,\"sent\":%lu,\"incomplete\":%lu}\n", count, size,
         cpu / (double)(sent + incomplete), sent, incomplete);
  return 0;
}
