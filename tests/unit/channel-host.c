/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * channel-host [SIZE] PROGRAM ARGS...: the supervisor's side of a channel for tests of what
 * runs on the worker's.  SIZE is that of both rings.  Ends as PROGRAM does.
 *
 *   MESSAGE  comes back; "call:TEXT" makes a REQUEST of TEXT, whose answer comes back as
 *            "reply:TEXT" or "error:TEXT"; "sink:..." is counted, "count" tells how many;
 *            "flood:N:SIZE" comes back N times in that size; "control:TEXT" comes back as TEXT
 *            over the control socket; "leave" ends the channel and waits for the program
 *   REQUEST  is its own REPLY; "fail" is an ERROR, "ignore" has no answer
 *   queries  ALLOW what has "allowed" in it, WARN "warned", DENY the rest; "nothing" without
 *            a word
 *   STDOUT, STDERR are written there; RESULT and the control socket are told on stdout
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/bt-channel.h"
#include "wire/bt-ring-map.h"

#define FIRST_FD 5 /* of the worker's three */

typedef struct Out {
  struct Out *next;
  uint32_t type, id;
  size_t size, done;
  uint8_t bytes[];
} Out;

typedef struct {
  BtChannel channel;
  BtFrameJoin join;
  uint8_t *joined;
  Out *first, **last; /* what there was no room for */
  uint32_t last_id, count;
  int control_fd;
} Host;

static void
fail(const char *text)
{
  fprintf(stderr, "channel-host: %s\n", text);
  exit(125);
}

static void
push(Host *host)
{
  while (host->first != NULL) {
    Out *out = host->first;
    BtRingResult result = bt_channel_put(&host->channel, out->type, out->id, out->bytes,
                                         out->size, &out->done);
    if (result == BT_RING_FULL || result == BT_RING_CLOSED)
      return;
    if (result != BT_RING_OK)
      fail("cannot send");
    host->first = out->next;
    if (host->first == NULL)
      host->last = &host->first;
    free(out);
  }
  bt_channel_flush(&host->channel);
}

static void
post(Host *host, uint32_t type, uint32_t id, const void *bytes, size_t size)
{
  Out *out = malloc(sizeof *out + size);

  if (out == NULL)
    fail("no memory");
  *out = (Out){ .type = type, .id = id, .size = size };
  if (size > 0)
    memcpy(out->bytes, bytes, size);
  *host->last = out;
  host->last = &out->next;
}

static bool
begins(const uint8_t *bytes, size_t size, const char *word)
{
  return size >= strlen(word) && memcmp(bytes, word, strlen(word)) == 0;
}

static void
flood(Host *host, const char *text)
{
  unsigned int count = 0, size = 0;

  if (sscanf(text, "flood:%u:%u", &count, &size) != 2)
    fail("flood:N:SIZE");
  uint8_t *bytes = calloc(1, size + 1);
  if (bytes == NULL)
    fail("no memory");
  for (unsigned int i = 0; i < count; i++) {
    memcpy(bytes, &i, size < sizeof i ? size : sizeof i);
    post(host, BT_FRAME_MESSAGE, 0, bytes, size);
  }
  free(bytes);
}

