/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A worker's questions: their answers are what becomes of the deed, and no path that it names is
 * looked at on its behalf.
 */
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/buntime.h"

#define PATIENCE_SECONDS 30

static char *root;

static char *
at(const char *name)
{
  return g_build_filename(root, name, NULL);
}

static void
make_file(const char *name, const char *text, mode_t mode)
{
  g_autofree char *path = at(name), *folder = g_path_get_dirname(path);

  g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
  g_assert_true(g_file_set_contents(path, text, -1, NULL));
  g_assert_cmpint(chmod(path, mode), ==, 0);
}

static void
make_link(const char *target, const char *name)
{
  g_autofree char *path = at(name);
  g_assert_cmpint(symlink(target, path), ==, 0);
}

static void
make_tree(void)
{
  root = g_dir_make_tmp("questions-XXXXXX", NULL);
  g_assert_nonnull(root);
  make_file("ro/f", "x", 0644);
  make_file("rw/f", "x", 0644);
  make_file("rw/fixed", "x", 0644);
  make_file("rw/secret", "x", 0644);
  make_file("hidden/f", "x", 0644);
  make_file("tool", "#!/bin/sh\n", 0755);
  make_file("other", "#!/bin/sh\n", 0755);
  make_file("odd", "#!/usr/bin/env sh\n", 0755);
  make_link("ro", "link");
  make_link("../hidden/f", "ro/out");
  make_link("../rw/f", "ro/in");
}

static void
remove_tree(void)
{
  const char *const argv[] = { "rm", "-rf", "--", root, NULL };
  g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  g_free(root);
}

/* ---- */

static void
grant(BuntimePolicy *policy, BuntimePermission permission, gboolean allow, const char *names)
{
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) items = g_strsplit(names, ",", -1);

  for (char **item = items; *item != NULL; item++) {
    g_autofree char *path = (*item)[0] == '/' || permission == BUNTIME_PERMISSION_ENV
                              ? g_strdup(*item) : at(*item);
    buntime_policy_add_permission(policy, permission, allow, path, &error);
    g_assert_no_error(error);
  }
}

static BuntimePolicy *
policy_new(void)
{
  BuntimePolicy *policy = buntime_policy_new();

  grant(policy, BUNTIME_PERMISSION_READ, TRUE, "ro,rw,link,other,odd");
  grant(policy, BUNTIME_PERMISSION_READ, FALSE, "rw/secret");
  grant(policy, BUNTIME_PERMISSION_WRITE, TRUE, "rw");
  grant(policy, BUNTIME_PERMISSION_WRITE, FALSE, "rw/fixed");
  grant(policy, BUNTIME_PERMISSION_RUN, TRUE, "tool,odd,/bin/sh,/usr/bin/true");
  grant(policy, BUNTIME_PERMISSION_ENV, TRUE, "BT_SEEN");
  return policy;
}

typedef struct {
  GMainLoop *loop;
  GString *output;
} Seen;

static void
on_output(BuntimeWorker *worker, int stream, GBytes *bytes, Seen *seen)
{
  gsize size;
  const char *data = g_bytes_get_data(bytes, &size);
  g_string_append_len(seen->output, data, (gssize)size);
}

static void
on_exited(BuntimeWorker *worker, int status, Seen *seen)
{
  if (status != 0)
    g_string_append_printf(seen->output, "status %d\n", status);
  g_main_loop_quit(seen->loop);
}

static gboolean
on_patience_over(gpointer data)
{
  g_error("the worker takes too long");
  return G_SOURCE_REMOVE;
}

/* What it printed (transfer full). */
static char *
ask(BuntimePolicy *policy, GPtrArray *args)
{
  g_autoptr(BuntimeSandbox) sandbox = buntime_sandbox_new(policy);
  g_autoptr(GError) error = NULL;
  Seen seen = { g_main_loop_new(NULL, FALSE), g_string_new(NULL) };
  guint patience = g_timeout_add_seconds(PATIENCE_SECONDS, on_patience_over, NULL);

  g_ptr_array_add(args, NULL);
  g_autoptr(BuntimeWorker) worker =
    buntime_sandbox_spawn(sandbox, BT_TEST_WORKER, (const char *const *)args->pdata, &error);
  g_assert_no_error(error);
  g_signal_connect(worker, "output", G_CALLBACK(on_output), &seen);
  g_signal_connect(worker, "exited", G_CALLBACK(on_exited), &seen);
  g_main_loop_run(seen.loop);
  g_main_loop_unref(seen.loop);
  g_source_remove(patience);
  return g_string_free(seen.output, FALSE);
}

