/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libbuntime-worker against the supervisor's side in the same process. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "channel-fixture.h"
#include "worker/buntime-worker.h"

typedef struct {
  Fixture fixture;
  BtChannel *host; /* the supervisor's side */
  BuntimeChannel *worker;
  int control;
} World;

/* What the worker closes is its own: it gets copies. */
static void
offer(World *world, int memory, int wake, int control)
{
  g_autofree char *text =
    g_strdup_printf("%d,%d,%d", fcntl(memory, F_DUPFD_CLOEXEC, 3),
                    fcntl(wake, F_DUPFD_CLOEXEC, 3), fcntl(control, F_DUPFD_CLOEXEC, 3));

  g_setenv("BUNTIME_CHANNEL", text, TRUE);
}

static void
world_init(World *world)
{
  int control[2];

  fixture_init(&world->fixture);
  world->host = &world->fixture.channels[BT_SIDE_SUPERVISOR];
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), ==, 0);
  offer(world, world->fixture.memory_fd, world->fixture.wake_fds[BT_SIDE_WORKER], control[1]);
  close(control[1]);
  world->control = control[0];
  g_assert_cmpint(buntime_channel_open(&world->worker), ==, 0);
}

static void
world_clear(World *world)
{
  buntime_channel_close(world->worker);
  close(world->control);
  fixture_clear(&world->fixture);
}

static void
host_put(World *world, guint32 type, guint32 id, const void *bytes, gsize size)
{
  gsize done = 0;

  g_assert_cmpint(bt_channel_put(world->host, type, id, bytes, size, &done), ==, BT_RING_OK);
  bt_channel_flush(world->host);
}

static void
host_expect(World *world, guint32 type, guint32 id, const char *text)
{
  BtFrame frame;

  g_assert_cmpint(bt_channel_peek(world->host, &frame), ==, BT_RING_OK);
  g_assert_cmpuint(frame.type, ==, type);
  g_assert_cmpuint(frame.id, ==, id);
  g_assert_cmpmem(frame.bytes, frame.size, text, strlen(text));
  bt_channel_release(world->host);
}

static void
test_open(void)
{
  BuntimeChannel *channel = NULL;
  World world;
  char text[200];

  g_unsetenv("BUNTIME_CHANNEL");
  g_assert_cmpint(buntime_channel_open(&channel), ==, -ENOENT);
  static const char *const wrong[] = { "", "3", "3,4", "3,4,5,6", "3,4,x", "-1,4,5",
                                       "3,4,99999999999", "0,1,2", "1000,1001,1002" };
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
    g_setenv("BUNTIME_CHANNEL", wrong[i], TRUE);
    g_assert_cmpint(buntime_channel_open(&channel), ==, -EPROTO);
    g_assert_null(channel);
  }
  world_init(&world);
  g_assert_cmpint(buntime_channel_open(&channel), ==, -EBUSY);
  ssize_t size = recv(world.control, text, sizeof text - 1, MSG_DONTWAIT);
  g_assert_cmpint(size, >, 0);
  text[size] = '\0';
  g_assert_true(g_str_has_prefix(text, "{\"type\":\"hello\",\"version\":1,\"client\":\"libbuntime-worker "));
  g_assert_cmpint(fcntl(buntime_channel_get_fd(world.worker), F_GETFD), ==, FD_CLOEXEC);
  world_clear(&world);
  g_assert_cmpint(buntime_channel_open(&channel), ==, -EPROTO);
}

/* A file that could shrink below the mapping is not taken. */
static void
test_unsealed(void)
{
  BuntimeChannel *channel;
  World world = { 0 };
  int wake[2], control[2];
  int memory = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  g_assert_cmpint(ftruncate(memory, (off_t)bt_ring_file_size(CAPACITY)), ==, 0);
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wake), ==, 0);
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), ==, 0);
  offer(&world, memory, wake[0], control[0]);
  g_assert_cmpint(buntime_channel_open(&channel), ==, -EPROTO);
  g_assert_cmpint(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), ==, 0);
  g_assert_cmpint(buntime_channel_open(&channel), ==, 0);
  buntime_channel_close(channel);
  for (int i = 0; i < 2; i++) {
    close(wake[i]);
    close(control[i]);
  }
  close(memory);
}