static void
on_message(Host *host, uint32_t id, const uint8_t *bytes, size_t size)
{
  char text[64];

  snprintf(text, sizeof text, "%.*s", size < 60 ? (int)size : 60, (const char *)bytes);
  if (begins(bytes, size, "call:")) {
    post(host, BT_FRAME_REQUEST, ++host->last_id, bytes + 5, size - 5);
  } else if (begins(bytes, size, "sink:")) {
    host->count++;
  } else if (begins(bytes, size, "flood:")) {
    flood(host, text);
  } else if (begins(bytes, size, "control:")) {
    if (send(host->control_fd, bytes + 8, size - 8, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
      fail("cannot send over the control socket");
  } else if (size == 5 && begins(bytes, size, "count")) {
    int length = snprintf(text, sizeof text, "%u", host->count);
    post(host, BT_FRAME_MESSAGE, id, text, (size_t)length);
  } else if (size == 5 && begins(bytes, size, "leave")) {
    shutdown(host->channel.wake_fd, SHUT_RDWR);
  } else {
    post(host, BT_FRAME_MESSAGE, id, bytes, size);
  }
}

static void
on_answer(Host *host, const char *word, const uint8_t *bytes, size_t size)
{
  char *text = malloc(size + 6);

  if (text == NULL)
    fail("no memory");
  memcpy(text, word, 6);
  memcpy(text + 6, bytes, size);
  post(host, BT_FRAME_MESSAGE, 0, text, size + 6);
  free(text);
}

static void
on_query(Host *host, uint32_t id, const uint8_t *bytes, size_t size)
{
  static const char allow[] = "{\"v\":1,\"action\":\"allow\",\"rule\":{\"source\":\"policy.json\","
                              "\"line\":3,\"text\":\"net.rules[0]\"},\"suggestion\":null}\n";
  static const char deny[] = "{\"v\":1,\"action\":\"deny\",\"rule\":{\"source\":\"defaults.net = deny\","
                             "\"line\":null,\"text\":null},\"suggestion\":\"--allow-it\"}\n";

  if (memmem(bytes, size, "nothing", 7) != NULL)
    post(host, BT_FRAME_DENY, id, NULL, 0);
  else if (memmem(bytes, size, "allowed", 7) != NULL)
    post(host, BT_FRAME_ALLOW, id, allow, strlen(allow));
  else if (memmem(bytes, size, "warned", 6) != NULL)
    post(host, BT_FRAME_WARN, id, allow, strlen(allow));
  else
    post(host, BT_FRAME_DENY, id, deny, strlen(deny));
}

static void
on_whole(Host *host, uint32_t type, uint32_t id, const uint8_t *bytes, size_t size)
{
  static const uint8_t nothing[1];

  bytes = bytes != NULL ? bytes : nothing;
  switch (type) {
  case BT_FRAME_MESSAGE:
    on_message(host, id, bytes, size);
    break;
  case BT_FRAME_REQUEST:
    if (size == 4 && begins(bytes, size, "fail"))
      post(host, BT_FRAME_ERROR, id, "failed", 6);
    else if (size != 6 || !begins(bytes, size, "ignore"))
      post(host, BT_FRAME_REPLY, id, bytes, size);
    break;
  case BT_FRAME_REPLY:
    on_answer(host, "reply:", bytes, size);
    break;
  case BT_FRAME_ERROR:
    on_answer(host, "error:", bytes, size);
    break;
  case BT_FRAME_STDOUT:
  case BT_FRAME_STDERR:
    fwrite(bytes, 1, size, type == BT_FRAME_STDOUT ? stdout : stderr);
    break;
  case BT_FRAME_RESULT:
    printf("result %u: %.*s\n", id, (int)size, (const char *)bytes);
    break;
  default:
    on_query(host, id, bytes, size);
    break;
  }
}

static void
receive(Host *host)
{
  BtFrame frame;
  BtRingResult result;

  while ((result = bt_channel_peek(&host->channel, &frame)) == BT_RING_OK) {
    BtJoinResult joined = bt_frame_join(&host->join, &frame);
    if (joined == BT_JOIN_VIOLATION)
      fail("a message that is too large");
    host->joined = realloc(host->joined, host->join.size + 1);
    if (host->joined == NULL)
      fail("no memory");
    if (frame.size > 0)
      memcpy(host->joined + host->join.size - frame.size, frame.bytes, frame.size);
    bt_channel_release(&host->channel);
    if (joined != BT_JOIN_PART)
      on_whole(host, frame.type, frame.id, host->joined, host->join.size);
  }
  if (result == BT_RING_VIOLATION)
    fail("the worker broke the protocol");
}

static bool
receive_control(Host *host)
{
  char text[BT_CHANNEL_MAX_CONTROL];
  ssize_t size = recv(host->control_fd, text, sizeof text, MSG_DONTWAIT);

  if (size <= 0)
    return false;
  printf("control: %.*s\n", (int)size, text);
  return true;
}

static void
serve(Host *host)
{
  struct pollfd fds[] = {
    { .fd = host->channel.wake_fd, .events = POLLIN },
    { .fd = host->control_fd, .events = POLLIN },
  };
  for (;;) {
    receive(host);
    push(host);
    if (bt_channel_arm(&host->channel,
                       BT_WANTS_DATA | (host->first != NULL ? BT_WANTS_ROOM : 0)))
      continue;
    if (poll(fds, 2, 60000) <= 0)
      fail("nothing happens");
    if (fds[1].revents != 0 && !receive_control(host))
      fds[1].fd = -1;
    if (fds[0].revents == 0)
      continue;
    BtRingResult result = bt_channel_drain(&host->channel);
    if (result == BT_RING_VIOLATION)
      fail("a wake-up that was not asked for");
    if (result == BT_RING_CLOSED)
      break;
  }
  receive(host); /* its last words */
  while (receive_control(host))
    ;
}

int
main(int argc, char **argv)
{
  uint32_t size = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
  int program = size > 0 ? 2 : 1, wake[2], control[2];
  uint32_t capacity = bt_ring_capacity_for(size > 0 ? size : 1u << 20);
  BtRingMap map;
  Host host = { 0 };

  if (argc <= program)
    fail("channel-host [SIZE] PROGRAM ARGS...");
  int memory = memfd_create("channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory < 0 || ftruncate(memory, (off_t)bt_ring_file_size(capacity)) != 0 ||
      fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0 ||
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wake) != 0 ||
      socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) != 0 ||
      bt_ring_map_open(&map, memory, capacity) != 0)
    fail("no channel");

  pid_t child = fork();
  if (child == 0) {
    const int from[] = { memory, wake[1], control[1] };
    int high[3];
    char text[64];
    /* Out of the way of each other first. */
    for (int i = 0; i < 3; i++)
      high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 10);
    for (int i = 0; i < 3; i++)
      dup2(high[i], FIRST_FD + i);
    snprintf(text, sizeof text, "%d,%d,%d", FIRST_FD, FIRST_FD + 1, FIRST_FD + 2);
    setenv(BT_CHANNEL_VARIABLE, text, 1);
    execvp(argv[program], argv + program);
    perror(argv[program]);
    _exit(127);
  }
  close(wake[1]);
  close(control[1]);
  host.control_fd = control[0];
  host.last = &host.first;
  bt_channel_init(&host.channel, &map, BT_SIDE_SUPERVISOR, wake[0]);
  bt_frame_join_init(&host.join, BT_FRAME_MAX_MESSAGE);
  serve(&host);
  free(host.joined);
  bt_ring_map_close(&map);
  fflush(stdout);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child)
    fail("no child");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
