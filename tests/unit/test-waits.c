/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one worker's run has to wait for holds up no other: both are driven by one thread.
 */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/buntime.h"

#define PATIENCE_SECONDS 30
/* What the slow ones wait for at most, as lib/bt-cgroup.c and lib/bt-net-peer.h have it. */
#define BUS_PATIENCE_MS 2000
#define NET_PATIENCE_MS 1000
#define TRIES 5

static char *root;

static gboolean
on_patience_over(gpointer data)
{
  g_error("a worker takes too long");
  return G_SOURCE_REMOVE;
}

static void
await_exit(BuntimeWorker *worker)
{
  while (!buntime_worker_get_exited(worker))
    g_main_context_iteration(NULL, TRUE);
}

static BuntimeWorker *
spawn_shell(BuntimePolicy *policy, const char *capture, const char *script)
{
  g_autoptr(BuntimeSandbox) sandbox = buntime_sandbox_new(policy);
  const char *const args[] = { "-c", script, NULL };
  g_autoptr(GError) error = NULL;

  if (capture != NULL)
    buntime_sandbox_set_capture(sandbox, capture, &error);
  g_assert_no_error(error);
  BuntimeWorker *worker = buntime_sandbox_spawn(sandbox, "/bin/sh", args, &error);
  g_assert_no_error(error);
  return worker;
}

static BuntimeWorker *
spawn_quick(void)
{
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  return spawn_shell(policy, NULL, "exit 3");
}

/* A session bus that takes what it is sent, and never answers. */
static int
open_silent_bus(void)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_snprintf(address.sun_path, sizeof address.sun_path, "%s/bus", root);
  g_autofree char *value = g_strconcat("unix:path=", address.sun_path, NULL);
  g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  g_assert_cmpint(listen(fd, 8), ==, 0);
  g_setenv("DBUS_SESSION_BUS_ADDRESS", value, TRUE);
  return fd;
}

static void
close_silent_bus(int fd)
{
  g_autofree char *path = g_build_filename(root, "bus", NULL);

  g_unsetenv("DBUS_SESSION_BUS_ADDRESS");
  g_unlink(path);
  close(fd);
}

static gboolean
try_silent_bus(void)
{
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  g_autoptr(GError) error = NULL;
  int bus = open_silent_bus();

  buntime_policy_set_limit(policy, BUNTIME_LIMIT_MEMORY, "1G", &error);
  g_assert_no_error(error);
  gint64 end = g_get_monotonic_time() + BUS_PATIENCE_MS * G_TIME_SPAN_MILLISECOND;
  g_autoptr(BuntimeWorker) slow = spawn_shell(policy, NULL, "exit 4");
  g_autoptr(BuntimeWorker) ended = spawn_shell(policy, NULL, "exit 4");
  g_autoptr(BuntimeWorker) asked = spawn_shell(policy, NULL, "exit 4");
  g_autoptr(BuntimeWorker) quick = spawn_quick();
  await_exit(quick);
  g_assert_cmpint(buntime_worker_get_exit_status(quick), ==, 3);
  /* One that is ended does not wait for what it asked for. */
  buntime_worker_stop(ended, 0);
  buntime_worker_stop(asked, 20000);
  await_exit(ended);
  await_exit(asked);
  gboolean slow_exited = buntime_worker_get_exited(slow);
  gboolean in_time = g_get_monotonic_time() < end;
  if (in_time) {
    g_assert_cmpint(buntime_worker_get_exit_status(ended), ==, 128 + SIGKILL);
    g_assert_cmpint(buntime_worker_get_exit_status(asked), ==, 128 + SIGKILL);
    g_assert_false(slow_exited);
  }
  await_exit(slow);
  g_assert_cmpint(buntime_worker_get_exit_status(slow), ==, 4);
  close_silent_bus(bus);
  return in_time;
}

/* The buntime-net that this process has started; 0: none. */
static pid_t
find_net(void)
{
  g_autoptr(GDir) folder = g_dir_open("/proc", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name(folder)) != NULL) {
    g_autofree char *path = g_strconcat("/proc/", name, "/stat", NULL), *text = NULL;
    int pid, parent;
    if (g_ascii_isdigit(name[0]) && g_file_get_contents(path, &text, NULL, NULL) &&
        sscanf(text, "%d (buntime-net) %*c %d", &pid, &parent) == 2 && parent == getpid())
      return pid;
  }
  return 0;
}

static void
on_output(BuntimeWorker *worker, int stream, GBytes *bytes, gboolean *seen)
{
  *seen = TRUE;
}

/* It is to write down what it recorded, and does nothing. */
static gboolean
try_stopped_net(void)
{
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  g_autofree char *capture = g_build_filename(root, "packets.pcap", NULL);
  g_autoptr(GError) error = NULL;
  gboolean started = FALSE;

  buntime_policy_add_permission(policy, BUNTIME_PERMISSION_NET, TRUE, "192.0.2.1:443", &error);
  g_assert_no_error(error);
  g_autoptr(BuntimeWorker) slow = spawn_shell(policy, capture, "echo; while :; do read x; done");
  g_signal_connect(slow, "output", G_CALLBACK(on_output), &started);
  while (!started)
    g_main_context_iteration(NULL, TRUE);
  pid_t net = find_net();
  g_assert_cmpint(net, >, 0);
  g_assert_cmpint(kill(net, SIGSTOP), ==, 0);
  gint64 end = g_get_monotonic_time() + NET_PATIENCE_MS * G_TIME_SPAN_MILLISECOND;
  buntime_worker_stop(slow, 0);
  /* More than one, so that the first does not only come before. */
  for (int i = 0; i < 3; i++) {
    g_autoptr(BuntimeWorker) quick = spawn_quick();
    await_exit(quick);
    g_assert_cmpint(buntime_worker_get_exit_status(quick), ==, 3);
  }
  gboolean slow_exited = buntime_worker_get_exited(slow);
  gboolean in_time = g_get_monotonic_time() < end;
  if (in_time)
    g_assert_false(slow_exited);
  await_exit(slow);
  g_assert_cmpint(buntime_worker_get_exit_status(slow), ==, 128 + SIGKILL);
  g_assert_cmpint(find_net(), ==, 0);
  g_unlink(capture);
  return in_time;
}

/* try: FALSE if it took so long that it proves nothing: the slow one may have waited to its end. */
typedef struct {
  const char *path;
  gboolean (*try)(void);
} Wait;

static const Wait waits[] = {
  { "/waits/silent-bus", try_silent_bus },
  { "/waits/stopped-net", try_stopped_net },
};

/* The machine may be busy. Where one holds up the others, none is ever in time. */
static void
test_wait(gconstpointer data)
{
  const Wait *wait = data;
  guint patience = g_timeout_add_seconds(PATIENCE_SECONDS, on_patience_over, NULL);
  guint tries = 0;

  do
    g_assert_cmpuint(tries++, <, TRIES);
  while (!wait->try());
  g_source_remove(patience);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  root = g_dir_make_tmp("waits-XXXXXX", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(waits); i++)
    g_test_add_data_func(waits[i].path, &waits[i], test_wait);
  int failed = g_test_run();
  g_rmdir(root);
  g_free(root);
  return failed;
}
