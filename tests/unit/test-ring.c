/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "channel-fixture.h"

static void
test_geometry(void)
{
  static const struct {
    guint64 size;
    guint32 capacity;
  } cases[] = {
    { 0, 0 },
    { 131071, 0 },
    { 131072, 65536 },
    { 262143, 65536 },
    { 262144, 131072 },
    { 1 << 20, 1 << 19 },
    { 3 << 20, 1 << 20 },
    { 2147483647, 1 << 29 },
    { 2147483648, 1 << 30 },
    { G_MAXUINT64, 1 << 30 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    guint32 capacity = bt_ring_capacity_for(cases[i].size);
    g_assert_cmpuint(capacity, ==, cases[i].capacity);
    g_assert_true(bt_ring_capacity_is_valid(capacity) == (capacity != 0));
  }
  g_assert_false(bt_ring_capacity_is_valid(65536 + 4096));
  g_assert_false(bt_ring_capacity_is_valid(32768));
  g_assert_false(bt_ring_capacity_is_valid(G_GUINT64_CONSTANT(1) << 32));
  g_assert_cmpuint(bt_ring_file_size(1 << 30), ==, G_GUINT64_CONSTANT(2147483648) + 65536);
}

/* Sizes that share no factor with the capacity: every place is the start of something. */
static void
test_goes_around(void)
{
  Fixture fixture;
  fixture_init(&fixture);
  BtRingWriter *writer = &fixture.channels[0].out;
  BtRingReader *reader = &fixture.channels[1].in;

  for (guint i = 0; i < 1000; i++) {
    guint32 size = 1 + i * 7919 % CAPACITY, got;
    guint8 *bytes;
    const guint8 *seen;
    g_assert_cmpint(bt_ring_writer_reserve(writer, size, &bytes), ==, BT_RING_OK);
    memset(bytes, i, size);
    bytes[0] = 1;
    bytes[size - 1] = 2;
    bt_ring_writer_commit(writer, size);
    g_assert_cmpint(bt_ring_reader_peek(reader, &seen, &got), ==, BT_RING_EMPTY);
    bt_ring_writer_publish(writer, 0);
    g_assert_cmpint(bt_ring_reader_peek(reader, &seen, &got), ==, BT_RING_OK);
    g_assert_cmpuint(got, ==, size);
    g_assert_cmpuint(seen[size - 1], ==, 2);
    g_assert_cmpuint(seen[0], ==, size == 1 ? 2 : 1);
    for (guint32 j = 1; j + 1 < size; j += 1 + size / 64)
      g_assert_cmpuint(seen[j], ==, i % 256);
    bt_ring_reader_release(reader, size);
    bt_ring_reader_publish(reader, 0);
  }
  fixture_clear(&fixture);
}

static void
test_full(void)
{
  Fixture fixture;
  fixture_init(&fixture);
  BtRingWriter *writer = &fixture.channels[0].out;
  BtRingReader *reader = &fixture.channels[1].in;
  guint8 *bytes;
  const guint8 *seen;
  guint32 size;

  g_assert_cmpint(bt_ring_writer_reserve(writer, CAPACITY + 1, &bytes), ==, BT_RING_TOO_LARGE);
  g_assert_cmpint(bt_ring_writer_reserve(writer, G_MAXUINT32, &bytes), ==, BT_RING_TOO_LARGE);
  g_assert_cmpint(bt_ring_writer_reserve(writer, CAPACITY, &bytes), ==, BT_RING_OK);
  bt_ring_writer_commit(writer, CAPACITY);
  g_assert_cmpint(bt_ring_writer_reserve(writer, 1, &bytes), ==, BT_RING_FULL);
  bt_ring_writer_publish(writer, 0);
  g_assert_cmpint(bt_ring_reader_peek(reader, &seen, &size), ==, BT_RING_OK);
  g_assert_cmpuint(size, ==, CAPACITY);
  bt_ring_reader_release(reader, 10);
  g_assert_cmpint(bt_ring_writer_reserve(writer, 1, &bytes), ==, BT_RING_FULL);
  bt_ring_reader_publish(reader, 0);
  g_assert_cmpint(bt_ring_writer_reserve(writer, 11, &bytes), ==, BT_RING_FULL);
  g_assert_cmpint(bt_ring_writer_reserve(writer, 10, &bytes), ==, BT_RING_OK);
  fixture_clear(&fixture);
}

/* The indices go around at 2^32 too. */
static void
test_index_wraps(void)
{
  Fixture fixture;
  fixture_init(&fixture);
  BtRingWriter *writer = &fixture.channels[0].out;
  BtRingReader *reader = &fixture.channels[1].in;
  guint8 *bytes;
  const guint8 *seen;
  guint32 size;

  for (guint64 sum = 0; sum < (G_GUINT64_CONSTANT(5) << 30); sum += 60000) {
    g_assert_cmpint(bt_ring_writer_reserve(writer, 60000, &bytes), ==, BT_RING_OK);
    bytes[59999] = (guint8)sum;
    bt_ring_writer_commit(writer, 60000);
    bt_ring_writer_publish(writer, 0);
    g_assert_cmpint(bt_ring_reader_peek(reader, &seen, &size), ==, BT_RING_OK);
    g_assert_cmpuint(size, ==, 60000);
    g_assert_cmpuint(seen[59999], ==, (guint8)sum);
    bt_ring_reader_release(reader, 60000);
    bt_ring_reader_publish(reader, 0);
  }
  fixture_clear(&fixture);
}

/* What a peer may say with its indices when 100 bytes are in the ring, 40 of them released. */
static void
test_indices_are_checked(void)
{
  static const struct {
    guint32 head;
    BtRingResult read;
    guint32 to_read;
    guint32 tail;
    BtRingResult write;
    guint32 written;
  } cases[] = {
    { 100, BT_RING_EMPTY, 0, 0, BT_RING_FULL, 100 },
    { 101, BT_RING_OK, 1, 1, BT_RING_FULL, 99 },
    { 40 + CAPACITY, BT_RING_OK, CAPACITY - 60, 100, BT_RING_OK, 0 },
    { 41 + CAPACITY, BT_RING_VIOLATION, 0, 101, BT_RING_VIOLATION, 100 },
    { 99, BT_RING_VIOLATION, 0, G_MAXUINT32, BT_RING_VIOLATION, 100 },
    { 0, BT_RING_VIOLATION, 0, CAPACITY, BT_RING_VIOLATION, 100 },
    { G_MAXUINT32, BT_RING_VIOLATION, 0, 1u << 31, BT_RING_VIOLATION, 100 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    Fixture fixture;
    fixture_init(&fixture);
    BtRingReader *reader = &fixture.channels[0].in;
    BtRingWriter *writer = &fixture.channels[0].out;
    BtRingWords *words = &fixture.maps[1].control->side[1];
    const guint8 *seen;
    guint8 *bytes;
    guint32 size;

    words->head = 100;
    g_assert_cmpint(bt_ring_reader_peek(reader, &seen, &size), ==, BT_RING_OK);
    bt_ring_reader_release(reader, 40);
    bt_ring_reader_publish(reader, 0);
    bt_ring_reader_release(reader, 60);
    words->head = cases[i].head;
    g_assert_cmpuint(bt_ring_reader_get_used(reader), ==, cases[i].to_read);
    g_assert_cmpint(bt_ring_reader_peek(reader, &seen, &size), ==, cases[i].read);

    g_assert_cmpint(bt_ring_writer_reserve(writer, 100, &bytes), ==, BT_RING_OK);
    bt_ring_writer_commit(writer, 100);
    bt_ring_writer_publish(writer, 0);
    words->tail = cases[i].tail;
    g_assert_cmpuint(bt_ring_writer_get_used(writer), ==, cases[i].written);
    g_assert_cmpint(bt_ring_writer_reserve(writer, CAPACITY, &bytes), ==, cases[i].write);
    fixture_clear(&fixture);
  }
}

static void
test_frame_parse(void)
{
  static const struct {
    guint8 bytes[12];
    guint32 size;
    BtRingResult result;
    guint32 payload;
  } cases[] = {
    { { 5, 0, 0, 0, 0x30, 1, 0, 0, 0 }, 9, BT_RING_OK, 0 },
    { { 8, 0, 0, 0, 0x30, 1, 0, 0, 0, 7, 7, 7 }, 12, BT_RING_OK, 3 },
    { { 6, 0, 0, 0, 0xb0, 1, 0, 0, 0, 7, 7, 7 }, 12, BT_RING_OK, 1 },
    { { 5, 0, 0, 0, 0x30, 1, 0, 0, 0 }, 8, BT_RING_VIOLATION, 0 },
    { { 5, 0, 0, 0, 0x30, 1, 0, 0, 0 }, 1, BT_RING_VIOLATION, 0 },
    { { 4, 0, 0, 0, 0x30, 1, 0, 0, 0 }, 9, BT_RING_VIOLATION, 0 },
    { { 0, 0, 0, 0, 0x30, 1, 0, 0, 0 }, 9, BT_RING_VIOLATION, 0 },
    { { 9, 0, 0, 0, 0x30, 1, 0, 0, 0, 7, 7, 7 }, 12, BT_RING_VIOLATION, 0 },
    { { 0, 0, 0, 0x40, 0x30, 1, 0, 0, 0, 7, 7, 7 }, 12, BT_RING_VIOLATION, 0 },
    { { 255, 255, 255, 255, 0x30, 1, 0, 0, 0, 7, 7, 7 }, 12, BT_RING_VIOLATION, 0 },
    { { 252, 255, 255, 255, 0x30, 1, 0, 0, 0, 7, 7, 7 }, 12, BT_RING_VIOLATION, 0 },
    /* a part without a payload; types that do not exist */
    { { 5, 0, 0, 0, 0xb0, 1, 0, 0, 0 }, 9, BT_RING_VIOLATION, 0 },
    { { 5, 0, 0, 0, 0x0a, 1, 0, 0, 0 }, 9, BT_RING_VIOLATION, 0 },
    { { 5, 0, 0, 0, 0x70, 1, 0, 0, 0 }, 9, BT_RING_VIOLATION, 0 },
    { { 5, 0, 0, 0, 0x7f, 1, 0, 0, 0 }, 9, BT_RING_VIOLATION, 0 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree guint8 *bytes = g_memdup2(cases[i].bytes, cases[i].size);
    BtFrame frame;
    g_assert_cmpint(bt_frame_parse(bytes, cases[i].size, &frame), ==, cases[i].result);
    if (cases[i].result != BT_RING_OK)
      continue;
    g_assert_cmpuint(frame.type, ==, BT_FRAME_MESSAGE);
    g_assert_cmpuint(frame.id, ==, 1);
    g_assert_cmpuint(frame.size, ==, cases[i].payload);
    g_assert_true(frame.more == (bytes[4] == 0xb0));
    g_assert_true(frame.bytes == bytes + 9);
  }
}

static void
test_frame_header(void)
{
  guint8 bytes[9];

  bt_frame_write_header(bytes, BT_FRAME_REPLY, true, 0xa1b2c3d4, 0x01020304);
  g_assert_cmpmem(bytes, 9, "\x09\x03\x02\x01\xb2\xd4\xc3\xb2\xa1", 9);
  bt_frame_write_header(bytes, BT_FRAME_STDOUT, false, 0, 0);
  g_assert_cmpmem(bytes, 9, "\x05\0\0\0\0\0\0\0\0", 9);
}

static void
test_types(void)
{
  static const char *const both[] = { "MESSAGE", "REQUEST", "REPLY", "ERROR" };
  static const char *const supervisors[] = { "ALLOW", "DENY", "WARN", "CODE" };
  guint known = 0;

  for (guint type = 0; type < 300; type++) {
    const char *name = bt_frame_type_name(type);
    gboolean is_both = FALSE, is_supervisors = FALSE;
    for (gsize i = 0; name != NULL && i < 4; i++) {
      is_both |= g_str_equal(name, both[i]);
      is_supervisors |= g_str_equal(name, supervisors[i]);
    }
    known += name != NULL;
    g_assert_true(bt_frame_type_is_from(type, BT_SIDE_SUPERVISOR) == (is_both || is_supervisors));
    g_assert_true(bt_frame_type_is_from(type, BT_SIDE_WORKER) ==
                  (name != NULL && !is_supervisors));
  }
  g_assert_cmpuint(known, ==, 19);
  g_assert_null(bt_frame_type_name(G_MAXUINT32));
}

static void
test_join(void)
{
  static const struct {
    BtFrame frame;
    BtJoinResult result;
    gsize size;
  } cases[] = {
    { { BT_FRAME_MESSAGE, false, 1, 0 }, BT_JOIN_WHOLE, 0 },
    { { BT_FRAME_MESSAGE, false, 1, 100 }, BT_JOIN_WHOLE, 100 },
    { { BT_FRAME_MESSAGE, true, 1, 60 }, BT_JOIN_PART, 60 },
    { { BT_FRAME_MESSAGE, true, 1, 39 }, BT_JOIN_PART, 99 },
    { { BT_FRAME_MESSAGE, false, 1, 1 }, BT_JOIN_LAST, 100 },
    { { BT_FRAME_REPLY, true, 7, 1 }, BT_JOIN_PART, 1 },
    { { BT_FRAME_REPLY, false, 7, 0 }, BT_JOIN_LAST, 1 },
    { { BT_FRAME_MESSAGE, false, 1, 101 }, BT_JOIN_VIOLATION, 0 },
  };
  /* What may not follow a part of 60 bytes of MESSAGE 1, where 100 are allowed. */
  static const BtFrame wrong[] = {
    { BT_FRAME_REPLY, false, 1, 1 },
    { BT_FRAME_MESSAGE, false, 2, 1 },
    { BT_FRAME_MESSAGE, false, 1, 41 },
    { BT_FRAME_MESSAGE, true, 1, G_MAXUINT32 },
  };
  BtFrameJoin join;

  bt_frame_join_init(&join, 100);
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_assert_cmpint(bt_frame_join(&join, &cases[i].frame), ==, cases[i].result);
    if (cases[i].result != BT_JOIN_VIOLATION)
      g_assert_cmpuint(join.size, ==, cases[i].size);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
    bt_frame_join_init(&join, 100);
    g_assert_cmpint(bt_frame_join(&join, &cases[2].frame), ==, BT_JOIN_PART);
    g_assert_cmpint(bt_frame_join(&join, &wrong[i]), ==, BT_JOIN_VIOLATION);
  }
  /* A bound that came down while there was more of a message than that. */
  bt_frame_join_init(&join, 100);
  g_assert_cmpint(bt_frame_join(&join, &cases[2].frame), ==, BT_JOIN_PART);
  join.max = join.size - 1;
  g_assert_cmpint(bt_frame_join(&join, &cases[2].frame), ==, BT_JOIN_VIOLATION);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/ring/geometry", test_geometry);
  g_test_add_func("/ring/goes-around", test_goes_around);
  g_test_add_func("/ring/full", test_full);
  g_test_add_func("/ring/index-wraps", test_index_wraps);
  g_test_add_func("/ring/indices-are-checked", test_indices_are_checked);
  g_test_add_func("/frame/parse", test_frame_parse);
  g_test_add_func("/frame/header", test_frame_header);
  g_test_add_func("/frame/types", test_types);
  g_test_add_func("/frame/join", test_join);
  return g_test_run();
}
