/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hostile-attack.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire/bt-channel.h"

#define MAX_SENT_FDS 253

/* A thread of its own that changes what the host looks at. */
typedef struct {
  Attacker attacker;
  atomic_bool stop;
  pthread_t thread;
  bool running;
  void (*attack)(Attacker *self);
} Racer;

uint64_t
hostile_random(uint64_t *state)
{
  uint64_t value = *state += 0x9e3779b97f4a7c15u;

  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
  value = (value ^ value >> 27) * 0x94d049bb133111ebu;
  return value ^ value >> 31;
}

int64_t
hostile_now(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static uint32_t
below(Attacker *self, uint32_t bound)
{
  return (uint32_t)(hostile_random(&self->random) >> 32) % bound;
}

static bool
is_over(const Attacker *self)
{
  return (self->stop != NULL && atomic_load_explicit(self->stop, memory_order_relaxed)) ||
         hostile_now() >= self->until;
}

static void
pause_briefly(long microseconds)
{
  const struct timespec time = { .tv_nsec = microseconds * 1000 };
  nanosleep(&time, NULL);
}

static BtRingWords *
words_of(Attacker *self, BtSide side)
{
  return &self->map.control->side[side];
}

/* As an honest one wakes the host: one byte for a bit. */
static void
knock(Attacker *self)
{
  _Atomic uint32_t *wants = &words_of(self, BT_SIDE_SUPERVISOR)->wants;

  if ((atomic_fetch_and(wants, ~3u) & 3) != 0 && self->wake >= 0)
    send(self->wake, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void *
run_racer(void *data)
{
  Racer *racer = data;

  while (!is_over(&racer->attacker))
    racer->attack(&racer->attacker);
  return NULL;
}

static void
race(Attacker *self, Racer *racer, void (*attack)(Attacker *self))
{
  racer->attacker = *self;
  racer->attacker.random = hostile_random(&self->random);
  racer->attacker.stop = &racer->stop;
  racer->attack = attack;
  atomic_init(&racer->stop, false);
  racer->running = pthread_create(&racer->thread, NULL, run_racer, racer) == 0;
}

static void
race_over(Racer *racer)
{
  atomic_store(&racer->stop, true);
  if (racer->running)
    pthread_join(racer->thread, NULL);
}

/* ---- the shared file ---- */

static void
poke_word(Attacker *self)
{
  BtRingWords *words = words_of(self, (BtSide)below(self, 2));
  _Atomic uint32_t *all[] = { &words->head, &words->head_cpu, &words->tail, &words->tail_cpu,
                              &words->wants };
  _Atomic uint32_t *word = all[below(self, 5)];
  uint32_t old = atomic_load_explicit(word, memory_order_relaxed);
  uint32_t values[] = { 0, 1, UINT32_MAX, old + 1, old - 1, old + below(self, 64),
                        old + self->map.capacity, (uint32_t)hostile_random(&self->random) };

  atomic_store_explicit(word, values[below(self, 8)], memory_order_relaxed);
}

/* Anything anywhere. */
static void
scribble(Attacker *self)
{
  uint8_t *base = self->map.data[0];
  size_t size = 4 * (size_t)self->map.capacity + sizeof(BtRingControl);
  size_t offset = hostile_random(&self->random) % size;
  size_t length = below(self, 4096);

  length = length < size - offset ? length : size - offset;
  for (size_t i = 0; i < length; i++)
    base[offset + i] = (uint8_t)hostile_random(&self->random);
}

static void
noise(Attacker *self)
{
  Racer racer = { 0 };

  race(self, &racer, poke_word);
  while (!is_over(self)) {
    scribble(self);
    poke_word(self);
    knock(self);
  }
  race_over(&racer);
}

static void
indices(Attacker *self)
{
  BtRingWords *words = words_of(self, BT_SIDE_WORKER);

  while (!is_over(self)) {
    uint32_t past = self->map.capacity + 1 + below(self, 1u << 30);
    atomic_store(&words->head, atomic_load(&words->head) + past);
    knock(self);
    pause_briefly(100);
  }
}

/* The lengths that matter, and others. */
static uint32_t
odd_length(Attacker *self)
{
  const uint32_t capacity = self->map.capacity;
  const uint32_t lengths[] = { 0, 1, 4, 5, 6, 1u << 30, INT32_MAX, UINT32_MAX, UINT32_MAX - 3,
                               UINT32_MAX - 4, capacity, capacity - 4, capacity - 3, capacity - 9,
                               capacity + 1, 2 * capacity, below(self, 64), below(self, capacity) };

  return lengths[below(self, sizeof lengths / sizeof lengths[0])];
}

static void
put_header(Attacker *self, uint32_t at, uint32_t length, uint32_t type, uint32_t id)
{
  uint8_t *bytes = self->map.data[BT_SIDE_WORKER] + (at & (self->map.capacity - 1));

  bt_frame_write_header(bytes, type, false, id, 0);
  for (int i = 0; i < 4; i++)
    bytes[i] = (uint8_t)(length >> (8 * i));
}

/* Of the frame that the host looks at just now, as far as it can be known. */
static void
poke_header(Attacker *self)
{
  uint32_t tail = atomic_load_explicit(&words_of(self, BT_SIDE_SUPERVISOR)->tail,
                                       memory_order_relaxed);
  uint32_t head = atomic_load_explicit(&words_of(self, BT_SIDE_WORKER)->head,
                                       memory_order_relaxed);

  put_header(self, below(self, 2) ? tail : head - BT_FRAME_HEADER_SIZE, odd_length(self),
             below(self, 256), below(self, 4));
}

/* Whole frames, that another thread makes into others. */
static void
changed_after_check(Attacker *self)
{
  BtRingWords *words = words_of(self, BT_SIDE_WORKER);
  Racer racer = { 0 };
  uint32_t head = 0;

  race(self, &racer, poke_header);
  while (!is_over(self)) {
    uint32_t size = below(self, 200);
    put_header(self, head, size + 5, BT_FRAME_MESSAGE, 0);
    head += BT_FRAME_HEADER_SIZE + size;
    uint32_t tail = atomic_load(&words_of(self, BT_SIDE_SUPERVISOR)->tail);
    if (head - tail > self->map.capacity)
      head = tail;
    atomic_store(&words->head, head);
    knock(self);
  }
  race_over(&racer);
}

/* A gibibyte that is not there, or less than a head. */
static void
lengths(Attacker *self)
{
  static const uint32_t bad[] = { 0, 1, 4, 1u << 30, (1u << 30) + 5, INT32_MAX, UINT32_MAX,
                                  UINT32_MAX - 8, 6, 4096 };

  put_header(self, 0, bad[below(self, sizeof bad / sizeof bad[0])], BT_FRAME_MESSAGE, 0);
  atomic_store(&words_of(self, BT_SIDE_WORKER)->head, BT_FRAME_HEADER_SIZE);
  while (!is_over(self)) {
    knock(self);
    pause_briefly(100);
  }
}

/* Its size is sealed; what may be done to its pages must not matter. */
static void
memory(Attacker *self)
{
  const off_t size = (off_t)bt_ring_file_size(self->map.capacity);

  while (!is_over(self)) {
    if (ftruncate(self->memory, (off_t)below(self, 1u << 30)) == 0 ||
        fcntl(self->memory, F_ADD_SEALS, F_SEAL_WRITE) == 0)
      _exit(78);
    fallocate(self->memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
              (off_t)below(self, 16) * 4096, size);
    madvise(self->map.data[below(self, 2)], self->map.capacity, MADV_REMOVE);
    lseek(self->memory, (off_t)below(self, 1u << 30), SEEK_SET);
    (void)!write(self->memory, &size, sizeof size);
    scribble(self);
    knock(self);
  }
}

/* ---- frames ---- */

static BtChannel
channel_of(Attacker *self)
{
  BtChannel channel;

  bt_channel_init(&channel, &self->map, BT_SIDE_WORKER, self->wake);
  return channel;
}

/* Whole; FALSE: it is over. */
static bool
put(Attacker *self, BtChannel *channel, uint32_t type, bool more, uint32_t id, uint32_t size)
{
  uint8_t *payload;

  while (!is_over(self)) {
    BtRingResult result = bt_channel_reserve(channel, size, &payload);
    if (result == BT_RING_OK) {
      memset(payload, (int)below(self, 256), size);
      bt_channel_commit(channel, type, more, id, size);
      bt_channel_flush(channel);
      return true;
    }
    if (result != BT_RING_FULL || self->wake < 0)
      return false;
    pause_briefly(20);
  }
  return false;
}

static const uint32_t own_types[] = {
  BT_FRAME_MESSAGE, BT_FRAME_REQUEST, BT_FRAME_REPLY, BT_FRAME_ERROR, BT_FRAME_RESULT,
  BT_FRAME_STDOUT, BT_FRAME_STDERR, BT_FRAME_FS_READ, BT_FRAME_FS_WRITE, BT_FRAME_NET_CONNECT,
  BT_FRAME_EXEC, BT_FRAME_LISTDIR, BT_FRAME_ENV, BT_FRAME_FFI, BT_FRAME_SYS,
};

static bool
put_any(Attacker *self, BtChannel *channel)
{
  uint32_t limit = below(self, 16) == 0 ? bt_channel_max_payload(channel) : 300;

  return put(self, channel, own_types[below(self, sizeof own_types / sizeof own_types[0])], false,
             below(self, 8), below(self, limit));
}

/* All of it is well, but that it never reads and never ends. */
static void
flood(Attacker *self)
{
  BtChannel channel = channel_of(self);

  while (put_any(self, &channel))
    ;
}

static void
wrong_type(Attacker *self)
{
  static const uint32_t types[] = { BT_FRAME_ALLOW, BT_FRAME_DENY, BT_FRAME_WARN, BT_FRAME_CODE,
                                    0x0a, 0x22, 0x34, 0x7f };
  BtChannel channel = channel_of(self);

  for (uint32_t i = below(self, 20); i > 0; i--)
    put_any(self, &channel);
  while (put(self, &channel, types[below(self, 8)], false, 1, below(self, 9)))
    ;
}

/* A message of which there is always more to come. */
static void
endless(Attacker *self)
{
  BtChannel channel = channel_of(self);
  uint32_t part = bt_channel_max_payload(&channel) / (1 + below(self, 4));

  while (put(self, &channel, BT_FRAME_MESSAGE, true, 0, part))
    ;
}

static void
mixed_parts(Attacker *self)
{
  BtChannel channel = channel_of(self);

  while (put(self, &channel, BT_FRAME_MESSAGE, true, 1, 1 + below(self, 5000)) &&
         put(self, &channel, below(self, 2) ? BT_FRAME_MESSAGE : BT_FRAME_STDOUT, false,
             2 + below(self, 5), 1))
    ;
}

/* Asks, and asks, and reads no answer. */
static void
questions(Attacker *self)
{
  BtChannel channel = channel_of(self);
  uint32_t type = below(self, 2) ? BT_FRAME_REQUEST : BT_FRAME_ENV;
  bool more = true;

  while (more)
    for (int i = 0; more && i < 1000; i++)
      more = put(self, &channel, type, false, 1, 1);
}

/* Half of a frame, half of a message, and then nothing more. */
static void
half(Attacker *self)
{
  BtChannel channel = channel_of(self);

  put_any(self, &channel);
  if (below(self, 2)) {
    put(self, &channel, BT_FRAME_MESSAGE, true, 0, 1 + below(self, 100));
  } else {
    put_header(self, channel.out.head, 5 + 100, BT_FRAME_MESSAGE, 0);
    atomic_store(&words_of(self, BT_SIDE_WORKER)->head,
                 channel.out.head + 1 + below(self, BT_FRAME_HEADER_SIZE + 99));
    knock(self);
  }
  pause_briefly(1000);
}

/* ---- the sockets ---- */

static void
wake_flood(Attacker *self)
{
  static const char bytes[4096];

  while (!is_over(self))
    if (send(self->wake, bytes, 1 + below(self, sizeof bytes),
             MSG_DONTWAIT | MSG_NOSIGNAL | (below(self, 2) ? MSG_OOB : 0)) < 0)
      pause_briefly(50);
}

static void
say(Attacker *self, const void *bytes, size_t size)
{
  while (!is_over(self) &&
         send(self->control, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
    pause_briefly(50);
}

/* None of them is a message. */
static void
garbage(Attacker *self)
{
  static const char *const texts[] = {
    "", "{", "{}", "[]", "{\"type\":\"hello\"}", "{\"type\":\"ready\"", "{\"type\":\"ready\"}}",
    "{\"type\":\"ready\",\"type\":\"ready\"}", "{\"type\":\"state\",\"state\":\"none\"}",
    "{\"type\":\"hello\",\"version\":99999999999999999999}", "{\"type\":\"hello\",\"version\":-1}",
    "{\"type\":\"ready\",\"x\":{}}", "{\"type\":\"ready\",\"x\":\"\\u0000\"}", "{\"type\":\"rea",
    "{\"type\":\"hello\",\"version\":2}", "\xff\xfe", "{\"type\":\"ready\",\"x\":1e5}",
  };
  static char large[BT_CHANNEL_MAX_CONTROL * 2];
  uint32_t which = below(self, sizeof texts / sizeof texts[0] + 3);
  uint32_t size = below(self, sizeof large);

  if (which >= 3) {
    say(self, texts[which - 3], strlen(texts[which - 3]));
  } else if (which == 2) {
    memset(large, '[', sizeof large);
    memcpy(large, "{\"type\":\"ready\",\"x\":", 20);
    say(self, large, 21 + below(self, BT_CHANNEL_MAX_CONTROL - 21));
  } else {
    for (uint32_t i = 0; i < size; i++)
      large[i] = which == 0 ? (char)hostile_random(&self->random) : ' ';
    say(self, large, size);
  }
  while (!is_over(self))
    pause_briefly(500);
}

static void
control_flood(Attacker *self)
{
  static const char ready[] = "{\"type\":\"ready\"}";

  while (!is_over(self))
    say(self, ready, sizeof ready - 1);
}

/* What may be said, seldom enough. */
static void
chatter(Attacker *self)
{
  static const char *const states[] = { "exec_start", "exec_end", "exception", "interrupted" };
  char text[600];

  for (uint32_t i = below(self, 60); i > 0 && !is_over(self); i--) {
    int size = snprintf(text, sizeof text,
                        "{\"type\":\"state\",\"state\":\"%s\",\"id\":%u,\"exitCode\":-%u,"
                        "\"name\":\"%.*s\",\"text\":\"\\ud83d\\ude00\xc3\xa4\"}",
                        states[below(self, 4)], below(self, UINT32_MAX), below(self, 300),
                        (int)below(self, 300),
                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
                        "ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
                        "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd");
    say(self, text, (size_t)size);
    pause_briefly(1500);
  }
}

/* As many as there may be, its own ends among them: they would keep themselves alive. */
static void
send_fds(Attacker *self, int socket, const char *text, int count)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(MAX_SENT_FDS * sizeof(int))];
  } control;
  char bytes[64];
  struct iovec iovec = { .iov_base = bytes, .iov_len = strlen(text) };
  struct msghdr message = {
    .msg_iov = &iovec,
    .msg_iovlen = 1,
    .msg_control = &control,
    .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int)),
  };
  struct cmsghdr *part = CMSG_FIRSTHDR(&message);
  int fds[MAX_SENT_FDS];

  memcpy(bytes, text, strlen(text));
  for (int i = 0; i < count; i++)
    fds[i] = i % 3 == 0 ? self->wake : i % 3 == 1 ? self->control : self->memory;
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
  memcpy(CMSG_DATA(part), fds, (size_t)count * sizeof(int));
  sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
descriptors(Attacker *self)
{
  for (uint32_t i = 1 + below(self, 20); i > 0 && !is_over(self); i--) {
    send_fds(self, self->control, "{\"type\":\"ready\"}", 1 + (int)below(self, MAX_SENT_FDS));
    pause_briefly(1000);
  }
  /* The same for no reason on the other one, which nobody asked for. */
  if (below(self, 4) == 0)
    send_fds(self, self->wake, "x", 1 + (int)below(self, MAX_SENT_FDS));
}

static void
close_one(int *fd)
{
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

/* Its ends go, in any order, and some of it goes on. */
static void
ends(Attacker *self)
{
  BtChannel channel = channel_of(self);

  for (int i = 0; i < 6 && !is_over(self); i++) {
    for (uint32_t n = below(self, 30); n > 0; n--)
      put_any(self, &channel);
    switch (below(self, 6)) {
    case 0:
      close_one(&self->wake);
      channel.wake_fd = -1;
      break;
    case 1:
      close_one(&self->control);
      break;
    case 2:
      shutdown(self->wake, (int)below(self, 3));
      break;
    case 3:
      shutdown(self->control, (int)below(self, 3));
      break;
    default:
      pause_briefly(500);
      break;
    }
  }
}

/* An honest one, that is gone from one moment to the next. */
static void
killed(Attacker *self)
{
  BtChannel channel = channel_of(self);

  for (uint32_t n = below(self, 2000); n > 0 && put_any(self, &channel); n--)
    ;
  if (self->alone)
    kill(getpid(), below(self, 2) ? SIGKILL : SIGSEGV);
}

/* Everything that one could send, beside everything that one could write. */
static void
all_at_once(Attacker *self)
{
  Racer racers[2] = { 0 };

  race(self, &racers[0], poke_word);
  race(self, &racers[1], poke_header);
  while (!is_over(self)) {
    put_header(self, atomic_load(&words_of(self, BT_SIDE_WORKER)->head), odd_length(self),
               below(self, 256), below(self, 4));
    atomic_fetch_add(&words_of(self, BT_SIDE_WORKER)->head, odd_length(self));
    scribble(self);
    knock(self);
    if (below(self, 64) == 0)
      send_fds(self, self->control, "{\"type\":\"ready\"}", 1 + (int)below(self, 20));
  }
  race_over(&racers[0]);
  race_over(&racers[1]);
}

static const struct {
  const char *name;
  void (*attack)(Attacker *self);
  HostileKind kind;
} attacks[] = {
  { "noise", noise, HOSTILE_MAY },
  { "indices", indices, HOSTILE_MUST },
  { "changed after check", changed_after_check, HOSTILE_MAY },
  { "lengths", lengths, HOSTILE_MUST },
  { "memory", memory, HOSTILE_MAY },
  { "flood", flood, HOSTILE_MAY },
  { "wrong type", wrong_type, HOSTILE_MUST },
  { "endless", endless, HOSTILE_MUST_SLOWLY },
  { "mixed parts", mixed_parts, HOSTILE_MUST },
  { "questions", questions, HOSTILE_MUST_SLOWLY },
  { "half", half, HOSTILE_MAY },
  { "wake flood", wake_flood, HOSTILE_MUST },
  { "garbage", garbage, HOSTILE_MUST },
  { "control flood", control_flood, HOSTILE_MUST },
  { "chatter", chatter, HOSTILE_MAY },
  { "descriptors", descriptors, HOSTILE_MAY },
  { "ends", ends, HOSTILE_MAY },
  { "killed", killed, HOSTILE_MAY },
  { "all at once", all_at_once, HOSTILE_MAY },
};

unsigned
hostile_count(void)
{
  return sizeof attacks / sizeof attacks[0];
}

const char *
hostile_name(unsigned kind)
{
  return attacks[kind].name;
}

HostileKind
hostile_kind(unsigned kind)
{
  return attacks[kind].kind;
}

void
hostile_attack(Attacker *self, unsigned kind)
{
  attacks[kind].attack(self);
}
