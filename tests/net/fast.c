// SPDX-License-Identifier: LGPL-2.1-or-later
/* What programs notice of how their connections are made: see fast.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "fast.h"

static const char *
op_blocking(void)
{
  int fd = connected();
  snprintf(text, sizeof text, "%s %s", way(fd), echo(fd));
  return text;
}

static const char *
nonblocking(int flags)
{
  int fd = new_socket(SOCK_NONBLOCK | flags);
  int first = to(fd, &service) == 0 ? 0 : errno;
  short events = wait_for(fd, POLLOUT);

  int error = error_of(fd);
  int second = to(fd, &service) == 0 ? 0 : errno, third = to(fd, &service) == 0 ? 0 : errno;
  snprintf(text, sizeof text, "%s %s %s %s,%s %s", name_of(first),
           (events & POLLOUT) != 0 && (events & (POLLERR | POLLHUP)) == 0 ? "writable" : "error",
           name_of(error), name_of(second), name_of(third), way(fd));
  return text;
}

static const char *
op_nonblocking(void)
{
  return nonblocking(0);
}

static const char *
op_flags(void)
{
  int one = new_socket(SOCK_CLOEXEC | SOCK_NONBLOCK), two = new_socket(0);

  to(one, &service);
  to(two, &service);
  snprintf(text, sizeof text, "%s %s %d%d%d%d", way(one), way(two),
           (fcntl(one, F_GETFD) & FD_CLOEXEC) != 0, (fcntl(one, F_GETFL) & O_NONBLOCK) != 0,
           (fcntl(two, F_GETFD) & FD_CLOEXEC) != 0, (fcntl(two, F_GETFL) & O_NONBLOCK) != 0);
  return text;
}

static const char *
op_names(void)
{
  Address own, peer;
  socklen_t size = sizeof own;
  int fd = connected();

  getsockname(fd, &own.any, &size);
  size = sizeof peer;
  memset(&peer, 0, sizeof peer);
  getpeername(fd, &peer.any, &size);
  return memcmp(&peer, &service, address_size) == 0 && own.in.sin_port != 0 ? "as asked" : "other";
}

static const char *
op_options(void)
{
  static const int options[][3] = {
    { IPPROTO_TCP, TCP_NODELAY, 1 },     { SOL_SOCKET, SO_KEEPALIVE, 1 },
    { IPPROTO_TCP, TCP_KEEPIDLE, 77 },   { IPPROTO_TCP, TCP_KEEPCNT, 3 },
    { SOL_SOCKET, SO_SNDBUF, 20000 },    { SOL_SOCKET, SO_OOBINLINE, 1 },
    { IPPROTO_TCP, TCP_USER_TIMEOUT, 9000 },
  };
  int fd = new_socket(0), kept = 0;

  for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++)
    setsockopt(fd, options[i][0], options[i][1], &options[i][2], sizeof(int));
  if (to(fd, &service) != 0)
    return name_of(errno);
  for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++) {
    int value = 0;
    socklen_t size = sizeof value;
    getsockopt(fd, options[i][0], options[i][1], &value, &size);
    kept += value == options[i][2] || (options[i][1] == SO_SNDBUF && value == 2 * options[i][2]);
  }
  snprintf(text, sizeof text, "%s %d", way(fd), kept);
  return text;
}

static const char *
op_refused(void)
{
  int fd = new_socket(0);
  int first = to(fd, &closed) == 0 ? 0 : errno, error = error_of(fd);
  int again = to(fd, &service) == 0 ? 0 : errno;

  snprintf(text, sizeof text, "%s %s, then %s %s", name_of(first), name_of(error), name_of(again),
           again == 0 ? echo(fd) : "-");
  return text;
}

static const char *
op_refused_nonblocking(void)
{
  int fd = new_socket(SOCK_NONBLOCK);
  int first = to(fd, &closed) == 0 ? 0 : errno;

  if (first == EINPROGRESS) {
    wait_for(fd, POLLOUT);
    first = error_of(fd);
  }
  int again = to(fd, &service) == 0 ? 0 : errno;
  if (again == ECONNABORTED) /* of the one before, whose error was asked for */
    again = to(fd, &service) == 0 ? 0 : errno;
  wait_for(fd, POLLOUT);
  snprintf(text, sizeof text, "%s, then %s %s", name_of(first), name_of(again), echo(fd));
  return text;
}

