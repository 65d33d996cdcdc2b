/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tests/bench/ipc runs, each process on the processor it is told.
 *
 *   bench-ipc CPUS TRANSPORT SIZE     pipe, socket, memory, memcpy: one line, see below
 *   bench-ipc CPUS host BYTES PROGRAM ARGS...   the supervisor's side of a channel whose rings
 *                                     have BYTES in all; PROGRAM is pinned, and measures
 *   bench-ipc CPUS worker SIZE        such a program, by libbuntime-worker
 *
 * CPUS is two digits: the processors of the measuring side and of the other.  A line has the
 * microseconds of a round trip, and messages a second one way, sent one by one, sent in
 * batches, and received; 0: not measured.
 *
 * The host answers a REQUEST with the same payload, copies out what MESSAGE brings, answers an
 * empty one with an empty one, and sends as many as STDOUT asks for ("NUMBER SIZE").
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "wire/bt-channel.h"
#include "wire/bt-ring-map.h"
#include "worker/buntime-worker.h"

#define MAX_SIZE (1u << 20)
#define SECONDS 0.3 /* a measurement, about */
#define TURNS 5     /* of which the median is told */
#define BATCH 64

typedef struct {
  int in, out;
} Pair;

typedef struct {
  _Atomic uint32_t turn;
  uint8_t bytes[MAX_SIZE];
} Shared;

static uint8_t buffer[MAX_SIZE], sink[MAX_SIZE];

static void
check(bool ok, const char *what)
{
  if (ok)
    return;
  perror(what);
  exit(1);
}

static double
now(void)
{
  struct timespec time;

  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void
pin(char cpu)
{
  cpu_set_t cpus;

  CPU_ZERO(&cpus);
  CPU_SET(cpu - '0', &cpus);
  check(sched_setaffinity(0, sizeof cpus, &cpus) == 0, "sched_setaffinity");
}

static int
compare(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

typedef void (*Function)(void *context, size_t size, unsigned int count);

/* The median of the seconds that one of count takes. */
static double
measure(Function function, void *context, size_t size)
{
  double times[TURNS];
  unsigned int count = 16;

  for (;;) {
    double start = now();
    function(context, size, count);
    double used = now() - start;
    if (used > SECONDS / 10 || count > 1u << 26) {
      count = (unsigned int)(count * SECONDS / used) + 1;
      break;
    }
    count *= 4;
  }
  for (int i = 0; i < TURNS; i++) {
    double start = now();
    function(context, size, count);
    times[i] = (now() - start) / count;
  }
  qsort(times, TURNS, sizeof times[0], compare);
  return times[TURNS / 2];
}

static void
tell(double trip, double one_by_one, double batched, double received)
{
  printf("%.3f %.0f %.0f %.0f\n", trip * 1e6, one_by_one > 0 ? 1 / one_by_one : 0,
         batched > 0 ? 1 / batched : 0, received > 0 ? 1 / received : 0);
}

/* Pipes and sockets. */

static void
write_all(int fd, const void *bytes, size_t size)
{
  for (size_t done = 0; done < size;) {
    ssize_t written = write(fd, (const uint8_t *)bytes + done, size - done);
    check(written > 0, "write");
    done += (size_t)written;
  }
}

static bool
read_all(int fd, void *bytes, size_t size)
{
  for (size_t done = 0; done < size;) {
    ssize_t got = read(fd, (uint8_t *)bytes + done, size - done);
    check(got >= 0, "read");
    if (got == 0)
      return false;
    done += (size_t)got;
  }
  return true;
}

static void
pair_trips(void *context, size_t size, unsigned int count)
{
  const Pair *pair = context;
  uint32_t command[2] = { 0, count };

  write_all(pair->out, command, sizeof command);
  for (unsigned int i = 0; i < count; i++) {
    write_all(pair->out, buffer, size);
    read_all(pair->in, buffer, size);
  }
}

static void
pair_sends(void *context, size_t size, unsigned int count)
{
  const Pair *pair = context;
  uint32_t command[2] = { 1, count };

  write_all(pair->out, command, sizeof command);
  for (unsigned int i = 0; i < count; i++)
    write_all(pair->out, buffer, size);
  read_all(pair->in, buffer, 1);
}

static void
serve_pair(const Pair *pair, size_t size)
{
  uint32_t command[2];

  while (read_all(pair->in, command, sizeof command)) {
    for (uint32_t i = 0; i < command[1]; i++) {
      read_all(pair->in, sink, size);
      if (command[0] == 0)
        write_all(pair->out, sink, size);
    }
    if (command[0] == 1)
      write_all(pair->out, sink, 1);
  }
}

static void
bench_pair(const char *cpus, bool sockets, size_t size)
{
  int to[2], from[2];
  Pair mine, peers;

  if (sockets) {
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, to) == 0, "socketpair");
    mine = (Pair){ to[0], to[0] };
    peers = (Pair){ to[1], to[1] };
  } else {
    check(pipe(to) == 0 && pipe(from) == 0, "pipe");
    mine = (Pair){ from[0], to[1] };
    peers = (Pair){ to[0], from[1] };
  }
  pid_t child = fork();
  if (child == 0) {
    close(mine.in);
    close(mine.out);
    pin(cpus[1]);
    serve_pair(&peers, size);
    _exit(0);
  }
  close(peers.in);
  close(peers.out);
  double trip = measure(pair_trips, &mine, size);
  tell(trip, measure(pair_sends, &mine, size), 0, 0);
  close(mine.in);
  close(mine.out);
  waitpid(child, NULL, 0);
}

