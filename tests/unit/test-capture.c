/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a capture file holds, and what becomes of frames that it does not take. */
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "net/bt-capture.h"
#include "wire/bt-pcap.h"

#define T0 ((gint64)1700000000 * G_USEC_PER_SEC + 42)

static void
on_lost(gpointer data)
{
  ++*(guint *)data;
}

static void
open_pipe(int fds[2])
{
  g_assert_cmpint(pipe2(fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
}

/* Reads what is there; a record may come in parts. */
static void
take(int fd, GByteArray *all)
{
  guint8 part[65536];
  gssize got;

  while ((got = read(fd, part, sizeof part)) > 0)
    g_byte_array_append(all, part, (guint)got);
}

/* Each must be whole, and hold a frame of its size. */
static guint
count_records(const GByteArray *all)
{
  guint count = 0;

  for (gsize at = 0; at < all->len; count++) {
    BtPcapRecord record;
    g_assert_cmpuint(all->len - at, >=, sizeof record);
    memcpy(&record, all->data + at, sizeof record);
    g_assert_cmpuint(record.size, ==, record.full_size);
    g_assert_cmpuint(record.size, <=, all->len - at - sizeof record);
    g_assert_cmpuint(all->data[at + sizeof record], ==, record.size & 0xff);
    at += sizeof record + record.size;
  }
  return count;
}

static void
add(BtCapture *capture, gsize size)
{
  g_autofree guint8 *frame = g_malloc(size);
  memset(frame, (int)(size & 0xff), size);
  bt_capture_add(capture, frame, size, T0);
}

static void
test_records(void)
{
  guint8 bytes[64];
  guint lost = 0;
  int fds[2];

  open_pipe(fds);
  BtCapture *capture = bt_capture_new(fds[1], BT_CAPTURE_MAX, on_lost, &lost);
  bt_capture_add(capture, (const guint8 *)"abc", 3, T0);
  g_assert_cmpint(read(fds[0], bytes, sizeof bytes), ==, -1); /* together with others, later */
  bt_capture_free(capture);
  g_assert_cmpint(read(fds[0], bytes, sizeof bytes), ==, 19);
  BtPcapRecord record;
  memcpy(&record, bytes, sizeof record);
  g_assert_cmpuint(record.seconds, ==, 1700000000);
  g_assert_cmpuint(record.microseconds, ==, 42);
  g_assert_cmpuint(record.size, ==, 3);
  g_assert_cmpuint(record.full_size, ==, 3);
  g_assert_cmpmem(bytes + sizeof record, 3, "abc", 3);
  g_assert_cmpuint(lost, ==, 0);
  close(fds[0]);
}

/* Nobody reads: the buffer is all that is taken, whole records are left out and told. */
static void
test_slow_reader(void)
{
  g_autoptr(GByteArray) all = g_byte_array_new();
  guint lost = 0;
  int fds[2];

  open_pipe(fds);
  BtCapture *capture = bt_capture_new(fds[1], BT_CAPTURE_MAX, on_lost, &lost);
  for (guint i = 0; i < 3000; i++)
    add(capture, 1000 + i % 500);
  g_assert_cmpuint(lost, >, 1000);
  g_assert_cmpuint(lost, <, 2800);
  /* Once it reads, what waits is written, and new ones find room. */
  guint before = lost;
  for (guint i = 0; i < 100; i++) {
    take(fds[0], all);
    g_main_context_iteration(NULL, FALSE);
  }
  add(capture, 2000);
  g_assert_cmpuint(lost, ==, before);
  bt_capture_free(capture);
  take(fds[0], all);
  g_assert_cmpuint(count_records(all), ==, 3000 - lost + 1);
  close(fds[0]);
}

static void
test_bounded(void)
{
  g_autoptr(GByteArray) all = g_byte_array_new();
  guint lost = 0;
  int fds[2];

  open_pipe(fds);
  BtCapture *capture = bt_capture_new(fds[1], 2 * (16 + 100), on_lost, &lost);
  for (guint i = 0; i < 3; i++)
    add(capture, 100);
  add(capture, 1);
  g_assert_cmpuint(lost, ==, 2);
  bt_capture_free(capture);
  take(fds[0], all);
  g_assert_cmpuint(count_records(all), ==, 2);
  close(fds[0]);
}

static void
test_reader_gone(void)
{
  guint lost = 0;
  int fds[2];

  open_pipe(fds);
  close(fds[0]);
  BtCapture *capture = bt_capture_new(fds[1], BT_CAPTURE_MAX, on_lost, &lost);
  for (guint i = 0; i < 300; i++)
    add(capture, 1000);
  g_assert_cmpuint(lost, >, 0);
  bt_capture_free(capture);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  signal(SIGPIPE, SIG_IGN);
  g_test_add_func("/capture/records", test_records);
  g_test_add_func("/capture/slow-reader", test_slow_reader);
  g_test_add_func("/capture/bounded", test_bounded);
  g_test_add_func("/capture/reader-gone", test_reader_gone);
  return g_test_run();
}
