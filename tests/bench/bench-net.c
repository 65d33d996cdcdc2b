/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Both ends of tests/bench/net.
 *
 *   bench-net serve ADDRESS            answers until its standard input ends
 *   bench-net KIND ADDRESS SECONDS     measures; prints one number, see kinds[], and
 *                                      how long it took
 *
 * Each kind has a port of its own, above BASE_PORT in the order of the table; names are
 * answered at port 53.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BASE_PORT 18000
#define CHUNK (256u << 10)
#define DATAGRAM 1400
#define MAX_IDLE 900
#define MAX_AT_ONCE 32
#define WAIT_MS 100 /* for a datagram that may be lost */
#define ZONE "lookup.example"
/* A sandbox may ask for a thousand names at once, and then so many a second. */
#define MAX_LOOKUPS 900

static const char request[] = "GET / HTTP/1.1\r\nHost: bench.example\r\n\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
static char buffer[CHUNK];

static double
now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void
must(int result, const char *what)
{
  if (result >= 0)
    return;
  perror(what);
  exit(1);
}

/* Of an address, or of a name, which is looked up once. */
static struct sockaddr_in
address_of(const char *text, int port)
{
  static struct sockaddr_in address;
  struct addrinfo hints = { .ai_family = AF_INET }, *found;

  if (address.sin_family == 0) {
    if (getaddrinfo(text, NULL, &hints, &found) != 0)
      exit(2);
    memcpy(&address, found->ai_addr, sizeof address);
    freeaddrinfo(found);
  }
  address.sin_port = htons((uint16_t)port);
  return address;
}

static int
connect_to(const char *text, int port, int type)
{
  struct sockaddr_in address = address_of(text, port);
  int one = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

  must(fd, "socket");
  must(connect(fd, (struct sockaddr *)&address, sizeof address), "connect");
  if (type == SOCK_STREAM)
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/* ---- the server's side of a connection; each in a process of its own ---- */

static void
serve_discard(int fd)
{
  while (read(fd, buffer, sizeof buffer) > 0)
    ;
}

static void
serve_source(int fd)
{
  while (write(fd, buffer, sizeof buffer) > 0)
    ;
}

static void
serve_echo(int fd)
{
  for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;)
    if (write(fd, buffer, (size_t)got) != got)
      return;
}

/* The requests are small and come one by one. */
static void
serve_http(int fd)
{
  while (read(fd, buffer, sizeof buffer) > 0)
    if (write(fd, response, sizeof response - 1) < 0)
      return;
}

/* As serve_http(), for however many connections, in one process. */
static void
serve_many(int listener)
{
  struct epoll_event events[MAX_AT_ONCE], event = { .events = EPOLLIN, .data.fd = listener };
  int one = 1, epoll_fd = epoll_create1(EPOLL_CLOEXEC);

  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
  for (int n; (n = epoll_wait(epoll_fd, events, MAX_AT_ONCE, -1)) >= 0;)
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        event.data.fd = accept(listener, NULL, NULL);
        setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event);
      } else if (read(fd, buffer, sizeof buffer) <= 0 ||
                 write(fd, response, sizeof response - 1) < 0) {
        close(fd);
      }
    }
}

/* ---- the client's side: the number that is printed ---- */

static double
send_all(const char *address, int port, double seconds)
{
  int fd = connect_to(address, port, SOCK_STREAM);
  double begun = now(), bytes = 0;

  while (now() - begun < seconds) {
    ssize_t sent = write(fd, buffer, sizeof buffer);
    must((int)sent, "write");
    bytes += (double)sent;
  }
  shutdown(fd, SHUT_WR);
  while (read(fd, buffer, sizeof buffer) > 0) /* until the peer has had it all */
    ;
  return bytes / (now() - begun) / (1 << 30);
}

static double
receive_all(const char *address, int port, double seconds)
{
  int fd = connect_to(address, port, SOCK_STREAM);
  double begun = now(), bytes = 0;

  while (now() - begun < seconds) {
    ssize_t got = read(fd, buffer, sizeof buffer);
    must((int)got, "read");
    bytes += (double)got;
  }
  return bytes / (now() - begun) / (1 << 30);
}

static double
connect_and_close(const char *address, int port, double seconds)
{
  double begun = now(), count = 0;

  for (; now() - begun < seconds; count++)
    close(connect_to(address, port, SOCK_STREAM));
  return count / (now() - begun);
}