/* The floors: a word in shared memory, with a copy each way, and a copy alone. */

static void
memory_trips(void *context, size_t size, unsigned int count)
{
  Shared *shared = context;

  for (unsigned int i = 0; i < count; i++) {
    memcpy(shared->bytes, buffer, size);
    atomic_store_explicit(&shared->turn, 1, memory_order_release);
    while (atomic_load_explicit(&shared->turn, memory_order_acquire) != 0)
      ;
    memcpy(buffer, shared->bytes, size);
  }
}

static void
bench_memory(const char *cpus, size_t size)
{
  Shared *shared =
    mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

  check(shared != MAP_FAILED, "mmap");
  if (cpus[0] == cpus[1]) {
    tell(0, 0, 0, 0);
    return;
  }
  /* The child is elsewhere before it begins: this side never sleeps. */
  pin(cpus[1]);
  pid_t child = fork();
  while (child == 0) {
    uint32_t turn;
    while ((turn = atomic_load_explicit(&shared->turn, memory_order_acquire)) == 0)
      ;
    if (turn == 2)
      _exit(0);
    memcpy(sink, shared->bytes, size);
    memcpy(shared->bytes, sink, size);
    atomic_store_explicit(&shared->turn, 0, memory_order_release);
  }
  pin(cpus[0]);
  tell(measure(memory_trips, shared, size), 0, 0, 0);
  atomic_store(&shared->turn, 2);
  waitpid(child, NULL, 0);
}

static void
copies(void *context, size_t size, unsigned int count)
{
  for (unsigned int i = 0; i < count; i++) {
    memcpy(sink, buffer, size);
    __asm__ volatile("" ::: "memory");
  }
}

/* A channel, the worker's side. */

static void
receive_one(BuntimeChannel *channel)
{
  BuntimeMessage message;

  check(buntime_channel_recv(channel, &message, -1) == 0, "recv");
  memcpy(sink, message.bytes, message.size);
}

static void
channel_trips(void *context, size_t size, unsigned int count)
{
  for (unsigned int i = 0; i < count; i++) {
    check(buntime_channel_send(context, BUNTIME_REQUEST, 1, buffer, size, -1) == 0, "send");
    receive_one(context);
  }
}

static void
channel_sends(void *context, size_t size, unsigned int count)
{
  for (unsigned int i = 0; i < count; i++)
    buntime_channel_send(context, BUNTIME_MESSAGE, 0, buffer, size, -1);
  buntime_channel_send(context, BUNTIME_MESSAGE, 0, "", 0, -1);
  receive_one(context);
}

static void
channel_batches(void *context, size_t size, unsigned int count)
{
  for (unsigned int i = 0; i < count; i++) {
    buntime_channel_queue(context, BUNTIME_MESSAGE, 0, buffer, size, -1);
    if (i % BATCH == BATCH - 1)
      buntime_channel_flush(context);
  }
  buntime_channel_send(context, BUNTIME_MESSAGE, 0, "", 0, -1);
  receive_one(context);
}

static void
channel_receives(void *context, size_t size, unsigned int count)
{
  char text[64];
  int length = snprintf(text, sizeof text, "%u %zu", count, size);

  buntime_channel_send(context, BUNTIME_STDOUT, 0, text, (size_t)length, -1);
  for (unsigned int i = 0; i < count; i++)
    receive_one(context);
}

static void
bench_worker(size_t size)
{
  BuntimeChannel *channel;

  check(buntime_channel_open(&channel) == 0, "no channel");
  double trip = measure(channel_trips, channel, size);
  double sends = measure(channel_sends, channel, size);
  double batches = measure(channel_batches, channel, size);
  tell(trip, sends, batches, measure(channel_receives, channel, size));
  buntime_channel_close(channel);
}

