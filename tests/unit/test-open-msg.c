/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "wire/bt-open-msg.h"

static const BtOpenRequest plain = {
  .kind = BT_OPEN_OPEN, .serial = 7, .flags = 0101, .mode = 0644,
  .umask = 022,         .process = 2, .thread = 3,   .path = "/etc/passwd",
};

static gboolean
parses(const BtOpenRequest *request, gsize size)
{
  BtOpenRequest out;
  return bt_open_request_parse(request, size, &out);
}

static void
test_request(void)
{
  gsize size = bt_open_request_size(&plain);
  BtOpenRequest out, request = plain;

  g_assert_cmpuint(size, ==, offsetof(BtOpenRequest, path) + strlen("/etc/passwd") + 1);
  g_assert_true(bt_open_request_parse(&plain, size, &out));
  g_assert_cmpmem(&out, size, &plain, size);
  for (gsize other = 0; other < size + 40; other++)
    g_assert_true(parses(&plain, other) == (other == size));
  /* A path is up to its end and no further. */
  request.path[3] = '\0';
  g_assert_false(parses(&request, size));
  memset(request.path, 'x', sizeof request.path);
  g_assert_false(parses(&request, sizeof request));
  g_assert_false(parses(&request, size));
  request.path[sizeof request.path - 1] = '\0';
  g_assert_true(parses(&request, sizeof request));
}

typedef struct {
  const char *name;
  void (*change)(BtOpenRequest *request);
  gboolean valid;
} Change;

static void kind_0(BtOpenRequest *r) { r->kind = 0; }
static void kind_3(BtOpenRequest *r) { r->kind = 3; }
static void cancel_of_path(BtOpenRequest *r) { r->kind = BT_OPEN_CANCEL; }
static void cancel(BtOpenRequest *r) { *r = (BtOpenRequest){ .kind = BT_OPEN_CANCEL, .serial = 9 }; }
static void odd_umask(BtOpenRequest *r) { r->umask = 01000; }
static void whole_umask(BtOpenRequest *r) { r->umask = 0777; }
static void no_process(BtOpenRequest *r) { r->process = -1; }
static void no_thread(BtOpenRequest *r) { r->thread = -1; }
static void all_flags(BtOpenRequest *r) { r->flags = r->mode = r->serial = G_MAXUINT32; }

static const Change changes[] = {
  { "kind 0", kind_0, FALSE },
  { "kind 3", kind_3, FALSE },
  { "cancel of a path", cancel_of_path, FALSE },
  { "cancel", cancel, TRUE },
  { "odd umask", odd_umask, FALSE },
  { "whole umask", whole_umask, TRUE },
  { "no process", no_process, FALSE },
  { "no thread", no_thread, FALSE },
  { "all flags", all_flags, TRUE }, /* the opener's kernel knows which there are */
};

static void
test_changes(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
    BtOpenRequest request = plain;
    changes[i].change(&request);
    g_test_message("%s", changes[i].name);
    g_assert_true(parses(&request, bt_open_request_size(&request)) == changes[i].valid);
  }
}

static void
test_reply(void)
{
  static const struct {
    BtOpenReply reply;
    gboolean valid;
  } table[] = {
    { { BT_OPEN_DONE, 1, 0 }, TRUE },        { { BT_OPEN_DONE, 1, ENOENT }, TRUE },
    { { BT_OPEN_WAITS, 1, 0 }, TRUE },       { { BT_OPEN_WAITS, 1, ENOENT }, FALSE },
    { { BT_OPEN_FILE, 1, 0 }, TRUE },        { { BT_OPEN_FILE, 1, ENOENT }, FALSE },
    { { 0, 1, 0 }, FALSE },                  { { 4, 1, 0 }, FALSE },
    { { BT_OPEN_DONE, 1, -1 }, FALSE },      { { BT_OPEN_DONE, 1, 4095 }, TRUE },
    { { BT_OPEN_DONE, 1, 4096 }, FALSE },    { { BT_OPEN_DONE, G_MAXUINT32, 0 }, TRUE },
    { { BT_OPEN_DONE, 1, G_MININT32 }, FALSE },
  };
  guint8 bytes[2 * sizeof(BtOpenReply)] = { 0 };
  BtOpenReply out;

  for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
    g_assert_true(bt_open_reply_parse(&table[i].reply, sizeof out, &out) == table[i].valid);
    if (table[i].valid)
      g_assert_cmpmem(&out, sizeof out, &table[i].reply, sizeof out);
  }
  memcpy(bytes, &table[0].reply, sizeof out);
  for (gsize size = 0; size < sizeof bytes; size++)
    g_assert_true(bt_open_reply_parse(bytes, size, &out) == (size == sizeof out));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/open-msg/request", test_request);
  g_test_add_func("/open-msg/changes", test_changes);
  g_test_add_func("/open-msg/reply", test_reply);
  return g_test_run();
}