static const struct {
  const char *kind, *value, *expected;
} table[] = {
  { "read", "ro/f", "allow" },
  { "read", "ro", "allow" },
  { "list", "ro", "allow" },
  { "read", "link/f", "allow" },
  { "read", "rw/f", "allow" },
  { "read", "rw/secret", "deny" },
  { "read", "hidden/f", "deny" },
  { "read", "hidden", "deny" },
  { "list", "hidden", "deny" },
  /* A link shows what is seen anyway, and nothing else. */
  { "read", "ro/out", "deny" },
  { "read", "ro/in", "allow" },
  { "read", "ro/../hidden/f", "deny" },
  { "read", "/usr/bin/env", "allow" },
  { "read", "/bin/env", "allow" },
  { "read", "/etc/passwd", "allow" },
  { "read", "/etc/shadow", "deny" },
  { "write", "ro/f", "deny" },
  { "write", "ro", "deny" },
  { "write", "ro/new", "deny" },
  { "write", "link/f", "deny" },
  { "write", "ro/in", "allow" },
  { "write", "rw/f", "allow" },
  { "write", "rw", "allow" },
  { "write", "rw/new", "allow" },
  { "write", "rw/fixed", "deny" },
  { "write", "/opt/new", "deny" },
  { "write", "/tmp/new", "allow" },
  { "write", "/etc/passwd", "deny" },
  { "run", "tool", "allow" },
  { "run", "other", "deny" },
  { "run", "rw/f", "deny" },
  /* Its interpreter is not granted. */
  { "run", "odd", "deny" },
  { "run", "/usr/bin/true", "allow" },
  { "run", "/bin/true", "allow" },
  { "run", "/usr/bin/false", "deny" },
  { "env", "BT_SEEN", "allow" },
  { "env", "BT_UNSEEN", "deny" },
  { "ffi", "ro/f", "deny" },
  { "ffi", "hidden/f", "deny" },
};

static void
test_deeds(void)
{
  g_autoptr(BuntimePolicy) policy = policy_new();
  g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);

  for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
    gboolean whole = table[i].value[0] == '/' || strcmp(table[i].kind, "env") == 0;
    g_autofree char *value = whole ? g_strdup(table[i].value) : at(table[i].value);
    g_ptr_array_add(args, g_strdup_printf("%s=%s=%s", table[i].kind, value, table[i].expected));
  }
  /* A name of PATH's, and places of its own. */
  g_ptr_array_add(args, g_strdup("run=true=allow"));
  g_ptr_array_add(args, g_strdup("run=no-such-program=deny"));
  g_autofree char *said = ask(policy, args);
  g_assert_cmpstr(said, ==, "done\n");
}

/* A link that is read is touched: its access time, old before, is that of the reading. */
static gint64
access_time(const char *path)
{
  struct stat info;
  g_assert_cmpint(lstat(path, &info), ==, 0);
  return info.st_atim.tv_sec;
}

static void
test_untouched(void)
{
  static const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 2 } };
  g_autoptr(BuntimePolicy) policy = policy_new();
  g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) error = NULL;
  g_autofree char *link = at("hidden/link"), *path = at("hidden/link/f");
  struct statvfs system;

  make_link("/usr", "hidden/link");
  g_assert_cmpint(utimensat(AT_FDCWD, link, times, AT_SYMLINK_NOFOLLOW), ==, 0);
  g_ptr_array_add(args, g_strdup_printf("raw=%s=", path));
  g_ptr_array_add(args, g_strdup_printf("raw=%s=", link));
  g_ptr_array_add(args, g_strdup_printf("raw=%s/=", link));
  g_ptr_array_add(args, g_strdup_printf("read=%s=deny", path));
  g_autofree char *said = ask(policy, args);
  g_assert_cmpstr(said, ==, "done\n");
  g_assert_cmpint(access_time(link), ==, 1);
  /* The host program's own question does look: so this can be seen. */
  g_autoptr(BuntimeVerdict) verdict =
    buntime_policy_check(policy, BUNTIME_PERMISSION_READ, path, &error);
  g_assert_no_error(error);
  g_assert_nonnull(verdict);
  g_assert_cmpint(statvfs(root, &system), ==, 0);
  if ((system.f_flag & ST_NOATIME) == 0)
    g_assert_cmpint(access_time(link), >, 1);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_setenv("BT_SEEN", "x", TRUE);
  g_setenv("BT_UNSEEN", "x", TRUE);
  make_tree();
  g_test_add_func("/questions/deeds", test_deeds);
  g_test_add_func("/questions/untouched", test_untouched);
  int failed = g_test_run();
  remove_tree();
  return failed;
}
