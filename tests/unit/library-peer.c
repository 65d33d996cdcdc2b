/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A worker for test-library: what it does is its argument.
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "worker/buntime-worker.h"

static int
say(BuntimeChannel *channel, const char *text)
{
  return buntime_channel_send_control(channel, text, strlen(text));
}

static int
reply(BuntimeChannel *channel, uint32_t type, uint32_t id, const char *text)
{
  return buntime_channel_send(channel, type, id, text, strlen(text), -1);
}

/* ---- code ---- */

static volatile sig_atomic_t signals;

static void
on_signal(int number)
{
  signals++;
}

static void
say_state(BuntimeChannel *channel, const char *state, uint32_t id)
{
  char text[96];

  snprintf(text, sizeof text, "{\"type\":\"state\",\"state\":\"%s\",\"id\":%u}", state, id);
  say(channel, text);
}

/* Until there were so many, for ten seconds. */
static bool
await_signals(int count)
{
  for (int i = 0; i < 1000 && signals < count; i++)
    usleep(10000);
  return signals >= count;
}

/* Code that ends by an interrupt, which has to be its own. */
static void
run_until_interrupted(BuntimeChannel *channel, uint32_t id)
{
  char text[256] = "", own[64];
  int size = 0;

  signal(SIGINT, on_signal);
  say_state(channel, "exec_start", id);
  bool told = await_signals(1);
  snprintf(own, sizeof own, "{\"type\":\"interrupt\",\"id\":%u}", id);
  while (told && strcmp(text, own) != 0) {
    size = buntime_channel_recv_control(channel, text, sizeof text - 1, 0);
    told = size > 0;
    text[told ? size : 0] = '\0';
  }
  say_state(channel, "exec_end", id);
  reply(channel, BUNTIME_REPLY_ERROR, id, told ? "interrupted" : "not interrupted");
}

static void
run_code(BuntimeChannel *channel, uint32_t id, const char *code)
{
  char text[16];

  if (strcmp(code, "wait") == 0) {
    run_until_interrupted(channel, id);
    return;
  }
  if (strcmp(code, "fail") == 0) {
    reply(channel, BUNTIME_REPLY_ERROR, id, "it fails");
    return;
  }
  say_state(channel, "exec_start", id);
  reply(channel, BUNTIME_STDOUT, id, "out");
  if (strcmp(code, "signals") == 0)
    await_signals(2);
  snprintf(text, sizeof text, "%d", strcmp(code, "signals") == 0 ? (int)signals : 42);
  reply(channel, BUNTIME_RESULT, id, text);
}

/* Repeats messages, answers requests and code, asks once, and ends on "end". */
static int
serve(BuntimeChannel *channel)
{
  BuntimeMessage message;
  char text[64];

  say(channel, "{\"type\":\"hello\",\"version\":1,\"client\":\"test\"}");
  say(channel, "{\"type\":\"ready\"}");
  int result;
  while ((result = buntime_channel_recv(channel, &message, -1)) == 0 || result == -EINTR) {
    uint32_t id = message.id;
    if (result != 0)
      continue;
    snprintf(text, sizeof text, "%.*s", (int)(message.size < 60 ? message.size : 60),
             (const char *)message.bytes);
    if (message.type == BUNTIME_MESSAGE && strcmp(text, "end") == 0)
      return 7;
    if (message.type == BUNTIME_MESSAGE && strcmp(text, "ask") == 0)
      reply(channel, BUNTIME_NET_CONNECT, 1, "granted.example:443");
    else if (message.type == BUNTIME_MESSAGE)
      buntime_channel_send(channel, BUNTIME_MESSAGE, 0, message.bytes, message.size, -1);
    else if (message.type == BUNTIME_ALLOW || message.type == BUNTIME_DENY)
      reply(channel, BUNTIME_MESSAGE, 0, message.type == BUNTIME_ALLOW ? "yes" : "no");
    else if (message.type == BUNTIME_REQUEST && strcmp(text, "silence") != 0)
      reply(channel, strcmp(text, "fail") == 0 ? BUNTIME_REPLY_ERROR : BUNTIME_REPLY, id, text);
    else if (message.type == BUNTIME_CODE)
      run_code(channel, id, text);
  }
  return 8;
}

/* ---- what an honest one does not do ---- */

/* Memory, wake and control, as libbuntime-worker finds them. */
static int fds[3];

static bool
send_fds(int socket, const int *sent, int count)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(8 * sizeof(int))];
  } control;
  char bytes[] = "{\"type\":\"hello\",\"version\":1}";
  struct iovec text = { .iov_base = bytes, .iov_len = strlen(bytes) };
  struct msghdr message = {
    .msg_iov = &text,
    .msg_iovlen = 1,
    .msg_control = &control,
    .msg_controllen = CMSG_SPACE(count * sizeof(int)),
  };
  struct cmsghdr *part = CMSG_FIRSTHDR(&message);

  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(count * sizeof(int));
  memcpy(CMSG_DATA(part), sent, count * sizeof(int));
  return sendmsg(socket, &message, MSG_NOSIGNAL) > 0;
}

/* It is set or not, and ends the program if it should be the other. */
static void
check_linger(int fd, int seconds, bool kept)
{
  struct linger linger = { .l_onoff = 1, .l_linger = seconds };
  socklen_t size = sizeof linger;

  if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, size) != 0 ||
      getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &size) != 0 || (linger.l_onoff != 0) != kept)
    exit(12);
}

