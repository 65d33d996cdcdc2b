/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Looking at a process, tried on the test's own and on a child of it; its
 * root is the test's, which is what RESOLVE_IN_ROOT makes no difference of.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/bt-process.h"

static void
test_read_path(void)
{
  long page = sysconf(_SC_PAGESIZE);
  g_autofree char *long_path = g_strnfill(PATH_MAX, 'x');
  char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  g_assert_true(two != MAP_FAILED);
  munmap(two + page, page);
  /* Ends right before memory that is not mapped. */
  strcpy(two + page - 5, "/etc");
  g_autofree char *path = bt_process_read_path(getpid(), (guintptr)(two + page - 5));
  g_assert_cmpstr(path, ==, "/etc");
  /* Runs into it. */
  memset(two + page - 5, 'x', 5);
  g_assert_null(bt_process_read_path(getpid(), (guintptr)(two + page - 5)));
  g_assert_null(bt_process_read_path(getpid(), 0));
  g_assert_null(bt_process_read_path(getpid(), (guintptr)long_path));
  long_path[PATH_MAX - 1] = '\0';
  g_autofree char *longest = bt_process_read_path(getpid(), (guintptr)long_path);
  g_assert_cmpuint(strlen(longest), ==, PATH_MAX - 1);
  munmap(two, page);
}

static void
test_identify(void)
{
  g_autofree char *program = NULL;
  pid_t pid;

  prctl(PR_SET_NAME, "a) b\n");
  bt_process_identify(getpid(), &program, &pid);
  g_assert_cmpstr(program, ==, "a) b\n");
  g_assert_cmpint(pid, ==, getpid());
  prctl(PR_SET_NAME, "test-process");
}

static gpointer
facts_of_thread(gpointer data)
{
  BtOpenFacts *facts = data;
  pid_t tid = (pid_t)syscall(SYS_gettid);

  g_assert_true(bt_process_open_facts(tid, facts));
  return GINT_TO_POINTER(tid);
}

static void
test_open_facts(void)
{
  BtOpenFacts facts;
  mode_t old = umask(027);

  g_assert_true(bt_process_open_facts(getpid(), &facts));
  g_assert_cmpuint(facts.umask, ==, 027);
  g_assert_cmpint(facts.process, ==, getpid());
  g_assert_cmpint(facts.thread, ==, getpid());
  umask(0);
  pid_t tid = GPOINTER_TO_INT(g_thread_join(g_thread_new("other", facts_of_thread, &facts)));
  g_assert_cmpuint(facts.umask, ==, 0);
  g_assert_cmpint(facts.process, ==, getpid());
  g_assert_cmpint(facts.thread, ==, tid);
  g_assert_false(bt_process_open_facts(G_MAXINT, &facts));
  umask(old);
}

static void
test_open_directory(void)
{
  struct stat own, found;
  int file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  int fd = bt_process_open_directory(getpid(), AT_FDCWD);

  g_assert_no_errno(stat(".", &own));
  g_assert_no_errno(fstat(fd, &found));
  g_assert_true(own.st_ino == found.st_ino && own.st_dev == found.st_dev);
  close(fd);
  fd = bt_process_open_directory(getpid(), file);
  g_autofree char *path = bt_process_path_of(fd);
  g_assert_cmpstr(path, ==, "/etc/passwd");
  close(fd);
  close(file);
  g_assert_cmpint(bt_process_open_directory(getpid(), 999), ==, -1);
  g_assert_cmpint(errno, ==, EBADF);
}

static void
test_path_of(void)
{
  int ends[2];

  g_assert_no_errno(pipe(ends));
  errno = EPERM;
  g_assert_null(bt_process_path_of(ends[0]));
  g_assert_cmpint(errno, ==, 0); /* it has none */
  close(ends[0]);
  close(ends[1]);
  g_assert_null(bt_process_path_of(ends[0]));
  g_assert_cmpint(errno, ==, ENOENT);
}

static void
handle(int number)
{
}