static double
exchange(int fd, const char *out, size_t size, double seconds)
{
  double begun = now(), count = 0;

  for (; now() - begun < seconds; count++) {
    must((int)write(fd, out, size), "write");
    must((int)read(fd, buffer, sizeof buffer), "read");
  }
  return count / (now() - begun);
}

static double
fetch(const char *address, int port, double seconds)
{
  return exchange(connect_to(address, port, SOCK_STREAM), request, sizeof request - 1, seconds);
}

static double
bounce(const char *address, int port, double seconds)
{
  return exchange(connect_to(address, port, SOCK_STREAM), "x", 1, seconds);
}

static double
bounce_beside_idle(const char *address, int port, double seconds)
{
  for (int i = 0; i < MAX_IDLE; i++)
    connect_to(address, port, SOCK_STREAM);
  return bounce(address, port, seconds);
}

/* One datagram at a time, so that none is lost to a full buffer. */
static double
bounce_datagrams(const char *address, int port, double seconds)
{
  return exchange(connect_to(address, port, SOCK_DGRAM), buffer, DATAGRAM, seconds);
}

/* Requests of MAX_AT_ONCE connections, each with one on its way. */
static double
fetch_many(const char *address, int port, double seconds)
{
  struct epoll_event events[MAX_AT_ONCE];
  int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

  for (int i = 0; i < MAX_AT_ONCE; i++) {
    struct epoll_event event = { .events = EPOLLIN };
    event.data.fd = connect_to(address, port, SOCK_STREAM);
    must(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event), "epoll_ctl");
    must((int)write(event.data.fd, request, sizeof request - 1), "write");
  }
  double begun = now(), count = 0;
  while (now() - begun < seconds) {
    int n = epoll_wait(epoll_fd, events, MAX_AT_ONCE, -1);
    must(n, "epoll_wait");
    for (int i = 0; i < n; i++, count++) {
      must((int)read(events[i].data.fd, buffer, sizeof buffer), "read");
      must((int)write(events[i].data.fd, request, sizeof request - 1), "write");
    }
  }
  return count / (now() - begun);
}

/* MAX_AT_ONCE datagrams on their way; what is lost is sent again after a while. */
static double
bounce_many(const char *address, int port, double seconds)
{
  int fd = connect_to(address, port, SOCK_DGRAM), missing = MAX_AT_ONCE;
  struct pollfd ready = { .fd = fd, .events = POLLIN };
  double begun = now(), count = 0;

  while (now() - begun < seconds) {
    for (; missing > 0; missing--)
      must((int)send(fd, buffer, DATAGRAM, 0), "send");
    if (poll(&ready, 1, WAIT_MS) == 0)
      missing = MAX_AT_ONCE;
    while (missing < MAX_AT_ONCE && recv(fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0) {
      count++;
      missing++;
    }
  }
  return count / (now() - begun);
}

static double
look_up(double seconds, bool anew)
{
  struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found;
  double begun = now(), count = 0;
  char name[64];

  for (; now() - begun < seconds && count < MAX_LOOKUPS; count++) {
    snprintf(name, sizeof name, anew ? "n%.0f." ZONE : ZONE, count);
    int error = getaddrinfo(name, NULL, &hints, &found);
    if (error != 0) {
      fprintf(stderr, "%s: %s\n", name, gai_strerror(error));
      exit(1);
    }
    freeaddrinfo(found);
  }
  return count / (now() - begun);
}

static double
look_up_one(const char *address, int port, double seconds)
{
  return look_up(seconds, false);
}

static double
look_up_others(const char *address, int port, double seconds)
{
  return look_up(seconds, true);
}

static const struct {
  const char *name;
  int type; /* 0: served elsewhere */
  void (*serve)(int fd);
  double (*measure)(const char *address, int port, double seconds);
} kinds[] = {
  { "up", SOCK_STREAM, serve_discard, send_all },            /* GiB/s */
  { "down", SOCK_STREAM, serve_source, receive_all },        /* GiB/s */
  { "connect", SOCK_STREAM, NULL, connect_and_close }, /* connections/s */
  { "http", SOCK_STREAM, serve_http, fetch },                /* requests/s */
  { "trip", SOCK_STREAM, serve_echo, bounce },               /* round trips/s */
  { "trip-900", SOCK_STREAM, serve_echo, bounce_beside_idle }, /* round trips/s */
  { "udp", SOCK_DGRAM, NULL, bounce_datagrams },             /* round trips/s */
  { "udp-32", SOCK_DGRAM, NULL, bounce_many },               /* round trips/s */
  { "http-32", SOCK_STREAM, serve_many, fetch_many },        /* requests/s */
  { "lookup", 0, NULL, look_up_one },                        /* of one name, /s */
  { "lookup-new", 0, NULL, look_up_others },                 /* of ever new ones, /s */
};
#define N_KINDS (int)(sizeof kinds / sizeof kinds[0])

static int
bind_to(const char *address, int port, int type)
{
  struct sockaddr_in name = address_of(address, port);
  int one = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  must(bind(fd, (struct sockaddr *)&name, sizeof name), "bind");
  if (type == SOCK_STREAM)
    must(listen(fd, 1024), "listen");
  return fd;
}

static void
answer_datagram(int fd)
{
  struct sockaddr_in from;
  socklen_t length = sizeof from;
  ssize_t got = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length);

  if (got > 0)
    sendto(fd, buffer, (size_t)got, 0, (struct sockaddr *)&from, length);
}