/* A connection that lets whoever closes it wait. */
static int
lingering(void)
{
  static char bytes[65536];
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);

  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
      connect(fd, (struct sockaddr *)&address, size) != 0 || accept(listener, NULL, NULL) < 0)
    exit(10);
  check_linger(fd, 0, true);
  check_linger(fd, 60, false);
  while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
    ;
  return fd;
}

/* Its channel is of the host's network namespace: what could be done by it there? */
static int
reach_host(void)
{
  for (int i = 1; i < 3; i++) {
    static const unsigned long requests[] = { SIOCGIFCONF, SIOCGIFHWADDR, SIOCGIFINDEX,
                                              SIOCGIFNAME, SIOCGIFFLAGS, SIOCGIFMTU };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char names[4096];
    struct ifconf list = { .ifc_len = sizeof names, .ifc_buf = names };
    struct ifreq one = { .ifr_name = "lo" };
    if (ioctl(fds[i], SIOCGIFCONF, &list) == 0)
      return 20;
    for (size_t j = 1; j < sizeof requests / sizeof requests[0]; j++)
      if (ioctl(fds[i], requests[j], &one) == 0)
        return 21;
    snprintf(address.sun_path + 1, 40, "buntime-test-%d", getpid());
    if (bind(fds[i], (struct sockaddr *)&address, sizeof address) == 0)
      return 22;
    if (listen(fds[i], 1) == 0)
      return 23;
    int bytes = -1;
    if (ioctl(fds[i], FIONREAD, &bytes) != 0)
      return 24;
  }
  return 0;
}

static struct sockaddr_un own_address = { .sun_family = AF_UNIX, .sun_path = "/tmp/full" };

static void *
connect_own(void *data)
{
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);

  if (connect(fd, (struct sockaddr *)&own_address, sizeof own_address) != 0)
    exit(14);
  return data;
}

/* Waits in so many connects to itself, and accepts them only if it is honest. */
static int
wait_in_connects(BuntimeChannel *channel, int count, bool accepts)
{
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  pthread_t threads[64];

  if (bind(listener, (struct sockaddr *)&own_address, sizeof own_address) != 0 ||
      listen(listener, 0) != 0)
    return 13;
  for (int i = 0; i < count; i++)
    pthread_create(&threads[i], NULL, connect_own, NULL);
  usleep(200000);
  say(channel, "{\"type\":\"ready\"}");
  for (int i = 0; i < count && accepts; i++)
    accept(listener, NULL, NULL);
  for (int i = 0; i < count; i++)
    pthread_join(threads[i], NULL);
  return 0;
}

static void
give_to(const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);

  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
    exit(11);
  send_fds(fd, (const int[]){ fds[1], fds[2], 1, 2 }, 4);
}

static int
attack(BuntimeChannel *channel, const char *what, const char *value)
{
  if (strcmp(what, "control") == 0)
    say(channel, "{\"type\":[[[[");
  else if (strcmp(what, "flood") == 0)
    for (int i = 0; i < 100000; i++)
      say(channel, "{\"type\":\"ready\"}");
  else if (strcmp(what, "version") == 0)
    say(channel, "{\"type\":\"hello\",\"version\":2}");
  else if (strcmp(what, "empty") == 0)
    send(fds[2], "", 0, MSG_NOSIGNAL);
  else if (strcmp(what, "out-of-band") == 0)
    for (int i = 0; i < 100000; i++)
      send(fds[1], "", 1, MSG_OOB | MSG_NOSIGNAL);
  else if (strcmp(what, "questions") == 0)
    for (int i = 0; i < 2000000; i++)
      buntime_channel_send(channel, BUNTIME_ENV, 1, "A", 1, -1);
  else if (strcmp(what, "stopped") == 0) {
    say(channel, "{\"type\":\"ready\"}");
    raise(SIGSTOP);
  } else if (strcmp(what, "closed") == 0) {
    close(fds[1]);
    close(fds[2]);
  } else if (strcmp(what, "given") == 0) {
    give_to(value);
    return 6;
  }
  /* Whoever breaks the protocol is ended. */
  pause();
  return 0;
}

int
main(int argc, char *argv[])
{
  const char *what = argc > 1 ? argv[1] : "serve";
  BuntimeChannel *channel;

  sscanf(getenv("BUNTIME_CHANNEL"), "%d,%d,%d", &fds[0], &fds[1], &fds[2]);

  if (buntime_channel_open(&channel) != 0)
    return 9;
  if (strcmp(what, "request") == 0) {
    BuntimeMessage message;
    reply(channel, BUNTIME_REQUEST, 5, "question");
    while (buntime_channel_recv(channel, &message, -1) == 0 && message.id != 5)
      ;
    return message.type == BUNTIME_REPLY && message.size == 6 &&
               memcmp(message.bytes, "answer", 6) == 0
             ? 0
             : 3;
  }
  if (strcmp(what, "host") == 0)
    return reach_host();
  if (strcmp(what, "connects") == 0)
    return wait_in_connects(channel, 20, false);
  if (strcmp(what, "connect") == 0)
    return wait_in_connects(channel, 3, true);
  if (strcmp(what, "lingering") == 0) {
    int fd = lingering();
    /* Where the kernel refuses that, nobody but this one would wait. */
    if (send_fds(fds[2], &fd, 1))
      close(fd);
  } else if (strcmp(what, "serve") != 0)
    return attack(channel, what, argc > 2 ? argv[2] : NULL);
  return serve(channel);
}
