/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

#include "channel-fixture.h"

#define SUPERVISOR (&fixture.channels[BT_SIDE_SUPERVISOR])
#define WORKER (&fixture.channels[BT_SIDE_WORKER])

static void
put(BtChannel *channel, guint32 type, guint32 id, const char *text)
{
  gsize done = 0;

  g_assert_cmpint(bt_channel_put(channel, type, id, text, strlen(text), &done), ==, BT_RING_OK);
  g_assert_cmpuint(done, ==, strlen(text));
}

static void
expect(BtChannel *channel, guint32 type, guint32 id, const char *text)
{
  BtFrame frame;

  g_assert_cmpint(bt_channel_peek(channel, &frame), ==, BT_RING_OK);
  g_assert_cmpuint(frame.type, ==, type);
  g_assert_cmpuint(frame.id, ==, id);
  g_assert_false(frame.more);
  g_assert_cmpmem(frame.bytes, frame.size, text, strlen(text));
  bt_channel_release(channel);
}

static int
pending_bytes(const BtChannel *channel)
{
  int size = -1;

  g_assert_cmpint(ioctl(channel->wake_fd, FIONREAD, &size), ==, 0);
  return size;
}

static void
test_both_ways(void)
{
  Fixture fixture;
  BtFrame frame;
  fixture_init(&fixture);

  put(SUPERVISOR, BT_FRAME_CODE, 7, "1 + 1");
  put(SUPERVISOR, BT_FRAME_MESSAGE, 0, "");
  g_assert_cmpint(bt_channel_peek(WORKER, &frame), ==, BT_RING_EMPTY);
  g_assert_cmpint(bt_channel_flush(SUPERVISOR), ==, BT_RING_OK);
  put(WORKER, BT_FRAME_STDOUT, 7, "2\n");
  bt_channel_flush(WORKER);
  expect(WORKER, BT_FRAME_CODE, 7, "1 + 1");
  expect(WORKER, BT_FRAME_MESSAGE, 0, "");
  g_assert_cmpint(bt_channel_peek(WORKER, &frame), ==, BT_RING_EMPTY);
  expect(SUPERVISOR, BT_FRAME_STDOUT, 7, "2\n");
  fixture_clear(&fixture);
}

static void
test_in_place(void)
{
  Fixture fixture;
  guint8 *payload;
  BtFrame frame;
  fixture_init(&fixture);
  guint32 max = bt_channel_max_payload(WORKER);

  g_assert_cmpuint(max, ==, CAPACITY - 9);
  g_assert_cmpint(bt_channel_reserve(WORKER, max + 1, &payload), ==, BT_RING_TOO_LARGE);
  g_assert_cmpint(bt_channel_reserve(WORKER, G_MAXUINT32, &payload), ==, BT_RING_TOO_LARGE);
  for (int i = 0; i < 3; i++) {
    g_assert_cmpint(bt_channel_reserve(WORKER, max, &payload), ==, BT_RING_OK);
    memset(payload, i, max);
    bt_channel_commit(WORKER, BT_FRAME_RESULT, false, 1, i == 1 ? 5 : max);
    bt_channel_flush(WORKER);
    g_assert_cmpint(bt_channel_peek(SUPERVISOR, &frame), ==, BT_RING_OK);
    g_assert_cmpuint(frame.size, ==, i == 1 ? 5 : max);
    g_assert_cmpuint(frame.bytes[frame.size - 1], ==, i);
    bt_channel_release(SUPERVISOR);
    g_assert_cmpint(bt_channel_peek(SUPERVISOR, &frame), ==, BT_RING_EMPTY);
  }
  fixture_clear(&fixture);
}

