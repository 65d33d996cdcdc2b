/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "lib/bt-explain.h"

static BtEvent *
make_event(const char *object, const char *program)
{
  const BtOrigin origin = { (char *)"built-in", 0, (char *)"defaults.net = deny" };
  BtEvent *event = bt_event_new(BT_EVENT_NET, BT_ACTION_DENY);
  event->object = g_strdup(object);
  event->program = g_strdup(program);
  event->pid = 7;
  bt_event_set_rule(event, &origin);
  return event;
}

typedef struct {
  int read_fd, write_fd;
  BtExplainer *explainer;
} Fixture;

static void
set_up(Fixture *fixture, gboolean quiet)
{
  int fds[2];
  g_assert_true(g_unix_open_pipe(fds, FD_CLOEXEC, NULL));
  fixture->read_fd = fds[0];
  fixture->write_fd = fds[1];
  fixture->explainer = bt_explainer_new(fds[1], quiet);
}

/* Ends the explainer; all that it wrote, up to one pipe. */
static char *
finish(Fixture *fixture)
{
  static char buffer[1 << 17];
  gsize have = 0;
  gssize got;

  g_clear_pointer(&fixture->explainer, bt_explainer_free);
  close(fixture->write_fd);
  while ((got = read(fixture->read_fd, buffer + have, sizeof buffer - 1 - have)) > 0)
    have += got;
  close(fixture->read_fd);
  return g_strndup(buffer, have);
}

static guint
count(const char *text, const char *word)
{
  guint n = 0;
  for (const char *p = text; (p = strstr(p, word)) != NULL; p += strlen(word))
    n++;
  return n;
}

static void
test_shown_at_once(void)
{
  Fixture fixture;
  char buffer[1024] = "";

  set_up(&fixture, FALSE);
  bt_explainer_add(fixture.explainer, make_event("a:1 (tcp)", "p"));
  g_assert_cmpint(read(fixture.read_fd, buffer, sizeof buffer - 1), >, 0);
  g_assert_nonnull(strstr(buffer, "denied net a:1 (tcp) by p[7]\n"));
  g_autofree char *rest = finish(&fixture);
  g_assert_cmpstr(rest, ==, "");
}

/* A path may be longer than what is written at once; the next text starts its own line. */
static void
test_cut_ends_its_line(void)
{
  static const char *const letters[] = { "a", "ä", "☃" };

  for (gsize i = 0; i < G_N_ELEMENTS(letters); i++) {
    Fixture fixture;
    g_autoptr(GString) object = g_string_new("/");
    while (object->len < 5000)
      g_string_append(object, letters[i]);
    set_up(&fixture, FALSE);
    bt_explainer_add(fixture.explainer, make_event(object->str, "p"));
    bt_explainer_note(fixture.explainer, "next");
    g_autofree char *text = finish(&fixture);
    g_assert_true(g_str_has_suffix(text, "…\nbuntime: next\n"));
    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_cmpuint(strlen(text), <=, 4096 + strlen("buntime: next\n"));
    g_assert_cmpuint(strlen(text), >, 4000);
  }
}

static void
test_grouped(void)
{
  Fixture fixture;

  set_up(&fixture, FALSE);
  for (int i = 0; i < 100; i++)
    bt_explainer_add(fixture.explainer, make_event("a:1 (tcp)", "p"));
  bt_explainer_add(fixture.explainer, make_event("a:1 (tcp)", "q"));
  g_autofree char *text = finish(&fixture);
  /* Once by p, once by q, and once more for the other 99. */
  g_assert_cmpuint(count(text, "denied net a:1"), ==, 3);
  g_assert_nonnull(strstr(text, "denied net a:1 (tcp) by p[7], 99 times more\n"));
  g_assert_cmpuint(count(text, "rule:"), ==, 2);
}

/* A program calls itself as it likes, and files so, too: no two things become one by that. */
static void
test_names_that_run_together(void)
{
  Fixture fixture;

  set_up(&fixture, FALSE);
  bt_explainer_add(fixture.explainer, make_event("/data/a", "key:p"));
  bt_explainer_add(fixture.explainer, make_event("/data/a:key", "p"));
  g_autofree char *text = finish(&fixture);
  g_assert_cmpuint(count(text, "rule:"), ==, 2);
  g_assert_cmpuint(count(text, "/data/a:key by p"), ==, 1);
}

