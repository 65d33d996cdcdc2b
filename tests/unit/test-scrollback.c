/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The debug UI's scrollback: against a model that keeps everything, with readers that come at any
 * time, and its bound on memory.
 */
#include <string.h>

#include "debug-ui/bt-scrollback.h"
#include "serve/bt-rest.h"

/* ---- tables ---- */

static void
expect(const BtScrollback *scrollback, guint64 *cursor, guint64 skipped, guint tag,
       const char *text)
{
  guint64 missed = 0;
  const char *data;
  gsize size;
  guint found;

  gboolean any = bt_scrollback_next(scrollback, cursor, &missed, &found, &data, &size);
  g_assert_cmpuint(missed, ==, skipped);
  g_assert_cmpint(any, ==, text != NULL);
  if (!any)
    return;
  g_assert_cmpuint(found, ==, tag);
  g_assert_cmpmem(data, size, text, strlen(text));
}

static void
test_bytes(void)
{
  g_autoptr(BtScrollback) self = bt_scrollback_new(BT_SCROLLBACK_BYTES, 1 << 20, G_MAXUINT);
  guint64 first = 0, second = 0;

  expect(self, &first, 0, 0, NULL);
  bt_scrollback_add(self, 1, "one", 3);
  bt_scrollback_add(self, 1, " two", 4);
  expect(self, &first, 0, 1, "one two");
  bt_scrollback_add(self, 1, " three", 6);
  /* What was seen of a piece is not told again. */
  expect(self, &first, 0, 1, " three");
  bt_scrollback_add(self, 2, "err", 3);
  bt_scrollback_add(self, 1, "out", 3);
  expect(self, &first, 0, 2, "err");
  expect(self, &first, 0, 1, "out");
  expect(self, &first, 0, 0, NULL);
  expect(self, &second, 0, 1, "one two three");
  g_assert_cmpuint(bt_scrollback_get_end(self), ==, 19);
}

static void
test_items(void)
{
  g_autoptr(BtScrollback) self = bt_scrollback_new(BT_SCROLLBACK_ITEMS, 1 << 20, 3);
  guint64 cursor = 0, late = 0, gone = 100;

  bt_scrollback_add(self, 0, "a", 1);
  bt_scrollback_add(self, 0, "", 0);
  expect(self, &cursor, 0, 0, "a");
  expect(self, &cursor, 0, 0, "");
  bt_scrollback_skip(self, 2);
  expect(self, &cursor, 2, 0, NULL);
  expect(self, &cursor, 0, 0, NULL);
  bt_scrollback_skip(self, 1);
  bt_scrollback_add(self, 0, "b", 1);
  bt_scrollback_add(self, 0, "c", 1);
  expect(self, &cursor, 1, 0, "b");
  /* At most three are kept. */
  expect(self, &late, 1, 0, "");
  expect(self, &late, 3, 0, "b");
  expect(self, &late, 0, 0, "c");
  expect(self, &late, 0, 0, NULL);
  /* Nobody has such a cursor. */
  expect(self, &gone, 0, 0, NULL);
}

/* A piece ends where a character does, if there are characters. */
static void
test_pieces(void)
{
  g_autoptr(BtScrollback) self = bt_scrollback_new(BT_SCROLLBACK_BYTES, 1 << 24, G_MAXUINT);
  g_autoptr(GString) text = g_string_new("x");
  guint64 cursor = 0, skipped = 0;
  gsize total = 0, size;
  const char *data;
  guint tag;

  while (text->len < 200000)
    g_string_append(text, "€");
  bt_scrollback_add(self, 1, text->str, text->len);
  while (bt_scrollback_next(self, &cursor, &skipped, &tag, &data, &size)) {
    g_assert_true(g_utf8_validate(data, (gssize)size, NULL));
    g_assert_cmpuint(size, <=, BT_SCROLLBACK_PIECE);
    g_assert_cmpmem(data, size, text->str + total, size);
    total += size;
  }
  g_assert_cmpuint(total, ==, text->len);
  g_string_assign(text, "");
  while (text->len < 50000)
    g_string_append_c(text, (char)0x80);
  bt_scrollback_add(self, 1, text->str, text->len);
  for (total = 0; bt_scrollback_next(self, &cursor, &skipped, &tag, &data, &size); total += size)
    g_assert_cmpuint(size, <=, BT_SCROLLBACK_PIECE);
  g_assert_cmpuint(total, ==, text->len);
  g_assert_cmpuint(skipped, ==, 0);
}

/* ---- against a model ---- */

#define BOUND (64u << 10)
#define READERS 4

typedef struct {
  guint64 cursor, seen, skipped;
} Reader;