/* Three times what the ring holds, put together at the other end. */
static void
test_parts(void)
{
  Fixture fixture;
  BtFrame frame;
  BtFrameJoin join;
  BtJoinResult joined = BT_JOIN_PART;
  BtRingResult put_result = BT_RING_FULL;
  gsize size = 3 * CAPACITY + 5, done = 0;
  g_autofree guint8 *message = g_malloc(size), *copy = g_malloc0(size);
  int full = 0;

  fixture_init(&fixture);
  for (gsize i = 0; i < size; i++)
    message[i] = (guint8)(i * 7 + i / 256);
  bt_frame_join_init(&join, size);
  while (joined == BT_JOIN_PART) {
    if (put_result == BT_RING_FULL) {
      put_result = bt_channel_put(WORKER, BT_FRAME_MESSAGE, 9, message, size, &done);
      bt_channel_flush(WORKER);
    }
    full += put_result == BT_RING_FULL;
    g_assert_cmpint(bt_channel_peek(SUPERVISOR, &frame), ==, BT_RING_OK);
    joined = bt_frame_join(&join, &frame);
    g_assert_cmpint(joined, >, BT_JOIN_WHOLE);
    memcpy(copy + join.size - frame.size, frame.bytes, frame.size);
    bt_channel_release(SUPERVISOR);
  }
  g_assert_cmpint(put_result, ==, BT_RING_OK);
  g_assert_cmpint(full, >, 2);
  g_assert_cmpmem(copy, join.size, message, size);
  g_assert_cmpint(bt_channel_peek(SUPERVISOR, &frame), ==, BT_RING_EMPTY);
  fixture_clear(&fixture);
}

static void
test_wakes_who_waits(void)
{
  Fixture fixture;
  fixture_init(&fixture);

  /* Nobody waits: no system call. */
  put(WORKER, BT_FRAME_MESSAGE, 0, "a");
  bt_channel_flush(WORKER);
  g_assert_cmpint(pending_bytes(SUPERVISOR), ==, 0);
  /* There is something already. */
  g_assert_true(bt_channel_arm(SUPERVISOR, BT_WANTS_DATA));
  expect(SUPERVISOR, BT_FRAME_MESSAGE, 0, "a");

  g_assert_false(bt_channel_arm(SUPERVISOR, BT_WANTS_DATA));
  g_assert_false(bt_channel_arm(SUPERVISOR, BT_WANTS_DATA));
  for (int i = 0; i < 3; i++) {
    put(WORKER, BT_FRAME_MESSAGE, 0, "b");
    g_assert_cmpint(pending_bytes(SUPERVISOR), ==, i > 0);
    bt_channel_flush(WORKER);
    g_assert_cmpint(pending_bytes(SUPERVISOR), ==, 1);
  }
  g_assert_cmpint(bt_channel_drain(SUPERVISOR), ==, BT_RING_OK);
  g_assert_cmpint(pending_bytes(SUPERVISOR), ==, 0);
  for (int i = 0; i < 3; i++)
    expect(SUPERVISOR, BT_FRAME_MESSAGE, 0, "b");

  /* Given up. */
  g_assert_false(bt_channel_arm(SUPERVISOR, BT_WANTS_DATA));
  bt_channel_disarm(SUPERVISOR, BT_WANTS_DATA);
  put(WORKER, BT_FRAME_MESSAGE, 0, "c");
  bt_channel_flush(WORKER);
  g_assert_cmpint(pending_bytes(SUPERVISOR), ==, 0);
  g_assert_cmpint(bt_channel_drain(SUPERVISOR), ==, BT_RING_OK);
  fixture_clear(&fixture);
}

/* A writer that waits for room is woken for a quarter, not for a frame. */
static void
test_wakes_for_room(void)
{
  Fixture fixture;
  g_autofree char *text = g_strnfill(991, 'x');
  gsize done = 0;
  guint8 *payload;
  guint frames = 0, released = 0;
  BtFrame frame;
  fixture_init(&fixture);

  while (bt_channel_put(WORKER, BT_FRAME_STDOUT, 0, text, 991, &done) == BT_RING_OK) {
    done = 0;
    frames++;
  }
  g_assert_cmpuint(frames, ==, CAPACITY / 1000);
  g_assert_false(bt_channel_arm(WORKER, BT_WANTS_ROOM));
  while (pending_bytes(WORKER) == 0) {
    expect(SUPERVISOR, BT_FRAME_STDOUT, 0, text);
    released++;
  }
  g_assert_cmpuint(released, ==, CAPACITY / 4 / 1000 + 1);
  g_assert_cmpint(bt_channel_drain(WORKER), ==, BT_RING_OK);
  put(WORKER, BT_FRAME_STDOUT, 0, text);
  bt_channel_flush(WORKER);

  /* One that waits for all of it is told when nothing is left, whatever was told before. */
  g_assert_cmpint(bt_channel_reserve(WORKER, CAPACITY - 9, &payload), ==, BT_RING_FULL);
  int wakes = 0;
  while (!bt_channel_arm(WORKER, BT_WANTS_ROOM)) {
    while (bt_channel_peek(SUPERVISOR, &frame) == BT_RING_OK && pending_bytes(WORKER) == 0)
      bt_channel_release(SUPERVISOR);
    g_assert_cmpint(pending_bytes(WORKER), ==, 1);
    g_assert_cmpint(bt_channel_drain(WORKER), ==, BT_RING_OK);
    wakes++;
  }
  g_assert_cmpint(wakes, <=, 4);
  g_assert_cmpint(bt_channel_reserve(WORKER, CAPACITY - 9, &payload), ==, BT_RING_OK);
  fixture_clear(&fixture);
}