static void
test_messages(void)
{
  World world;
  BuntimeMessage message;
  world_init(&world);

  g_assert_cmpint(buntime_channel_recv(world.worker, &message, 0), ==, -EAGAIN);
  g_assert_cmpuint(buntime_channel_next_id(world.worker), ==, 1);
  g_assert_cmpuint(buntime_channel_next_id(world.worker), ==, 2);
  g_assert_cmpint(buntime_channel_send(world.worker, BUNTIME_REQUEST, 2, "what", 4, 0), ==, 0);
  host_expect(&world, BT_FRAME_REQUEST, 2, "what");
  host_put(&world, BT_FRAME_REPLY, 2, "that", 4);
  host_put(&world, BT_FRAME_MESSAGE, 0, NULL, 0);
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, 0), ==, 0);
  g_assert_cmpuint(message.type, ==, BUNTIME_REPLY);
  g_assert_cmpuint(message.id, ==, 2);
  g_assert_cmpmem(message.bytes, message.size, "that", 4);
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, -1), ==, 0);
  g_assert_cmpuint(message.size, ==, 0);

  /* What a worker may not send, or nobody can. */
  g_assert_cmpint(buntime_channel_send(world.worker, BUNTIME_CODE, 0, "", 0, 0), ==, -EINVAL);
  g_assert_cmpint(buntime_channel_send(world.worker, 0x66, 0, "", 0, 0), ==, -EINVAL);
  g_assert_cmpint(buntime_channel_send(world.worker, BUNTIME_MESSAGE, 0, "", (64 << 20) + 1, 0),
                  ==, -EMSGSIZE);
  world_clear(&world);
}

static void
test_queue(void)
{
  World world;
  BtFrame frame;
  void *bytes;
  world_init(&world);

  g_assert_cmpint(buntime_channel_queue(world.worker, BUNTIME_STDOUT, 0, "a", 1, 0), ==, 0);
  g_assert_cmpint(buntime_channel_reserve(world.worker, 100, &bytes, 0), ==, 0);
  memcpy(bytes, "bcd", 3);
  g_assert_cmpint(buntime_channel_send(world.worker, BUNTIME_STDOUT, 0, "x", 1, 0), ==, -EAGAIN);
  g_assert_cmpint(buntime_channel_commit(world.worker, BUNTIME_RESULT, 1, 101), ==, -EINVAL);
  g_assert_cmpint(buntime_channel_commit(world.worker, BUNTIME_RESULT, 1, 3), ==, 0);
  g_assert_cmpint(buntime_channel_commit(world.worker, BUNTIME_RESULT, 1, 3), ==, -EINVAL);
  g_assert_cmpint(bt_channel_peek(world.host, &frame), ==, BT_RING_EMPTY);
  g_assert_cmpint(buntime_channel_flush(world.worker), ==, 0);
  host_expect(&world, BT_FRAME_STDOUT, 0, "a");
  host_expect(&world, BT_FRAME_RESULT, 1, "bcd");
  g_assert_cmpint(buntime_channel_reserve(world.worker, CAPACITY, &bytes, 0), ==, -EMSGSIZE);
  world_clear(&world);
}

