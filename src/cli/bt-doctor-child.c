/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A probe takes rights from itself, or fails in ways that kill: each is a child of its own.
 * It has a pipe for what it has to say, and a time in which to say it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/bt-doctor.h"

#define TIMEOUT_SECONDS 30
#define MAX_TEXT 4096

static void
become_child(int text_fd)
{
  int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (null_fd >= 0)
    dup2(null_fd, STDIN_FILENO);
  dup2(text_fd, STDOUT_FILENO);
  dup2(text_fd, STDERR_FILENO);
  if (chdir("/") != 0)
    _exit(errno);
}

/* FALSE: time is up. */
static gboolean
read_all(int fd, GString *text)
{
  gint64 end = g_get_monotonic_time() + TIMEOUT_SECONDS * G_USEC_PER_SEC;
  char buffer[1024];

  for (;;) {
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    gint64 left = (end - g_get_monotonic_time()) / 1000;
    if (left <= 0)
      return FALSE;
    int count = poll(&ready, 1, (int)left);
    if (count <= 0 && !(count < 0 && errno == EINTR))
      return FALSE;
    ssize_t got = count > 0 ? read(fd, buffer, sizeof buffer) : -1;
    if (got == 0)
      return TRUE;
    if (got > 0 && text->len < MAX_TEXT)
      g_string_append_len(text, buffer, got);
  }
}

int
bt_doctor_child(void (*func)(gconstpointer data), gconstpointer data, char **text_out)
{
  g_autoptr(GString) text = g_string_new(NULL);
  int ends[2], status = -1;

  *text_out = g_strdup("");
  if (pipe2(ends, O_CLOEXEC) != 0)
    return -1;
  pid_t pid = fork();
  if (pid == 0) {
    become_child(ends[1]);
    func(data);
    _exit(0);
  }
  close(ends[1]);
  gboolean ended = pid > 0 && read_all(ends[0], text);
  close(ends[0]);
  if (pid > 0 && !ended)
    kill(pid, SIGKILL);
  while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  g_free(*text_out);
  *text_out = g_utf8_make_valid(text->str, (gssize)text->len);
  return ended ? status : -1;
}

void
bt_finding_clear(BtFinding *finding)
{
  g_clear_pointer(&finding->value, g_free);
  g_clear_pointer(&finding->reason, g_free);
  g_clear_pointer(&finding->cure, g_free);
}
