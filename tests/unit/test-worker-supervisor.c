/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The supervisor's side by libbuntime-worker, for hosts that own a channel; the worker may be hostile. */
#include <errno.h>
#include <string.h>

#include "channel-fixture.h"
#include "worker/buntime-worker.h"

typedef struct {
  Fixture fixture;
  BtChannel *worker;
  BuntimeChannel *host;
  int control;
} World;

static void
world_init(World *world)
{
  int control[2];

  fixture_init(&world->fixture);
  world->worker = &world->fixture.channels[BT_SIDE_WORKER];
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), ==, 0);
  world->control = control[1];
  /* What the host closes is its own. */
  int memory = fcntl(world->fixture.memory_fd, F_DUPFD_CLOEXEC, 3);
  int wake = fcntl(world->fixture.wake_fds[BT_SIDE_SUPERVISOR], F_DUPFD_CLOEXEC, 3);
  g_assert_cmpint(buntime_channel_open_supervisor(memory, wake, control[0], &world->host), ==, 0);
}

static void
world_clear(World *world)
{
  buntime_channel_close(world->host);
  close(world->control);
  fixture_clear(&world->fixture);
}

static void
worker_put(World *world, guint32 type, guint32 id, const void *bytes, gsize size)
{
  gsize done = 0;

  g_assert_cmpint(bt_channel_put(world->worker, type, id, bytes, size, &done), ==, BT_RING_OK);
  bt_channel_flush(world->worker);
}

static void
test_messages(void)
{
  BuntimeMessage message;
  BtFrame frame;
  World world;

  world_init(&world);
  g_assert_cmpint(buntime_channel_send(world.host, BUNTIME_CODE, 7, "1 + 1", 5, 0), ==, 0);
  g_assert_cmpint(bt_channel_peek(world.worker, &frame), ==, BT_RING_OK);
  g_assert_cmpuint(frame.type, ==, BT_FRAME_CODE);
  g_assert_cmpmem(frame.bytes, frame.size, "1 + 1", 5);
  bt_channel_release(world.worker);
  worker_put(&world, BT_FRAME_RESULT, 7, "2", 1);
  worker_put(&world, BT_FRAME_STDOUT, 7, NULL, 0);
  g_assert_cmpint(buntime_channel_recv(world.host, &message, 0), ==, 0);
  g_assert_cmpuint(message.type, ==, BUNTIME_RESULT);
  g_assert_cmpmem(message.bytes, message.size, "2", 1);
  g_assert_cmpint(buntime_channel_recv(world.host, &message, 0), ==, 0);
  g_assert_cmpuint(message.size, ==, 0);
  g_assert_cmpint(buntime_channel_recv(world.host, &message, 0), ==, -EAGAIN);
  /* Nothing that only a worker says; and no hello of its kind. */
  g_assert_cmpint(buntime_channel_send(world.host, BUNTIME_STDOUT, 0, "x", 1, 0), ==, -EINVAL);
  g_assert_cmpint(buntime_channel_send(world.host, BUNTIME_RESULT, 1, "x", 1, 0), ==, -EINVAL);
  char text[16];
  g_assert_cmpint(recv(world.control, text, sizeof text, MSG_DONTWAIT), ==, -1);
  g_assert_cmpint(buntime_channel_send_control(world.host, "{}", 2), ==, 0);
  g_assert_cmpint(recv(world.control, text, sizeof text, MSG_DONTWAIT), ==, 2);
  world_clear(&world);
}

/* Several at once, beside a worker's own. */
static void
test_several(void)
{
  World worlds[3];

  for (gsize i = 0; i < G_N_ELEMENTS(worlds); i++)
    world_init(&worlds[i]);
  for (gsize i = 0; i < G_N_ELEMENTS(worlds); i++) {
    BuntimeMessage message;
    char text[] = { (char)('a' + i) };
    worker_put(&worlds[i], BT_FRAME_MESSAGE, 0, text, 1);
    g_assert_cmpint(buntime_channel_recv(worlds[i].host, &message, 0), ==, 0);
    g_assert_cmpmem(message.bytes, message.size, text, 1);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(worlds); i++)
    world_clear(&worlds[i]);
}

