/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens on behalf of a child of this test: the same object that open() gives
 * itself, but for what /proc/self is.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/bt-open-as.h"

typedef struct {
  char *top;
  int start;
  pid_t other; /* waits in the top directory, its descriptor 77 open on "file" */
} Fixture;

static void
wait_as_other(const char *top)
{
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, "other");
  if (chdir(top) != 0 || dup2(open("file", O_RDONLY), 77) < 0)
    _exit(1);
  symlink("ready", "ready");
  for (;;)
    pause();
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
  static const char *const links[][2] = {
    { "link", "file" },        { "up", "../a/file" }, { "loop", "loop" },
    { "dangling", "nothing" }, { "to-self", "/proc/self/comm" }, { "folder", "a/" },
    { "far", "/proc/self/cwd/file" },
  };

  fixture->top = g_dir_make_tmp("open-as-XXXXXX", NULL);
  g_assert_no_errno(chdir(fixture->top));
  g_assert_no_errno(mkdir("a", 0700));
  g_assert_no_errno(mkdir("a/b", 0700));
  g_assert_true(g_file_set_contents("file", "top", -1, NULL));
  g_assert_true(g_file_set_contents("a/file", "a", -1, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS(links); i++)
    g_assert_no_errno(symlink(links[i][1], links[i][0]));
  g_assert_no_errno(symlink("../file", "a/up"));
  for (int i = 0; i < 42; i++) {
    g_autofree char *name = g_strdup_printf("chain%d", i);
    g_autofree char *next = g_strdup_printf("chain%d", i + 1);
    g_assert_no_errno(symlink(i == 41 ? "file" : next, name));
  }
  fixture->start = open(fixture->top, O_PATH | O_DIRECTORY | O_CLOEXEC);
  fixture->other = fork();
  if (fixture->other == 0)
    wait_as_other(fixture->top);
  for (int i = 0; i < 5000 && !g_file_test("ready", G_FILE_TEST_IS_SYMLINK); i++)
    g_usleep(1000);
  g_assert_true(g_file_test("ready", G_FILE_TEST_IS_SYMLINK));
  g_assert_no_errno(chdir("/"));
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf("rm -rf '%s'", fixture->top);

  kill(fixture->other, SIGKILL);
  waitpid(fixture->other, NULL, 0);
  close(fixture->start);
  g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
  g_free(fixture->top);
}

static int
open_as(const Fixture *fixture, const char *path, int flags)
{
  const BtOpenAs as = {
    .start = fixture->start, .path = path, .flags = (unsigned)flags, .mode = 0600,
    .process = fixture->other, .thread = fixture->other,
  };
  return bt_open_as(&as);
}

/* Where no process is meant both give the same object or the same errno. */
static void
test_as_the_kernel(Fixture *fixture, gconstpointer data)
{
  static const char *const paths[] = {
    "file", "a", "a/", "a/.", "a/..", "a/../file", "./a//file", "a/file/", "a/file/x", "file/..",
    "none", "none/x", "none/", "link", "link/", "up", "a/up", "loop", "loop/x", "dangling", "folder",
    "folder/", "folder/file", "folder/../file", "folder/none", "chain22", "chain1", "chain0",
    "/", "//", "/..", "/etc/passwd", "/../etc/passwd", "/none", ".", "..", "/proc", "/proc/",
    "/proc/1/comm", "/proc/none", "/proc/sys/kernel/ostype", "/dev/null",
  };
  static const int flags[] = {
    O_RDONLY, O_NOFOLLOW, O_DIRECTORY, O_RDWR, O_RDONLY | O_NOFOLLOW | O_DIRECTORY, O_CREAT | O_EXCL,
  };

  for (gsize i = 0; i < G_N_ELEMENTS(paths); i++)
    for (gsize j = 0; j < G_N_ELEMENTS(flags); j++) {
      /* What is made by one is there for the other. */
      if ((flags[j] & O_CREAT) != 0 && strstr(paths[i], "none") != NULL)
        continue;
      int fd = openat(fixture->start, paths[i], flags[j], 0600);
      int error = fd < 0 ? errno : 0;
      int found = open_as(fixture, paths[i], flags[j]);
      struct stat a, b;
      g_test_message("%s %o: %d, %d", paths[i], flags[j], -error, found);
      if (fd < 0) {
        g_assert_cmpint(found, ==, -error);
        continue;
      }
      g_assert_cmpint(found, >=, 0);
      g_assert_no_errno(fstat(fd, &a));
      g_assert_no_errno(fstat(found, &b));
      g_assert_true(a.st_dev == b.st_dev && a.st_ino == b.st_ino);
      g_assert_cmpint(fcntl(fd, F_GETFL), ==, fcntl(found, F_GETFL));
      g_assert_cmpint(fcntl(found, F_GETFD), ==, FD_CLOEXEC);
      close(fd);
      close(found);
    }
}

/*
 * At 40 links it ends. The kernel itself says ELOOP before, now and then: where a mount anywhere
 * comes between it begins again, and goes on counting.
 */
