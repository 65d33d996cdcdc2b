/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-codes.h"

typedef struct {
  BtCodes codes;
  GBytes *bytes;
} Fixture;

static void
set_up(Fixture *f, gconstpointer unused)
{
  bt_codes_init(&f->codes);
  f->bytes = g_bytes_new_static("1", 1);
}

static void
tear_down(Fixture *f, gconstpointer unused)
{
  bt_codes_clear(&f->codes);
  g_bytes_unref(f->bytes);
}

static void
assert_next(Fixture *f, guint32 expected)
{
  g_autoptr(GBytes) bytes = NULL;
  guint32 id = 0;

  g_assert_true(bt_codes_next(&f->codes, &id, &bytes) == (expected != 0));
  g_assert_cmpuint(id, ==, expected);
}

static void
test_without_interrupts(Fixture *f, gconstpointer unused)
{
  for (guint32 id = 1; id < 4; id++)
    g_assert_cmpint(bt_codes_begin(&f->codes, id, f->bytes), ==, BT_CODE_SEND);
  for (guint32 id = 1; id < 4; id++) {
    g_assert_false(bt_codes_started(&f->codes, id));
    g_assert_false(bt_codes_answered(&f->codes, id));
  }
  assert_next(f, 0);
}

/* The next is sent when the answer is there, and the signal gone. */
static void
test_kept(Fixture *f, gconstpointer unused)
{
  bt_codes_begin(&f->codes, 1, f->bytes);
  bt_codes_started(&f->codes, 1);
  g_assert_cmpint(bt_codes_interrupt(&f->codes, 1), ==, BT_CUT_NOW);
  g_assert_cmpint(bt_codes_begin(&f->codes, 2, f->bytes), ==, BT_CODE_KEPT);
  assert_next(f, 0);
  g_assert_true(bt_codes_answered(&f->codes, 1));
  g_assert_cmpint(bt_codes_begin(&f->codes, 3, f->bytes), ==, BT_CODE_KEPT);
  assert_next(f, 0);
  bt_codes_settled(&f->codes);
  assert_next(f, 2);
  assert_next(f, 3);
  assert_next(f, 0);
  g_assert_cmpint(bt_codes_begin(&f->codes, 4, f->bytes), ==, BT_CODE_SEND);
}

/* Before it runs the message is enough; the signal follows when it does. */
static void
test_early(Fixture *f, gconstpointer unused)
{
  bt_codes_begin(&f->codes, 1, f->bytes);
  g_assert_cmpint(bt_codes_interrupt(&f->codes, 1), ==, BT_CUT_TELL);
  g_assert_cmpint(bt_codes_interrupt(&f->codes, 1), ==, BT_CUT_DONE);
  g_assert_true(bt_codes_started(&f->codes, 1));
  g_assert_true(bt_codes_answered(&f->codes, 1));
  g_assert_false(bt_codes_answered(&f->codes, 1));
}

/* One that is kept and interrupted keeps back those behind it, once it is sent itself. */
static void
test_interrupted_while_kept(Fixture *f, gconstpointer unused)
{
  bt_codes_begin(&f->codes, 1, f->bytes);
  bt_codes_interrupt(&f->codes, 1);
  bt_codes_begin(&f->codes, 2, f->bytes);
  bt_codes_begin(&f->codes, 3, f->bytes);
  g_assert_cmpint(bt_codes_interrupt(&f->codes, 2), ==, BT_CUT_TELL);
  g_assert_true(bt_codes_answered(&f->codes, 1));
  bt_codes_settled(&f->codes);
  assert_next(f, 2);
  assert_next(f, 0);
  g_assert_true(bt_codes_answered(&f->codes, 2));
  bt_codes_settled(&f->codes);
  assert_next(f, 3);
}

static void
test_forgotten(Fixture *f, gconstpointer unused)
{
  bt_codes_begin(&f->codes, 1, f->bytes);
  bt_codes_interrupt(&f->codes, 1);
  bt_codes_begin(&f->codes, 2, f->bytes);
  bt_codes_begin(&f->codes, 3, f->bytes);
  g_assert_false(bt_codes_forget(&f->codes, 1));
  g_assert_true(bt_codes_forget(&f->codes, 2));
  bt_codes_answered(&f->codes, 1);
  bt_codes_settled(&f->codes);
  assert_next(f, 3);
  assert_next(f, 0);
}

/* One that is interrupted and cannot be sent keeps nothing back. */
static void
test_unsent(Fixture *f, gconstpointer unused)
{
  bt_codes_begin(&f->codes, 1, f->bytes);
  bt_codes_interrupt(&f->codes, 1);
  bt_codes_begin(&f->codes, 2, f->bytes);
  bt_codes_begin(&f->codes, 3, f->bytes);
  bt_codes_interrupt(&f->codes, 2);
  bt_codes_answered(&f->codes, 1);
  bt_codes_settled(&f->codes);
  assert_next(f, 2);
  bt_codes_unsent(&f->codes, 2);
  assert_next(f, 3);
  /* Its number may come again. */
  bt_codes_begin(&f->codes, 2, f->bytes);
  g_assert_false(bt_codes_started(&f->codes, 2));
}

/* What a worker that never answers keeps back is bounded. */
static void
test_bound(Fixture *f, gconstpointer unused)
{
  g_autofree char *text = g_malloc0(33u << 20);
  g_autoptr(GBytes) large = g_bytes_new_static(text, 33u << 20);

  bt_codes_begin(&f->codes, 1, f->bytes);
  bt_codes_interrupt(&f->codes, 1);
  g_assert_cmpint(bt_codes_begin(&f->codes, 2, large), ==, BT_CODE_KEPT);
  g_assert_cmpint(bt_codes_begin(&f->codes, 3, large), ==, BT_CODE_FULL);
  bt_codes_forget_all(&f->codes);
  g_assert_cmpint(bt_codes_begin(&f->codes, 4, large), ==, BT_CODE_KEPT);
}

/* Code of no length is bounded, too. */
static void
test_bound_in_number(Fixture *f, gconstpointer unused)
{
  g_autoptr(GBytes) empty = g_bytes_new_static("", 0);
  guint32 id = 2;

  bt_codes_begin(&f->codes, 1, f->bytes);
  bt_codes_interrupt(&f->codes, 1);
  while (id < 1000000 && bt_codes_begin(&f->codes, id, empty) == BT_CODE_KEPT)
    id++;
  g_assert_cmpuint(id, <, 1000000);
}

int
main(int argc, char **argv)
{
  static const struct {
    const char *path;
    void (*func)(Fixture *f, gconstpointer unused);
  } tests[] = {
    { "/codes/without-interrupts", test_without_interrupts },
    { "/codes/kept", test_kept },
    { "/codes/early", test_early },
    { "/codes/interrupted-while-kept", test_interrupted_while_kept },
    { "/codes/forgotten", test_forgotten },
    { "/codes/unsent", test_unsent },
    { "/codes/bound", test_bound },
    { "/codes/bound-in-number", test_bound_in_number },
  };

  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
    g_test_add(tests[i].path, Fixture, NULL, set_up, tests[i].func, tear_down);
  return g_test_run();
}