static const char *
op_half_close(void)
{
  char got[16];
  int fd = connected();

  send(fd, "abc", 3, 0);
  int error = shutdown(fd, SHUT_WR) == 0 ? 0 : errno;
  wait_for(fd, POLLIN);
  ssize_t first = recv(fd, got, sizeof got, 0);
  wait_for(fd, POLLIN);
  ssize_t second = recv(fd, got, sizeof got, 0);
  snprintf(text, sizeof text, "%s %zd %zd %s", name_of(error), first, second,
           said(send(fd, "x", 1, MSG_NOSIGNAL)));
  return text;
}

static void
ignore(int number)
{
}

static pthread_t waiter;

static void *
interrupt(void *socket)
{
  wait_for_begin(*(int *)socket);
  pthread_kill(waiter, SIGUSR2);
  return NULL;
}

/* A signal while it waits: EINTR, and then the socket goes on by itself. */
static const char *
op_signal(void)
{
  struct sigaction action = { .sa_handler = ignore };
  int fd = new_socket(0);
  pthread_t thread;

  sigaction(SIGUSR2, &action, NULL);
  waiter = pthread_self();
  pthread_create(&thread, NULL, interrupt, &fd);
  int first = to(fd, &silent) == 0 ? 0 : errno;
  pthread_join(thread, NULL);
  struct pollfd one = { fd, POLLOUT, 0 };
  int ready = poll(&one, 1, 0);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  int again = to(fd, &silent) == 0 ? 0 : errno;
  snprintf(text, sizeof text, "%s %d %s", name_of(first), ready, name_of(again));
  return text;
}

static const char *
op_silent(void)
{
  int fd = new_socket(SOCK_NONBLOCK);
  int first = to(fd, &silent) == 0 ? 0 : errno;
  int again = to(fd, &silent) == 0 ? 0 : errno;
  struct pollfd one = { fd, POLLOUT, 0 };
  int ready = poll(&one, 1, 0);

  snprintf(text, sizeof text, "%s %s %d", name_of(first), name_of(again), ready);
  return text;
}

static void *
connect_in_thread(void *data)
{
  int *result = data;
  *result = to(*result, &silent) == 0 ? 0 : errno;
  return NULL;
}

/*
 * Of two that wait for the silent one, which is about to answer: a thread whose signal asks for
 * the call to go on, and a socket that is polled. Then both connect to the other.
 */
static const char *
op_late(void)
{
  struct sigaction action = { .sa_handler = ignore, .sa_flags = SA_RESTART };
  int fd = new_socket(SOCK_NONBLOCK), waiting = new_socket(0), result = waiting;
  pthread_t thread;

  sigaction(SIGUSR1, &action, NULL);
  pthread_create(&thread, NULL, connect_in_thread, &result);
  to(fd, &silent);
  wait_for_begin(waiting);
  pthread_kill(thread, SIGUSR1);
  wait_for(fd, POLLOUT);
  pthread_join(thread, NULL);
  int error = error_of(fd);
  if (error == 0 || result == 0) {
    snprintf(text, sizeof text, "%s %s", name_of(error), name_of(result));
    return text;
  }
  if (to(fd, &service) != 0 && errno == ECONNABORTED) /* of the one before */
    to(fd, &service);
  wait_for(fd, POLLOUT);
  int again = to(waiting, &service) == 0 ? 0 : errno;
  snprintf(text, sizeof text, "%s %s, then %s %s, %s %s", name_of(error), name_of(result), way(fd),
           echo(fd), name_of(again), way(waiting));
  return text;
}

/* ---- sockets that somebody else holds ---- */

static const char *
op_epoll(void)
{
  int set = epoll_create1(0), fd = new_socket(SOCK_NONBLOCK);
  struct epoll_event event = { .events = EPOLLOUT | EPOLLET, .data.fd = fd };

  epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
  epoll_wait(set, &event, 1, 0); /* that it is not connected */
  to(fd, &service);
  int ready = epoll_wait(set, &event, 1, TIMEOUT_MS);
  snprintf(text, sizeof text, "%s %d %s", way(fd), ready, echo(fd));
  return text;
}