/* The supervisor's side, with nothing else to wait for. */

static void
host_wait(BtChannel *channel, uint32_t wants)
{
  char bytes[64];

  if (bt_channel_spin(channel, wants) || bt_channel_arm(channel, wants))
    return;
  ssize_t size = recv(channel->wake_fd, bytes, sizeof bytes, 0);
  if (size <= 0 || bt_channel_woken(channel, (size_t)size) != BT_RING_OK)
    exit(0);
}

static void
host_send(BtChannel *channel, uint32_t type, uint32_t id, const void *bytes, size_t size)
{
  size_t done = 0;

  while (bt_channel_put(channel, type, id, bytes, size, &done) == BT_RING_FULL)
    host_wait(channel, BT_WANTS_ROOM);
  bt_channel_flush(channel);
}

static void
host_message(BtChannel *channel, const BtFrame *frame, size_t size)
{
  unsigned int number = 0, length = 0;

  if (frame->type == BT_FRAME_REQUEST)
    host_send(channel, BT_FRAME_REPLY, frame->id, sink, size);
  else if (frame->type == BT_FRAME_MESSAGE && size == 0)
    host_send(channel, BT_FRAME_MESSAGE, 0, NULL, 0);
  else if (frame->type == BT_FRAME_STDOUT) {
    sink[size] = '\0';
    check(sscanf((char *)sink, "%u %u", &number, &length) == 2, "NUMBER SIZE");
    for (unsigned int i = 0; i < number; i++)
      host_send(channel, BT_FRAME_MESSAGE, 0, buffer, length);
  }
}

static void
serve(BtChannel *channel)
{
  BtFrameJoin join;
  BtFrame frame;

  bt_frame_join_init(&join, MAX_SIZE);
  for (;;) {
    BtRingResult result = bt_channel_peek(channel, &frame);
    if (result == BT_RING_EMPTY) {
      host_wait(channel, BT_WANTS_DATA);
      continue;
    }
    check(result == BT_RING_OK, "peek");
    BtJoinResult joined = bt_frame_join(&join, &frame);
    memcpy(sink + join.size - frame.size, frame.bytes, frame.size);
    bt_channel_release(channel);
    if (joined != BT_JOIN_PART)
      host_message(channel, &frame, join.size);
  }
}

static void
host(const char *cpus, uint32_t bytes, char **program)
{
  uint32_t capacity = bt_ring_capacity_for(bytes);
  int memory = memfd_create("bench", MFD_CLOEXEC | MFD_ALLOW_SEALING), wake[2], control[2];
  BtChannel channel;
  BtRingMap map;
  char text[64];

  check(memory >= 0 && ftruncate(memory, (off_t)bt_ring_file_size(capacity)) == 0, "memfd");
  check(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0, "seals");
  check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wake) == 0, "socketpair");
  check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) == 0, "socketpair");
  check(bt_ring_map_open(&map, memory, capacity) == 0, "map");
  pid_t child = fork();
  if (child == 0) {
    snprintf(text, sizeof text, "%d,%d,%d", fcntl(memory, F_DUPFD, 10),
             fcntl(wake[1], F_DUPFD, 10), fcntl(control[1], F_DUPFD, 10));
    setenv(BT_CHANNEL_VARIABLE, text, 1);
    pin(cpus[0]);
    execvp(program[0], program);
    perror(program[0]);
    _exit(127);
  }
  close(wake[1]);
  close(control[1]);
  pin(cpus[1]);
  bt_channel_init(&channel, &map, BT_SIDE_SUPERVISOR, wake[0]);
  serve(&channel);
}

int
main(int argc, char **argv)
{
  if (argc < 3)
    return 2;
  const char *cpus = argv[1], *what = argv[2];
  size_t size = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;

  if (strcmp(what, "host") == 0 && argc > 4) {
    host(cpus, (uint32_t)size, argv + 4);
    return 0;
  }
  if (size > MAX_SIZE)
    return 2;
  memset(buffer, 1, sizeof buffer);
  memset(sink, 1, sizeof sink);
  pin(cpus[0]);
  if (strcmp(what, "worker") == 0)
    bench_worker(size);
  else if (strcmp(what, "memory") == 0)
    bench_memory(cpus, size);
  else if (strcmp(what, "memcpy") == 0)
    tell(0, measure(copies, NULL, size), 0, 0);
  else
    bench_pair(cpus, strcmp(what, "socket") == 0, size);
  return 0;
}