static void
test_most_links(Fixture *fixture, gconstpointer data)
{
  int found = open_as(fixture, "chain2", O_RDONLY);

  g_assert_cmpint(found, >=, 0);
  close(found);
  g_assert_cmpint(open_as(fixture, "chain1", O_RDONLY), ==, -ELOOP);
}

typedef struct {
  const char *path;  /* %d: the other process */
  const char *text;  /* what is read */
  int error;
} Case;

static const Case cases[] = {
  { "/proc/self/comm", "other\n", 0 },
  { "/proc/thread-self/comm", "other\n", 0 },
  { "/proc/./self/../self/comm", "other\n", 0 },
  { "/proc/%d/comm", "other\n", 0 },
  { "/proc/self/task/%d/comm", "other\n", 0 },
  { "/proc/self/cwd/file", "top", 0 },
  { "/proc/self/cwd/a/file", "a", 0 },
  { "/proc/self/cwd/a/../file", "top", 0 },
  { "/proc/self/fd/77", "top", 0 },
  { "/proc/thread-self/fd/77", "top", 0 },
  { "/dev/fd/77", "top", 0 },
  { "/proc/self/root/dev/null", "", 0 },
  { "/proc/self/fd/78", NULL, ENOENT },
  { "/proc/self/fd/77/x", NULL, ENOTDIR },
  { "/proc/self/none", NULL, ENOENT },
  { "/proc/self/comm/", NULL, ENOTDIR },
  { "to-self", "other\n", 0 },
  { "far", "top", 0 },
  { "new-by-link", NULL, ENOENT },
};

static void
test_for_another(Fixture *fixture, gconstpointer data)
{
  char text[64];

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GString) path = g_string_new(cases[i].path);
    g_autofree char *number = g_strdup_printf("%d", (int)fixture->other);
    g_string_replace(path, "%d", number, 0);
    int fd = open_as(fixture, path->str, O_RDONLY);
    g_test_message("%s: %d", path->str, fd);
    if (cases[i].error != 0) {
      g_assert_cmpint(fd, ==, -cases[i].error);
      continue;
    }
    g_assert_cmpint(fd, >=, 0);
    ssize_t got = read(fd, text, sizeof text - 1);
    g_assert_cmpint(got, >=, 0);
    text[got] = '\0';
    g_assert_cmpstr(text, ==, cases[i].text);
    close(fd);
  }
}

/* Of this process nothing is opened, by whatever way. */
static void
test_not_ours(Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = {
    "comm", "mem", "maps", "fd", "fd/0", "exe", "cwd", "cwd/file", "root/etc/passwd", "task", "net/dev",
    "", "../self/../%d/comm", "task/%d/mem", "ns/net",
  };

  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *number = g_strdup_printf("%d", (int)getpid());
    g_autoptr(GString) path = g_string_new("/proc/%d/");
    g_string_append(path, names[i]);
    g_string_replace(path, "%d", number, 0);
    g_test_message("%s", path->str);
    g_assert_cmpint(open_as(fixture, path->str, O_RDONLY), ==, -EACCES);
  }
  /* The other's descriptors may lead here, too. */
  const BtOpenAs as = { .start = open("/proc/self", O_PATH), .path = "mem" };
  g_assert_cmpint(bt_open_as(&as), ==, -EACCES);
  const BtOpenAs magic = { .start = as.start, .path = "fd/0" };
  g_assert_cmpint(bt_open_as(&magic), ==, -EACCES);
  close(as.start);
}

static void
test_long(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GString) path = g_string_new("/proc/self/cwd/");

  /* As long as a path may be, walked. */
  while (path->len < 4090 - strlen("file"))
    g_string_append(path, "./");
  g_string_append(path, "file");
  int fd = open_as(fixture, path->str, O_RDONLY);
  g_assert_cmpint(fd, >=, 0);
  close(fd);
  /* A name of 255 is one, of 256 is none. */
  g_autofree char *name = g_strnfill(256, 'x');
  g_autofree char *walked = g_strconcat("/proc/self/cwd/", name, NULL);
  g_assert_cmpint(open_as(fixture, walked, O_RDONLY), ==, -ENAMETOOLONG);
  walked[strlen(walked) - 1] = '\0';
  g_assert_cmpint(open_as(fixture, walked, O_RDONLY), ==, -ENOENT);
  fd = open_as(fixture, walked, O_RDWR | O_CREAT | O_EXCL);
  g_assert_cmpint(fd, >=, 0);
  close(fd);
  g_assert_cmpint(open_as(fixture, walked, O_RDWR | O_CREAT | O_EXCL), ==, -EEXIST);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                      \
  g_test_add("/open-as/" name, Fixture, NULL, set_up, function, tear_down)
  ADD("as-the-kernel", test_as_the_kernel);
  ADD("most-links", test_most_links);
  ADD("for-another", test_for_another);
  ADD("not-ours", test_not_ours);
  ADD("long", test_long);
  return g_test_run();
}