/* Each wake-up must have been asked for. */
static void
test_counts_wake_ups(void)
{
  static const struct {
    guint32 arm, disarm;
    gsize bytes;
    BtRingResult result;
  } cases[] = {
    { 0, 0, 1, BT_RING_VIOLATION },
    { BT_WANTS_DATA, 0, 1, BT_RING_OK },
    { BT_WANTS_DATA, 0, 2, BT_RING_VIOLATION },
    { BT_WANTS_DATA | BT_WANTS_ROOM, 0, 2, BT_RING_OK },
    { BT_WANTS_DATA | BT_WANTS_ROOM, 0, 3, BT_RING_VIOLATION },
    { BT_WANTS_DATA | BT_WANTS_ROOM, BT_WANTS_ROOM, 2, BT_RING_VIOLATION },
    { BT_WANTS_DATA | BT_WANTS_ROOM, BT_WANTS_ROOM, 1, BT_RING_OK },
    { BT_WANTS_DATA, BT_WANTS_DATA, 1, BT_RING_VIOLATION },
    { BT_WANTS_DATA, 0, 1000, BT_RING_VIOLATION },
  };
  static const char bytes[1000];

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    Fixture fixture;
    fixture_init(&fixture);
    SUPERVISOR->room = CAPACITY + 1; /* that is never had */
    if (cases[i].arm != 0)
      g_assert_false(bt_channel_arm(SUPERVISOR, cases[i].arm));
    bt_channel_disarm(SUPERVISOR, cases[i].disarm);
    g_assert_cmpint(send(fixture.wake_fds[1], bytes, cases[i].bytes, 0), ==, cases[i].bytes);
    g_assert_cmpint(bt_channel_drain(SUPERVISOR), ==, cases[i].result);
    fixture_clear(&fixture);
  }
}

static void
test_full_socket(void)
{
  Fixture fixture;
  fixture_init(&fixture);

  while (send(fixture.wake_fds[1], "", 1, MSG_DONTWAIT) == 1)
    ;
  /* A blocking descriptor does not make it wait. */
  g_assert_false(bt_channel_arm(SUPERVISOR, BT_WANTS_DATA));
  put(WORKER, BT_FRAME_MESSAGE, 0, "a");
  g_assert_cmpint(bt_channel_flush(WORKER), ==, BT_RING_OK);
  expect(SUPERVISOR, BT_FRAME_MESSAGE, 0, "a");
  fixture_clear(&fixture);
}

static void
test_peer_is_gone(void)
{
  Fixture fixture;
  fixture_init(&fixture);

  put(WORKER, BT_FRAME_MESSAGE, 0, "last words");
  bt_channel_flush(WORKER);
  shutdown(fixture.wake_fds[1], SHUT_RDWR);
  g_assert_cmpint(bt_channel_drain(SUPERVISOR), ==, BT_RING_CLOSED);
  expect(SUPERVISOR, BT_FRAME_MESSAGE, 0, "last words");
  g_assert_false(bt_channel_arm(WORKER, BT_WANTS_DATA));
  put(SUPERVISOR, BT_FRAME_MESSAGE, 0, "a");
  g_assert_cmpint(bt_channel_flush(SUPERVISOR), ==, BT_RING_CLOSED);
  fixture_clear(&fixture);
}