/* For who does not wait a large message is sent whole as well, if it is begun. */
static void
test_rest(void)
{
  World world;
  BtFrame frame;
  BtFrameJoin join;
  BtJoinResult joined = BT_JOIN_PART;
  gsize size = 3 * CAPACITY;
  g_autofree guint8 *bytes = g_malloc0(size), *copy = g_malloc0(size);
  world_init(&world);

  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8)(i * 13 + i / 256);
  g_assert_cmpint(buntime_channel_send(world.worker, BUNTIME_MESSAGE, 5, bytes, size, 0), ==, 0);
  g_assert_cmpint(buntime_channel_send(world.worker, BUNTIME_MESSAGE, 6, "b", 1, 0), ==, -EAGAIN);
  g_assert_cmpint(buntime_channel_send(world.worker, BUNTIME_MESSAGE, 6, "b", 1, 20), ==,
                  -ETIMEDOUT);
  g_assert_cmpint(buntime_channel_flush(world.worker), ==, -EAGAIN);
  bt_frame_join_init(&join, size);
  while (joined == BT_JOIN_PART) {
    if (bt_channel_peek(world.host, &frame) == BT_RING_EMPTY) {
      /* An event loop of the worker's. */
      g_assert_cmpint(buntime_channel_prepare(world.worker, BUNTIME_WANTS_DATA), >=, 0);
      continue;
    }
    joined = bt_frame_join(&join, &frame);
    g_assert_cmpint(joined, >, BT_JOIN_WHOLE);
    memcpy(copy + join.size - frame.size, frame.bytes, frame.size);
    bt_channel_release(world.host);
  }
  g_assert_cmpmem(copy, join.size, bytes, size);
  g_assert_cmpint(buntime_channel_flush(world.worker), ==, 0);
  g_assert_cmpint(buntime_channel_send(world.worker, BUNTIME_MESSAGE, 6, "b", 1, 0), ==, 0);
  host_expect(&world, BT_FRAME_MESSAGE, 6, "b");
  world_clear(&world);
}

static void
test_receives_parts(void)
{
  World world;
  BuntimeMessage message;
  gsize size = CAPACITY / 2 + 1000;
  g_autofree guint8 *bytes = g_malloc0(size);
  world_init(&world);

  memset(bytes + size / 2, 1, size / 2);
  for (int i = 0; i < 5; i++) {
    host_put(&world, BT_FRAME_CODE, 3, bytes, size);
    g_assert_cmpint(buntime_channel_recv(world.worker, &message, 0), ==, 0);
    g_assert_cmpuint(message.type, ==, BUNTIME_CODE);
    g_assert_cmpmem(message.bytes, message.size, bytes, size);
    g_assert_cmpint(buntime_channel_recv(world.worker, &message, 0), ==, -EAGAIN);
  }
  buntime_channel_set_max_message(world.worker, size - 1);
  host_put(&world, BT_FRAME_CODE, 3, bytes, size);
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, 0), ==, -EMSGSIZE);
  world_clear(&world);
}

static void
test_timeout(void)
{
  World world;
  BuntimeMessage message;
  world_init(&world);

  gint64 start = g_get_monotonic_time();
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, 30), ==, -ETIMEDOUT);
  g_assert_cmpint(g_get_monotonic_time() - start, >=, 30000);
  g_assert_cmpint(buntime_channel_recv_control(world.worker, (char[8]){ 0 }, 8, 0), ==, -EAGAIN);
  world_clear(&world);
}

static gboolean
is_readable(int fd)
{
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

  return poll(&poll_fd, 1, 0) == 1;
}

static void
test_event_loop(void)
{
  World world;
  BuntimeMessage message;
  world_init(&world);
  int fd = buntime_channel_get_fd(world.worker);

  for (int i = 0; i < 3; i++) {
    g_assert_cmpint(buntime_channel_prepare(world.worker, BUNTIME_WANTS_DATA), ==, 0);
    g_assert_false(is_readable(fd));
    host_put(&world, BT_FRAME_MESSAGE, 0, "a", 1);
    host_put(&world, BT_FRAME_MESSAGE, 0, "b", 1);
    g_assert_true(is_readable(fd));
    g_assert_cmpint(buntime_channel_recv(world.worker, &message, 0), ==, 0);
    g_assert_cmpint(buntime_channel_prepare(world.worker, BUNTIME_WANTS_DATA), ==, 1);
    g_assert_cmpint(buntime_channel_recv(world.worker, &message, 0), ==, 0);
    g_assert_cmpint(buntime_channel_recv(world.worker, &message, 0), ==, -EAGAIN);
  }
  /* One that reads what it watches. */
  char bytes[8];
  g_assert_cmpint(buntime_channel_prepare(world.worker, BUNTIME_WANTS_DATA), ==, 0);
  host_put(&world, BT_FRAME_MESSAGE, 0, "a", 1);
  g_assert_cmpint(read(fd, bytes, sizeof bytes), ==, 1);
  g_assert_cmpint(buntime_channel_woken(world.worker, 1), ==, 0);
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, 0), ==, 0);
  world_clear(&world);
}