/* A child that waits as in a notified call: only death ends it. */
static pid_t
fork_killable(gboolean caught, gboolean blocked)
{
  pid_t pid = fork();
  if (pid != 0)
    return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (caught)
    signal(SIGURG, handle);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGURG);
  if (blocked)
    sigprocmask(SIG_BLOCK, &set, NULL);
  pid = getpid();
  /* As vfork(): its caller waits for the end of a process that shares its memory. */
  if (syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0) == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* It may be dead already. */
    if (getppid() == pid)
      pause();
    _exit(0);
  }
  _exit(0);
}

/* As it is when it has a child of its own, at the latest in half a minute. */
static void
await_killable(pid_t pid)
{
  g_autofree char *file = g_strdup_printf("/proc/%d/task/%d/children", pid, pid);

  for (int i = 0; i < 30000; i++) {
    g_autofree char *children = NULL;
    if (g_file_get_contents(file, &children, NULL, NULL) && *children != '\0')
      return;
    g_usleep(1000);
  }
  g_error("it does not wait");
}

static void
test_signalled(void)
{
  for (int i = 0; i < 4; i++) {
    gboolean caught = i & 1, blocked = i & 2;
    pid_t pid = fork_killable(caught, blocked);
    await_killable(pid);
    g_assert_false(bt_process_is_signalled(pid));
    kill(pid, SIGURG);
    g_assert_true(bt_process_is_signalled(pid) == (caught && !blocked));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
  }
  g_assert_false(bt_process_is_signalled(G_MAXINT));
}

typedef struct {
  char *folder, *file, *link, *dangling, *to_self;
} Tree;

static Tree
make_tree(void)
{
  g_autofree char *made = g_dir_make_tmp("bt-process-XXXXXX", NULL);
  Tree tree = { .folder = realpath(made, NULL) };

  g_assert_nonnull(tree.folder);
  tree.file = g_build_filename(tree.folder, "file", NULL);
  tree.link = g_build_filename(tree.folder, "link", NULL);
  tree.dangling = g_build_filename(tree.folder, "dangling", NULL);
  tree.to_self = g_build_filename(tree.folder, "to-self", NULL);
  g_assert_true(g_file_set_contents(tree.file, "x", 1, NULL));
  g_assert_no_errno(symlink("file", tree.link));
  g_assert_no_errno(symlink("nothing", tree.dangling));
  g_assert_no_errno(symlink("/proc/self/fd/0", tree.to_self));
  return tree;
}

static void
tree_clear(Tree *tree)
{
  char *const paths[] = { tree->to_self, tree->dangling, tree->link, tree->file, tree->folder };
  for (gsize i = 0; i < G_N_ELEMENTS(paths); i++)
    g_assert_no_errno(remove(paths[i]));
  for (gsize i = 0; i < 4; i++)
    g_free(paths[i]);
  free(tree->folder);
}