/* What is read cannot be changed any more. */
static void
test_copies(void)
{
  static const gsize sizes[] = { 5, 3 * CAPACITY };

  for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
    g_autofree char *bytes = g_strnfill(sizes[i], 'g');
    BuntimeMessage message;
    World world;
    gsize done = 0;
    int error = -EAGAIN;

    world_init(&world);
    while (error == -EAGAIN) {
      if (done < sizes[i])
        bt_channel_put(world.worker, BT_FRAME_MESSAGE, 0, bytes, sizes[i], &done);
      bt_channel_flush(world.worker);
      error = buntime_channel_recv(world.host, &message, 0);
    }
    g_assert_cmpint(error, ==, 0);
    memset(world.fixture.maps[BT_SIDE_WORKER].data[BT_SIDE_WORKER], 'x', CAPACITY);
    g_assert_cmpmem(message.bytes, message.size, bytes, sizes[i]);
    world_clear(&world);
  }
}

/* A worker that breaks the protocol is told apart from one that says nothing. */
static void
test_violations(void)
{
  for (int kind = 0; kind < 3; kind++) {
    BuntimeMessage message;
    World world;

    world_init(&world);
    BtRingWords *words = world.worker->mine;
    if (kind == 0) {
      /* More than the ring holds. */
      atomic_store(&words->head, CAPACITY + 1);
    } else if (kind == 1) {
      /* A frame whose length is none. */
      memset(world.fixture.maps[BT_SIDE_WORKER].data[BT_SIDE_WORKER], 0xff, 16);
      atomic_store(&words->head, 16);
    } else {
      /* A type that only the supervisor sends. */
      guint8 frame[BT_FRAME_HEADER_SIZE];
      bt_frame_write_header(frame, BT_FRAME_CODE, false, 1, 0);
      memcpy(world.fixture.maps[BT_SIDE_WORKER].data[BT_SIDE_WORKER], frame, sizeof frame);
      atomic_store(&words->head, sizeof frame);
    }
    g_assert_cmpint(buntime_channel_recv(world.host, &message, 0), ==, -EPROTO);
    g_assert_cmpint(buntime_channel_recv(world.host, &message, 0), ==, -EPROTO);
    world_clear(&world);
  }
}

/* Wakes that nobody asked for. */
static void
test_flood(void)
{
  BuntimeMessage message;
  World world;
  char bytes[64] = { 0 };

  world_init(&world);
  g_assert_cmpint(send(world.fixture.wake_fds[BT_SIDE_WORKER], bytes, sizeof bytes, 0), ==, sizeof bytes);
  g_assert_cmpint(buntime_channel_recv(world.host, &message, 1000), ==, -EPROTO);
  world_clear(&world);
}

/* An event loop that only looks after it was woken: it is told, and does not look for ever. */
static void
test_event_loop(void)
{
  for (int kind = 0; kind < 3; kind++) {
    World world;
    BuntimeMessage message;
    int result = 0;

    world_init(&world);
    int wake = world.fixture.wake_fds[BT_SIDE_WORKER];
    g_assert_cmpint(buntime_channel_prepare(world.host, BUNTIME_WANTS_DATA), ==, 0);
    /* The worker goes; or sends more bytes than the one that may come, at once or one by one. */
    if (kind == 0)
      shutdown(wake, SHUT_RDWR);
    for (int i = 0; i < 2 && result == 0; i++) {
      if (kind != 0)
        g_assert_cmpint(send(wake, "xx", kind == 1 ? 2 : 1, 0), >, 0);
      /* Of its going this would tell by itself. */
      if (kind != 0)
        g_assert_cmpint(buntime_channel_recv(world.host, &message, 0), ==, -EAGAIN);
      result = buntime_channel_prepare(world.host, BUNTIME_WANTS_DATA);
    }
    g_assert_cmpint(result, ==, kind == 0 ? 1 : -EPROTO);
    g_assert_cmpint(buntime_channel_recv(world.host, &message, 0), ==, kind == 0 ? -EPIPE : -EPROTO);
    world_clear(&world);
  }
}

static void
test_not_a_channel(void)
{
  BuntimeChannel *channel;
  int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

  g_assert_cmpint(buntime_channel_open_supervisor(fd, fd, fd, &channel), ==, -EPROTO);
  g_assert_null(channel);
  g_assert_cmpint(buntime_channel_open_supervisor(-1, -1, -1, &channel), ==, -EPROTO);
  close(fd);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/worker-supervisor/messages", test_messages);
  g_test_add_func("/worker-supervisor/several", test_several);
  g_test_add_func("/worker-supervisor/copies", test_copies);
  g_test_add_func("/worker-supervisor/violations", test_violations);
  g_test_add_func("/worker-supervisor/flood", test_flood);
  g_test_add_func("/worker-supervisor/event-loop", test_event_loop);
  g_test_add_func("/worker-supervisor/not-a-channel", test_not_a_channel);
  return g_test_run();
}