static void
test_control(void)
{
  World world;
  char text[100];
  world_init(&world);

  g_assert_cmpint(recv(world.control, text, sizeof text, 0), >, 0);
  g_assert_cmpint(buntime_channel_send_control(world.worker, "{}", 2), ==, 0);
  g_assert_cmpint(recv(world.control, text, sizeof text, 0), ==, 2);
  g_assert_cmpint(send(world.control, "{\"a\":1}", 7, 0), ==, 7);
  g_assert_cmpint(buntime_channel_recv_control(world.worker, text, sizeof text, -1), ==, 7);
  g_assert_cmpmem(text, 7, "{\"a\":1}", 7);
  g_assert_cmpint(send(world.control, "{\"a\":1}", 7, 0), ==, 7);
  g_assert_cmpint(buntime_channel_recv_control(world.worker, text, 6, -1), ==, -EMSGSIZE);
  g_assert_cmpint(buntime_channel_send_control(world.worker, text, 0), ==, -EMSGSIZE);
  g_assert_cmpint(buntime_channel_send_control(world.worker, text, (16 << 10) + 1), ==, -EMSGSIZE);
  shutdown(world.control, SHUT_RDWR);
  g_assert_cmpint(buntime_channel_recv_control(world.worker, text, 6, -1), ==, -EPIPE);
  g_assert_cmpint(buntime_channel_send_control(world.worker, "{}", 2), ==, -EPIPE);
  world_clear(&world);
}

/* A supervisor that is gone: what it had sent is still received. */
static void
test_supervisor_is_gone(void)
{
  World world;
  BuntimeMessage message;
  world_init(&world);

  host_put(&world, BT_FRAME_MESSAGE, 0, "last", 4);
  shutdown(world.fixture.wake_fds[BT_SIDE_SUPERVISOR], SHUT_RDWR);
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, -1), ==, 0);
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, -1), ==, -EPIPE);
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, 0), ==, -EPIPE);
  g_assert_cmpint(buntime_channel_send(world.worker, BUNTIME_MESSAGE, 0, "a", 1, -1), ==, -EPIPE);
  g_assert_cmpint(buntime_channel_prepare(world.worker, BUNTIME_WANTS_DATA), ==, 1);
  world_clear(&world);
}

static int
poll_for_message(World *world, BuntimeMessage *message)
{
  int error;

  while ((error = buntime_channel_recv(world->worker, message, 0)) == -EAGAIN)
    g_thread_yield();
  return error;
}

/* Who never sleeps is told, too, whether or not it was woken before and by what. */
static void
test_supervisor_is_gone_while_polled(gconstpointer data)
{
  World world;
  BuntimeMessage message;
  world_init(&world);

  g_assert_cmpint(buntime_channel_recv(world.worker, &message, 0), ==, -EAGAIN);
  if (GPOINTER_TO_INT(data))
    g_assert_cmpint(buntime_channel_prepare(world.worker, BUNTIME_WANTS_DATA), ==, 0);
  host_put(&world, BT_FRAME_MESSAGE, 0, "last", 4);
  alarm(30);
  g_assert_cmpint(poll_for_message(&world, &message), ==, 0);
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, 0), ==, -EAGAIN);
  shutdown(world.fixture.wake_fds[BT_SIDE_SUPERVISOR], SHUT_RDWR);
  g_assert_cmpint(poll_for_message(&world, &message), ==, -EPIPE);
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, 0), ==, -EPIPE);
  alarm(0);
  world_clear(&world);
}

/* Likewise who only tries to send, once there is no more room. */
static void
test_supervisor_is_gone_while_sent_to(void)
{
  World world;
  char bytes[1000] = { 0 };
  int error;
  world_init(&world);

  shutdown(world.fixture.wake_fds[BT_SIDE_SUPERVISOR], SHUT_RDWR);
  alarm(30);
  while ((error = buntime_channel_send(world.worker, BUNTIME_MESSAGE, 0, bytes, sizeof bytes, 0)) ==
           0 ||
         error == -EAGAIN)
    g_thread_yield();
  alarm(0);
  g_assert_cmpint(error, ==, -EPIPE);
  world_clear(&world);
}