static void
test_resolve(void)
{
  Tree tree = make_tree();
  int folder = open(tree.folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  g_autofree char *new_path = g_build_filename(tree.folder, "new", NULL);
  g_autofree char *deep_path = g_build_filename(tree.folder, "no", "new", NULL);
  g_autofree char *gone_path = g_build_filename(tree.folder, "nothing", NULL);
  const struct {
    int dirfd;
    const char *path;
    gboolean follow;
    const char *expected; /* NULL: leads nowhere */
    gboolean missing;
  } cases[] = {
    { AT_FDCWD, tree.file, TRUE, tree.file, FALSE },
    { folder, "file", TRUE, tree.file, FALSE },
    { folder, "./../" /* above */, TRUE, NULL, FALSE },
    { folder, "link", TRUE, tree.file, FALSE },
    { folder, "link", FALSE, tree.link, FALSE },
    { folder, "", TRUE, tree.folder, FALSE },
    { folder, "new", TRUE, new_path, TRUE },
    { AT_FDCWD, new_path, TRUE, new_path, TRUE },
    { AT_FDCWD, deep_path, TRUE, NULL, FALSE },
    { folder, "file/below", TRUE, NULL, FALSE },
    { folder, "dangling", TRUE, gone_path, TRUE },
    { folder, "dangling", FALSE, tree.dangling, FALSE },
    { folder, "to-self", TRUE, NULL, FALSE }, /* a magic link */
    { 9999, "file", TRUE, NULL, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_auto(BtResolved) found = BT_RESOLVED_INIT;
    g_test_message("%s", cases[i].path);
    gboolean ok =
      bt_process_resolve(getpid(), cases[i].dirfd, cases[i].path, cases[i].follow, &found);
    if (strstr(cases[i].path, "..") != NULL) {
      g_autofree char *above = g_path_get_dirname(tree.folder);
      g_assert_true(ok);
      g_assert_cmpstr(found.path, ==, above);
      continue;
    }
    g_assert_cmpint(ok, ==, cases[i].expected != NULL);
    if (!ok)
      continue;
    g_assert_cmpstr(found.path, ==, cases[i].expected);
    g_assert_cmpint(found.fd < 0, ==, cases[i].missing);
    g_assert_cmpstr(found.parent, ==, cases[i].missing ? tree.folder : NULL);
    g_assert_false(found.read_only);
  }
  close(folder);
  tree_clear(&tree);
}

static gboolean
same_object(int a, int b)
{
  struct stat first, second;
  return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

typedef struct {
  int fd;
  pid_t tid;
  int pipe[2];
} Thread;

static void *
thread_main(void *data)
{
  Thread *thread = data;
  char byte = 'x';
  pid_t tid = gettid();
  g_assert_cmpint(write(thread->pipe[1], &tid, sizeof tid), ==, sizeof tid);
  g_assert_cmpint(read(thread->fd, &byte, 1), ==, 1);
  return NULL;
}

/* A call comes from any thread, whose number no pidfd of a process can be made of. */
static void
test_take_fd_of_thread(void)
{
  Thread thread;
  int wait[2];
  pthread_t handle;
  pid_t tid;

  g_assert_no_errno(pipe2(thread.pipe, O_CLOEXEC));
  g_assert_no_errno(pipe2(wait, O_CLOEXEC));
  thread.fd = wait[0];
  g_assert_cmpint(pthread_create(&handle, NULL, thread_main, &thread), ==, 0);
  g_assert_cmpint(read(thread.pipe[0], &tid, sizeof tid), ==, sizeof tid);
  g_assert_cmpint(tid, !=, getpid());
  int taken = bt_process_take_fd(NULL, tid, wait[0]);
  g_assert_cmpint(taken, >=, 0);
  g_assert_true(same_object(taken, wait[0]));
  g_assert_cmpint(fcntl(taken, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
  g_assert_cmpint(bt_process_take_fd(NULL, tid, 9999), ==, -1);
  g_assert_cmpint(errno, ==, EBADF);
  g_assert_cmpint(write(wait[1], "x", 1), ==, 1);
  pthread_join(handle, NULL);
  close(taken);
  close(wait[0]);
  close(wait[1]);
  close(thread.pipe[0]);
  close(thread.pipe[1]);
}

/* What it has open as number is the first end of a pipe of its own. */
static pid_t
fork_holder(int number, int pipe_out[2])
{
  g_assert_no_errno(pipe2(pipe_out, O_CLOEXEC));
  g_assert_cmpint(dup3(pipe_out[0], number, O_CLOEXEC), ==, number);
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
      pause();
  }
  g_assert_cmpint(child, >, 0);
  return child;
}

static void
assert_takes(BtLastThread *last, pid_t child, int number, int expected)
{
  int taken = bt_process_take_fd(last, child, number);
  g_assert_cmpint(taken, >=, 0);
  g_assert_true(same_object(taken, expected));
  close(taken);
}

/* What is kept of the last one never stands for another that has its number now. */
static void
test_take_fd_of_last(void)
{
  const int number = 100;
  BtLastThread last = BT_LAST_THREAD_INIT;
  int one_pipe[2], other_pipe[2], status;
  pid_t one = fork_holder(number, one_pipe), other = fork_holder(number, other_pipe);

  for (int i = 0; i < 2; i++) {
    assert_takes(&last, one, number, one_pipe[0]);
    assert_takes(&last, one, number, one_pipe[0]);
    assert_takes(&last, other, number, other_pipe[0]);
  }
  assert_takes(&last, one, number, one_pipe[0]);
  int kept = last.pidfd;
  g_assert_cmpint(bt_process_take_fd(&last, one, 9999), ==, -1);
  g_assert_cmpint(errno, ==, EBADF);
  g_assert_cmpint(last.pidfd, ==, kept);

  kill(one, SIGKILL);
  g_assert_cmpint(waitpid(one, &status, 0), ==, one);
  g_assert_cmpint(bt_process_take_fd(&last, one, number), ==, -1);
  g_assert_cmpint(errno, ==, ESRCH);
  last.tid = other; /* as if it had got the number of the one that is gone */
  assert_takes(&last, other, number, other_pipe[0]);
  bt_last_thread_clear(&last);

  kill(other, SIGKILL);
  g_assert_cmpint(waitpid(other, &status, 0), ==, other);
  const int fds[] = { number, one_pipe[0], one_pipe[1], other_pipe[0], other_pipe[1] };
  for (guint i = 0; i < G_N_ELEMENTS(fds); i++)
    close(fds[i]);
}

static void
test_is_stopped(void)
{
  int status;
  pid_t child = fork();

  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, ") T");
    raise(SIGSTOP);
    for (;;)
      pause();
  }
  int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  g_assert_cmpint(pidfd, >=, 0);
  g_assert_cmpint(waitpid(child, &status, WUNTRACED), ==, child);
  g_assert_true(bt_process_is_stopped(pidfd));
  kill(child, SIGCONT);
  g_assert_cmpint(waitpid(child, &status, WCONTINUED), ==, child);
  g_assert_false(bt_process_is_stopped(pidfd));
  kill(child, SIGKILL);
  g_assert_cmpint(waitpid(child, &status, 0), ==, child);
  g_assert_false(bt_process_is_stopped(pidfd));
  close(pidfd);
}

static void *
wait_for_end(void *unused)
{
  pause();
  return unused;
}

/* The child is as it is to be looked at once the pipe hangs up. */
static pid_t
start_child(gboolean with_thread, gboolean with_child)
{
  int ends[2];
  char byte;
  pthread_t thread;

  g_assert_no_errno(pipe2(ends, O_CLOEXEC));
  pid_t pid = fork();
  if (pid == 0) {
    if (with_thread && pthread_create(&thread, NULL, wait_for_end, NULL) != 0)
      _exit(1);
    if (with_child && fork() == 0)
      _exit(0);
    close(ends[0]);
    close(ends[1]);
    pause();
    _exit(0);
  }
  close(ends[1]);
  g_assert_cmpint(read(ends[0], &byte, 1), ==, 0);
  close(ends[0]);
  return pid;
}

/* A child that has ended, but was not waited for, is one. */
static void
test_alone(void)
{
  for (int which = 0; which < 3; which++) {
    gboolean alone;
    pid_t own, pid = start_child(which == 1, which == 2);
    g_assert_true(bt_process_is_alone(pid, &own, &alone));
    g_assert_cmpint(own, ==, pid);
    g_assert_cmpint(alone, ==, which == 0);
    kill(pid, SIGKILL);
    g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
    g_assert_false(bt_process_is_alone(pid, &own, &alone));
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/process/read-path", test_read_path);
  g_test_add_func("/process/identify", test_identify);
  g_test_add_func("/process/open-facts", test_open_facts);
  g_test_add_func("/process/open-directory", test_open_directory);
  g_test_add_func("/process/path-of", test_path_of);
  g_test_add_func("/process/signalled", test_signalled);
  g_test_add_func("/process/resolve", test_resolve);
  g_test_add_func("/process/take-fd-of-thread", test_take_fd_of_thread);
  g_test_add_func("/process/take-fd-of-last", test_take_fd_of_last);
  g_test_add_func("/process/is-stopped", test_is_stopped);
  g_test_add_func("/process/alone", test_alone);
  return g_test_run();
}