/* What may have been evaded is not counted as what was so. */
static void
test_observed_apart(void)
{
  Fixture fixture;

  set_up(&fixture, FALSE);
  for (int i = 0; i < 10; i++) {
    BtEvent *event = make_event("a:1 (tcp)", "p");
    event->observed = i % 2 == 0;
    bt_explainer_add(fixture.explainer, event);
  }
  g_autofree char *text = finish(&fixture);
  g_assert_cmpuint(count(text, "denied net a:1"), ==, 4);
  g_assert_cmpuint(count(text, ", 4 times more\n"), ==, 2);
}

static void
test_bounded(void)
{
  Fixture fixture;

  set_up(&fixture, FALSE);
  for (int i = 0; i < 10000; i++) {
    g_autofree char *object = g_strdup_printf("host%d:1 (tcp)", i);
    bt_explainer_add(fixture.explainer, make_event(object, "p"));
  }
  g_autofree char *text = finish(&fixture);
  guint shown = count(text, "denied net");
  g_assert_cmpuint(shown, >=, 40);
  g_assert_cmpuint(shown, <=, 45);
  g_autofree char *rest = g_strdup_printf("%u more refusals were not shown", 10000 - shown);
  g_assert_nonnull(strstr(text, rest));
}

static void
test_quiet(void)
{
  Fixture fixture;

  set_up(&fixture, TRUE);
  bt_explainer_add(fixture.explainer, make_event("a:1 (tcp)", "p"));
  bt_explainer_note(fixture.explainer, "hello");
  g_autofree char *text = finish(&fixture);
  g_assert_cmpstr(text, ==, "");
}

/* The worker's words cannot steer a terminal, nor make up a line of ours. */
static void
test_hostile_text(void)
{
  Fixture fixture;

  set_up(&fixture, FALSE);
  bt_explainer_add(fixture.explainer, make_event("\033[2Ja\nbuntime: all is well", "\r\033]0;x\007"));
  g_autofree char *text = finish(&fixture);
  g_assert_null(strchr(text, '\033'));
  g_assert_null(strchr(text, '\r'));
  g_assert_null(strstr(text, "\nbuntime: all is well"));
  g_assert_nonnull(strstr(text, "all is well"));
}

/* A full pipe that nobody reads must not stop the supervisor. */
static void
test_never_blocks(void)
{
  Fixture fixture;
  char block[4096] = "";

  set_up(&fixture, FALSE);
  g_assert_cmpint(fcntl(fixture.write_fd, F_SETPIPE_SZ, 4096), >, 0);
  g_assert_cmpint(write(fixture.write_fd, block, sizeof block), ==, sizeof block);
  alarm(10);
  for (int i = 0; i < 10; i++) {
    g_autofree char *object = g_strdup_printf("host%d:1 (tcp)", i);
    bt_explainer_add(fixture.explainer, make_event(object, "p"));
  }
  alarm(0);
  /* When there is room again, what was cut is told. */
  g_assert_cmpint(read(fixture.read_fd, block, sizeof block), ==, sizeof block);
  g_autofree char *text = finish(&fixture);
  g_assert_nonnull(strstr(text, "10 more refusals were not shown"));
}

/* By default SIGPIPE would end the program. */
static void
test_closed_end(void)
{
  Fixture fixture;

  set_up(&fixture, FALSE);
  close(fixture.read_fd);
  bt_explainer_add(fixture.explainer, make_event("a:1 (tcp)", "p"));
  bt_explainer_note(fixture.explainer, "hello");
  bt_explainer_free(fixture.explainer);
  close(fixture.write_fd);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/explain/at-once", test_shown_at_once);
  g_test_add_func("/explain/cut", test_cut_ends_its_line);
  g_test_add_func("/explain/grouped", test_grouped);
  g_test_add_func("/explain/names-that-run-together", test_names_that_run_together);
  g_test_add_func("/explain/observed-apart", test_observed_apart);
  g_test_add_func("/explain/bounded", test_bounded);
  g_test_add_func("/explain/quiet", test_quiet);
  g_test_add_func("/explain/hostile", test_hostile_text);
  g_test_add_func("/explain/never-blocks", test_never_blocks);
  g_test_add_func("/explain/closed-end", test_closed_end);
  return g_test_run();
}