/* What is wrong in a ring ends the channel, and is not touched again. */
static void
test_violations(void)
{
  static const struct {
    guint32 head, tail;
    guint8 frame[12];
  } cases[] = {
    { CAPACITY + 1, 0, { 5, 0, 0, 0, 0x30 } },
    { G_MAXUINT32, 0, { 5, 0, 0, 0, 0x30 } },
    { 9, 0, { 6, 0, 0, 0, 0x30 } },
    { 8, 0, { 5, 0, 0, 0, 0x30 } },
    { 9, 0, { 4, 0, 0, 0, 0x30 } },
    { 9, 0, { 255, 255, 255, 255, 0x30 } },
    { 9, 0, { 5, 0, 0, 0, BT_FRAME_CODE } },
    { 9, 0, { 5, 0, 0, 0, BT_FRAME_ALLOW } },
    { 9, 0, { 5, 0, 0, 0, 0x66 } },
    { 0, 1, { 0 } },
    { 0, G_MAXUINT32, { 0 } },
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    Fixture fixture;
    BtFrame frame;
    guint8 *payload;
    gsize done = 0;
    fixture_init(&fixture);
    memcpy(fixture.maps[1].data[1], cases[i].frame, sizeof cases[i].frame);
    fixture.maps[1].control->side[1].head = cases[i].head;
    fixture.maps[1].control->side[1].tail = cases[i].tail;
    if (cases[i].tail != 0)
      g_assert_cmpint(bt_channel_reserve(SUPERVISOR, CAPACITY - 9, &payload), ==,
                      BT_RING_OK); /* it need not look */
    g_assert_cmpint(bt_channel_peek(SUPERVISOR, &frame), ==,
                    cases[i].tail != 0 ? BT_RING_EMPTY : BT_RING_VIOLATION);
    if (cases[i].tail != 0) {
      put(SUPERVISOR, BT_FRAME_MESSAGE, 0, "a");
      g_assert_cmpint(bt_channel_reserve(SUPERVISOR, CAPACITY - 9, &payload), ==,
                      BT_RING_VIOLATION);
    }
    BtRingControl before = *fixture.maps[1].control;
    g_assert_cmpint(bt_channel_peek(SUPERVISOR, &frame), ==, BT_RING_VIOLATION);
    g_assert_cmpint(bt_channel_reserve(SUPERVISOR, 1, &payload), ==, BT_RING_VIOLATION);
    g_assert_cmpint(bt_channel_put(SUPERVISOR, BT_FRAME_MESSAGE, 0, "a", 1, &done), ==,
                    BT_RING_VIOLATION);
    g_assert_cmpint(bt_channel_flush(SUPERVISOR), ==, BT_RING_VIOLATION);
    g_assert_true(bt_channel_is_ready(SUPERVISOR, BT_WANTS_DATA));
    g_assert_true(bt_channel_arm(SUPERVISOR, BT_WANTS_DATA | BT_WANTS_ROOM));
    g_assert_true(bt_channel_spin(SUPERVISOR, BT_WANTS_DATA));
    g_assert_cmpint(bt_channel_drain(SUPERVISOR), ==, BT_RING_VIOLATION);
    g_assert_cmpmem(&before, sizeof before, fixture.maps[1].control, sizeof before);
    fixture_clear(&fixture);
  }
}

/* A peer that claims to be busy elsewhere costs ever less. */
static void
test_spins_less(void)
{
  Fixture fixture;
  fixture_init(&fixture);
  BtRingWords *words = &fixture.maps[1].control->side[1];

  words->head_cpu = 100000;
  g_assert_false(bt_channel_spin(SUPERVISOR, BT_WANTS_DATA));
  g_assert_cmpuint(SUPERVISOR->spins, <, BT_CHANNEL_MAX_SPINS);
  for (int i = 0; i < 1000; i++)
    g_assert_false(bt_channel_spin(SUPERVISOR, BT_WANTS_DATA));
  g_assert_cmpuint(SUPERVISOR->spins, ==, 16);
  /* What succeeds makes it try longer. */
  put(WORKER, BT_FRAME_MESSAGE, 0, "a");
  bt_channel_flush(WORKER);
  words->head_cpu = 100000;
  for (int i = 0; i < 10; i++)
    g_assert_true(bt_channel_spin(SUPERVISOR, BT_WANTS_DATA));
  g_assert_cmpuint(SUPERVISOR->spins, ==, BT_CHANNEL_MAX_SPINS);
  fixture_clear(&fixture);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/channel/both-ways", test_both_ways);
  g_test_add_func("/channel/in-place", test_in_place);
  g_test_add_func("/channel/parts", test_parts);
  g_test_add_func("/channel/wakes-who-waits", test_wakes_who_waits);
  g_test_add_func("/channel/wakes-for-room", test_wakes_for_room);
  g_test_add_func("/channel/counts-wake-ups", test_counts_wake_ups);
  g_test_add_func("/channel/full-socket", test_full_socket);
  g_test_add_func("/channel/peer-is-gone", test_peer_is_gone);
  g_test_add_func("/channel/violations", test_violations);
  g_test_add_func("/channel/spins-less", test_spins_less);
  return g_test_run();
}