static const char *
op_dup(void)
{
  int fd = new_socket(0), other = dup(fd);

  if (to(fd, &service) != 0)
    return name_of(errno);
  snprintf(text, sizeof text, "%s %s", way(fd), echo(other));
  return text;
}

static const char *
op_fork(void)
{
  int fd = new_socket(0), status = 1;
  pid_t pid = fork();

  if (pid == 0)
    _exit(to(fd, &service) != 0);
  waitpid(pid, &status, 0);
  snprintf(text, sizeof text, "%d %s", status, echo(fd));
  return text;
}

static const char *
op_passed(void)
{
  int channel[2], fd = new_socket(0), status = 1;

  socketpair(AF_UNIX, SOCK_STREAM, 0, channel);
  send_fd(channel[0], fd);
  int other = receive_fd(channel[1]);
  pid_t pid = fork();
  if (pid == 0)
    _exit(to(other, &service) != 0);
  close(other);
  waitpid(pid, &status, 0);
  snprintf(text, sizeof text, "%d %s", status, echo(fd));
  return text;
}

static const char *
op_bound(void)
{
  Address any = service, own;
  socklen_t size = sizeof own;
  int fd = new_socket(0);

  memset(&any, 0, sizeof any);
  any.any.sa_family = service.any.sa_family;
  any.in.sin_port = htons(34567);
  if (bind(fd, &any.any, address_size) != 0 || to(fd, &service) != 0)
    return name_of(errno);
  getsockname(fd, &own.any, &size);
  snprintf(text, sizeof text, "%s %d %s", way(fd), ntohs(own.in.sin_port), echo(fd));
  return text;
}

static const char *
op_owner(void)
{
  int fd = new_socket(0);

  fcntl(fd, F_SETOWN, getpid());
  if (to(fd, &service) != 0)
    return name_of(errno);
  snprintf(text, sizeof text, "%s %s", way(fd), fcntl(fd, F_GETOWN) == getpid() ? "kept" : "lost");
  return text;
}

static const char *
op_mark(void)
{
  int fd = new_socket(0), priority = 3;

  setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority);
  return to(fd, &service) == 0 ? way(fd) : name_of(errno);
}

static const char *
op_many(void)
{
  int fd = new_socket(0);

  for (int i = 0; i < 1100; i++)
    if (dup(0) < 0)
      return name_of(errno);
  const char *found = to(fd, &service) == 0 ? way(fd) : name_of(errno);
  close_range(10, ~0u, 0);
  return found;
}

/* One that nobody serves inside, twice on one socket; and then somebody does. */
static const char *
op_own_server(void)
{
  int listener = new_socket(0), one = 1, retried = new_socket(0);

  const char *first = said(to(retried, &closed)), *second = said(to(retried, &closed));
  int third = to(retried, &service) == 0 ? 0 : errno;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, &service.any, address_size) != 0 || listen(listener, 1) != 0)
    return name_of(errno);
  int fd = new_socket(0);
  if (to(fd, &service) != 0)
    return name_of(errno);
  int accepted = accept(listener, NULL, NULL);
  snprintf(text, sizeof text, "%s %s %s %s, then %s", first, second, name_of(third), way(retried),
           accepted >= 0 ? way(fd) : name_of(errno));
  close(listener);
  return text;
}

static const Op ops[] = {
  { "blocking", op_blocking },
  { "nonblocking", op_nonblocking },
  { "flags", op_flags },
  { "names", op_names },
  { "options", op_options },
  { "refused", op_refused },
  { "refused-nonblocking", op_refused_nonblocking },
  { "half-close", op_half_close },
  { "signal", op_signal },
  { "silent", op_silent },
  { "late", op_late },
  { "epoll", op_epoll },
  { "dup", op_dup },
  { "fork", op_fork },
  { "passed", op_passed },
  { "bound", op_bound },
  { "owner", op_owner },
  { "mark", op_mark },
  { "many", op_many },
  { "own-server", op_own_server },
};

int
main(int argc, char **argv)
{
  return run(ops, sizeof ops / sizeof ops[0], argc, argv);
}