/* For the rest of a message nobody has room any more. */
static void
test_supervisor_is_gone_midway(void)
{
  World world;
  g_autofree guint8 *bytes = g_malloc0(3 * CAPACITY);
  world_init(&world);

  g_assert_cmpint(buntime_channel_send(world.worker, BUNTIME_MESSAGE, 0, bytes, 3 * CAPACITY, 0), ==,
                  0);
  g_assert_cmpint(buntime_channel_flush(world.worker), ==, -EAGAIN);
  g_assert_cmpint(buntime_channel_prepare(world.worker, BUNTIME_WANTS_ROOM), ==, 0);
  shutdown(world.fixture.wake_fds[BT_SIDE_SUPERVISOR], SHUT_RDWR);
  g_assert_cmpint(buntime_channel_prepare(world.worker, BUNTIME_WANTS_ROOM), ==, 1);
  g_assert_cmpint(buntime_channel_flush(world.worker), ==, -EPIPE);
  world_clear(&world);
}

/* The worker runs another program, which finds the channel as it was left. */
static void
test_resume(void)
{
  World world;
  BuntimeMessage message;
  g_autofree char *text = NULL;
  world_init(&world);

  for (int i = 0; i < 3; i++) {
    host_put(&world, BT_FRAME_MESSAGE, 0, "seen", 4);
    g_assert_cmpint(buntime_channel_recv(world.worker, &message, 0), ==, 0);
    g_assert_cmpint(buntime_channel_send(world.worker, BUNTIME_MESSAGE, 0, "old", 3, 0), ==, 0);
  }
  g_assert_cmpint(buntime_channel_prepare(world.worker, BUNTIME_WANTS_DATA), ==, 1);
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, 0), ==, -EAGAIN);
  g_assert_cmpint(buntime_channel_prepare(world.worker, BUNTIME_WANTS_DATA), ==, 0);
  host_put(&world, BT_FRAME_MESSAGE, 0, "unseen", 6);
  text = g_strdup_printf("%d,%d,%d", fcntl(world.fixture.memory_fd, F_DUPFD_CLOEXEC, 3),
                         fcntl(buntime_channel_get_fd(world.worker), F_DUPFD_CLOEXEC, 3),
                         fcntl(buntime_channel_get_control_fd(world.worker), F_DUPFD_CLOEXEC, 3));
  buntime_channel_close(world.worker);

  g_setenv("BUNTIME_CHANNEL", text, TRUE);
  g_assert_cmpint(buntime_channel_open(&world.worker), ==, 0);
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, -1), ==, 0);
  g_assert_cmpmem(message.bytes, message.size, "unseen", 6);
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, 20), ==, -ETIMEDOUT);
  g_assert_cmpint(buntime_channel_send(world.worker, BUNTIME_MESSAGE, 0, "new", 3, 0), ==, 0);
  for (int i = 0; i < 3; i++)
    host_expect(&world, BT_FRAME_MESSAGE, 0, "old");
  host_expect(&world, BT_FRAME_MESSAGE, 0, "new");
  world_clear(&world);
}

#define SENDERS 4
#define EACH 500

/* Waits as a supervisor does, and says how many messages came; stops at "stop". */
static void *
count_messages(void *data)
{
  World *world = data;
  BtFrame frame;
  BtFrameJoin join;
  gsize count = 0;

  bt_frame_join_init(&join, BT_FRAME_MAX_MESSAGE);
  for (;;) {
    BtRingResult result = bt_channel_peek(world->host, &frame);
    if (result == BT_RING_EMPTY) {
      struct pollfd fd = { .fd = world->host->wake_fd, .events = POLLIN };
      if (!bt_channel_arm(world->host, BT_WANTS_DATA)) {
        g_assert_cmpint(poll(&fd, 1, 20000), ==, 1);
        g_assert_cmpint(bt_channel_drain(world->host), ==, BT_RING_OK);
      }
      continue;
    }
    g_assert_cmpint(result, ==, BT_RING_OK);
    BtJoinResult joined = bt_frame_join(&join, &frame);
    gboolean stop = frame.id == 0;
    /* All parts of a message have its sender's byte. */
    g_assert_true(frame.size == 0 || frame.bytes[frame.size - 1] == frame.id);
    bt_channel_release(world->host);
    g_assert_cmpint(joined, !=, BT_JOIN_VIOLATION);
    if (stop) {
      host_put(world, BT_FRAME_MESSAGE, 0, "done", 4);
      return GSIZE_TO_POINTER(count);
    }
    count += joined != BT_JOIN_PART;
  }
}