/* One question, answered with an address if it asks for one. */
static void
answer_query(int fd)
{
  static const char answer[] = "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc6\x33\x64\2"; /* 198.51.100.2 */
  struct sockaddr_in from;
  socklen_t length = sizeof from;
  ssize_t got = recvfrom(fd, buffer, 512, 0, (struct sockaddr *)&from, &length);
  ssize_t end = 12;

  while (end < got && buffer[end] > 0)
    end += buffer[end] + 1;
  end += 5;
  if (end > got)
    return;
  bool has_answer = buffer[end - 3] == 1;
  memcpy(buffer + 2, "\x81\x80\0\1\0\0\0\0\0\0", 10);
  buffer[7] = has_answer;
  if (has_answer) {
    memcpy(buffer + end, answer, sizeof answer - 1);
    end += sizeof answer - 1;
  }
  sendto(fd, buffer, (size_t)end, 0, (struct sockaddr *)&from, length);
}

static void
accept_one(int listener, void (*serve)(int fd))
{
  int one = 1, fd = accept(listener, NULL, NULL);

  if (fd < 0)
    return;
  if (serve != NULL && fork() == 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    serve(fd);
    _exit(0);
  }
  close(fd);
}

static void
serve_all(const char *address)
{
  struct pollfd fds[N_KINDS + 2];
  pid_t many = 0;

  signal(SIGCHLD, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < N_KINDS; i++) {
    int fd = kinds[i].type != 0 ? bind_to(address, BASE_PORT + i, kinds[i].type) : -1;
    if (kinds[i].serve == serve_many && (many = fork()) == 0)
      serve_many(fd);
    fds[i] = (struct pollfd){ .fd = kinds[i].serve == serve_many ? -1 : fd, .events = POLLIN };
  }
  fds[N_KINDS] = (struct pollfd){ .fd = 0, .events = POLLIN };
  fds[N_KINDS + 1] = (struct pollfd){ .fd = bind_to(address, 53, SOCK_DGRAM), .events = POLLIN };
  puts("ready");
  fflush(stdout);
  while ((poll(fds, N_KINDS + 2, -1) >= 0 || errno == EINTR) && fds[N_KINDS].revents == 0) {
    for (int i = 0; i < N_KINDS; i++)
      if ((fds[i].revents & POLLIN) != 0) {
        if (kinds[i].type == SOCK_STREAM)
          accept_one(fds[i].fd, kinds[i].serve);
        else
          answer_datagram(fds[i].fd);
      }
    if (fds[N_KINDS + 1].revents != 0)
      answer_query(fds[N_KINDS + 1].fd);
  }
  kill(many, SIGKILL);
}

int
main(int argc, char **argv)
{
  struct rlimit files;

  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (argc == 3 && strcmp(argv[1], "serve") == 0) {
    serve_all(argv[2]);
    return 0;
  }
  for (int i = 0; argc == 4 && i < N_KINDS; i++)
    if (strcmp(argv[1], kinds[i].name) == 0) {
      double begun = now(), found = kinds[i].measure(argv[2], BASE_PORT + i, atof(argv[3]));
      printf("%.6g %.6g\n", found, now() - begun);
      return 0;
    }
  return 2;
}