/* Everything that was ever added: a byte, and its tag. */
static void
read_some(const BtScrollback *self, Reader *reader, const GByteArray *bytes,
          const GByteArray *tags, guint pieces)
{
  const char *data;
  guint tag;
  gsize size;

  for (guint i = 0; i < pieces; i++) {
    guint64 skipped = 0, before = reader->cursor;
    gboolean any = bt_scrollback_next(self, &reader->cursor, &skipped, &tag, &data, &size);
    reader->skipped += skipped;
    if (!any) {
      g_assert_cmpuint(reader->cursor, ==, bytes->len);
      return;
    }
    g_assert_cmpuint(reader->cursor, ==, before + skipped + size);
    g_assert_cmpmem(data, size, bytes->data + before + skipped, size);
    for (gsize at = 0; at < size; at++)
      g_assert_cmpuint(tags->data[before + skipped + at], ==, tag);
    reader->seen += size;
  }
}

static void
test_model(void)
{
  g_autoptr(BtScrollback) self = bt_scrollback_new(BT_SCROLLBACK_BYTES, BOUND, G_MAXUINT);
  g_autoptr(GByteArray) bytes = g_byte_array_new(), tags = g_byte_array_new();
  g_autofree guint8 *block = g_malloc(40000);
  Reader readers[READERS] = { { 0 } };

  for (guint round = 0; round < 4000; round++) {
    gboolean large = g_test_rand_int_range(0, 20) == 0;
    guint size = (guint)g_test_rand_int_range(1, large ? 40000 : 40);
    guint8 tag = (guint8)g_test_rand_int_range(1, 3);
    for (guint i = 0; i < size; i++)
      block[i] = (guint8)g_test_rand_int_range(0, 256);
    bt_scrollback_add(self, tag, block, size);
    g_byte_array_append(bytes, block, size);
    memset(block, tag, size);
    g_byte_array_append(tags, block, size);
    g_assert_cmpuint(bt_scrollback_get_size(self), <=, BOUND + BT_SCROLLBACK_PIECE * 2);
    guint reader = (guint)g_test_rand_int_range(0, READERS * 3);
    if (reader < READERS)
      read_some(self, &readers[reader], bytes, tags, (guint)g_test_rand_int_range(1, 9));
  }
  for (guint i = 0; i < READERS; i++) {
    read_some(self, &readers[i], bytes, tags, G_MAXUINT);
    g_assert_cmpuint(readers[i].seen + readers[i].skipped, ==, bytes->len);
  }
}

/* Single bytes of two streams in turn: an entry each. */
static void
test_cost(void)
{
  g_autoptr(BtScrollback) self = bt_scrollback_new(BT_SCROLLBACK_BYTES, BOUND, G_MAXUINT);
  guint64 cursor = 0, skipped = 0;
  const char *data;
  guint tag;
  gsize size, pieces = 0;

  for (guint i = 0; i < 100000; i++)
    bt_scrollback_add(self, 1 + i % 2, "x", 1);
  g_assert_cmpuint(bt_scrollback_get_size(self), <=, BOUND);
  while (bt_scrollback_next(self, &cursor, &skipped, &tag, &data, &size))
    pieces++;
  g_assert_cmpuint(pieces, >, 100);
  g_assert_cmpuint(pieces, <, BOUND / 16);
  g_assert_cmpuint(pieces + skipped, ==, 100000);
}

/* ---- characters in parts ---- */

static const struct {
  const char *parts[4];
  const char *shown[4]; /* after each; what is left at the end is `rest` bytes */
  gsize rest;
} rests[] = {
  { { "abc" }, { "abc" }, 0 },
  { { "a\xe2", "\x82", "\xac" }, { "a", "", "€" }, 0 },
  { { "\xf0\x9f\x98", "\x80x" }, { "", "😀x" }, 0 },
  { { "\xe2", "x" }, { "", "\xe2x" }, 0 },
  { { "\xff", "\xc3" }, { "\xff", "" }, 1 },
  { { "\x80\x80\x80\x80", "\xf5" }, { "\x80\x80\x80\x80", "\xf5" }, 0 },
  { { "\xf4\x8f", "\xbf\xbf\xf4" }, { "", "\xf4\x8f\xbf\xbf" }, 1 },
};

static void
test_rest(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(rests); i++) {
    BtRest rest = { .count = 0 };
    for (guint part = 0; part < 4 && rests[i].parts[part] != NULL; part++) {
      g_autoptr(GByteArray) joined = NULL;
      gsize size = strlen(rests[i].parts[part]);
      const guint8 *data =
        bt_rest_add(&rest, (const guint8 *)rests[i].parts[part], &size, &joined);
      g_assert_cmpmem(data, size, rests[i].shown[part], strlen(rests[i].shown[part]));
    }
    g_assert_cmpuint(rest.count, ==, rests[i].rest);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/scrollback/bytes", test_bytes);
  g_test_add_func("/scrollback/items", test_items);
  g_test_add_func("/scrollback/pieces", test_pieces);
  g_test_add_func("/scrollback/model", test_model);
  g_test_add_func("/scrollback/cost", test_cost);
  g_test_add_func("/scrollback/rest", test_rest);
  return g_test_run();
}