typedef struct {
  World *world;
  guint32 id;
} Sender;

static void *
send_many(void *data)
{
  Sender *sender = data;
  g_autofree guint8 *bytes = g_malloc(3 * CAPACITY);

  memset(bytes, (int)sender->id, 3 * CAPACITY);
  for (guint i = 0; i < EACH; i++) {
    gsize size = i % 50 == 0 ? 3 * CAPACITY : i * 7 % 3000;
    int error = i % 3 != 0 ? buntime_channel_send(sender->world->worker, BUNTIME_MESSAGE, sender->id,
                                                  bytes, size, -1)
                           : buntime_channel_send(sender->world->worker, BUNTIME_MESSAGE, sender->id,
                                                  bytes, size, 20000);
    g_assert_cmpint(error, ==, 0);
  }
  return NULL;
}

/* Many threads send while one waits to receive. */
static void
test_threads(void)
{
  World world;
  Sender senders[SENDERS];
  pthread_t threads[SENDERS], host;
  void *count = NULL;
  BuntimeMessage message;
  world_init(&world);

  g_assert_cmpint(pthread_create(&host, NULL, count_messages, &world), ==, 0);
  for (guint32 i = 0; i < SENDERS; i++) {
    senders[i] = (Sender){ &world, i + 1 };
    g_assert_cmpint(pthread_create(&threads[i], NULL, send_many, &senders[i]), ==, 0);
  }
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, 50), ==, -ETIMEDOUT);
  for (int i = 0; i < SENDERS; i++)
    pthread_join(threads[i], NULL);
  g_assert_cmpint(buntime_channel_send(world.worker, BUNTIME_MESSAGE, 0, "", 1, -1), ==, 0);
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, -1), ==, 0);
  g_assert_cmpmem(message.bytes, message.size, "done", 4);
  pthread_join(host, &count);
  g_assert_cmpuint(GPOINTER_TO_SIZE(count), ==, SENDERS * EACH);
  world_clear(&world);
}

static void
on_alarm(int number)
{
}

static void
test_interrupted(void)
{
  World world;
  BuntimeMessage message;
  struct sigaction action = { .sa_handler = on_alarm };
  world_init(&world);

  sigaction(SIGALRM, &action, NULL);
  /* Again and again: the first may come before it waits. */
  ualarm(20000, 20000);
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, -1), ==, -EINTR);
  g_assert_cmpint(buntime_channel_recv(world.worker, &message, 20000), ==, -EINTR);
  ualarm(0, 0);
  world_clear(&world);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/worker/open", test_open);
  g_test_add_func("/worker/unsealed", test_unsealed);
  g_test_add_func("/worker/messages", test_messages);
  g_test_add_func("/worker/queue", test_queue);
  g_test_add_func("/worker/rest", test_rest);
  g_test_add_func("/worker/receives-parts", test_receives_parts);
  g_test_add_func("/worker/timeout", test_timeout);
  g_test_add_func("/worker/event-loop", test_event_loop);
  g_test_add_func("/worker/control", test_control);
  g_test_add_func("/worker/supervisor-is-gone", test_supervisor_is_gone);
  g_test_add_data_func("/worker/gone-while-polled/awake", GINT_TO_POINTER(FALSE),
                       test_supervisor_is_gone_while_polled);
  g_test_add_data_func("/worker/gone-while-polled/woken", GINT_TO_POINTER(TRUE),
                       test_supervisor_is_gone_while_polled);
  g_test_add_func("/worker/gone-while-sent-to", test_supervisor_is_gone_while_sent_to);
  g_test_add_func("/worker/supervisor-is-gone-midway", test_supervisor_is_gone_midway);
  g_test_add_func("/worker/resume", test_resume);
  g_test_add_func("/worker/threads", test_threads);
  g_test_add_func("/worker/interrupted", test_interrupted);
  return g_test_run();
}
