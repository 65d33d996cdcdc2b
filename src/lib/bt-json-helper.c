/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-json-helper.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/bt-spawn.h"
#include "lib/buntime-cure.h"
#include "policy/bt-event.h"
#include "policy/bt-json.h"
#include "policy/buntime-error.h"

#define HELPER "buntime-json"

/* It reads to the end before it writes, so neither side can wait for the other. */
static gboolean
send_text(int fd, const char *text, gsize length)
{
  while (length > 0) {
    gssize sent = send(fd, text, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR)
      return FALSE;
    text += MAX(sent, 0);
    length -= MAX(sent, 0);
  }
  return shutdown(fd, SHUT_WR) == 0;
}

/* NULL: it sent more than any policy becomes, or its socket broke. */
static GBytes *
receive_answer(int fd)
{
  g_autoptr(GByteArray) answer = g_byte_array_new();
  guint8 buffer[65536];
  gssize got;

  while ((got = recv(fd, buffer, sizeof buffer, 0)) != 0) {
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 || answer->len + (gsize)got > BT_JSON_MAX_VARIANT)
      return NULL;
    g_byte_array_append(answer, buffer, (guint)got);
  }
  return g_byte_array_free_to_bytes(g_steal_pointer(&answer));
}

static GBytes *
check(GBytes *answer, int wait_status, GError **error)
{
  if (answer == NULL || !WIFEXITED(wait_status) || WEXITSTATUS(wait_status) > 1) {
    bt_fail(error, BUNTIME_ERROR_SETUP, HELPER, _("ended unexpectedly"),
            _("this is a bug: please report it"));
    return NULL;
  }
  if (WEXITSTATUS(wait_status) == 0)
    return g_bytes_ref(answer);
  gsize size;
  const char *words = g_bytes_get_data(answer, &size);
  g_autofree char *safe = bt_text_neutralise(words != NULL ? words : "", (gssize)size);
  bt_fail(error, BUNTIME_ERROR_POLICY, NULL, safe, NULL);
  return NULL;
}

GBytes *
bt_json_helper_read(const char *text, gsize length, GError **error)
{
  g_autoptr(GBytes) answer = NULL;
  BtHelper helper = BT_HELPER_INIT;
  int pair[2];

  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    bt_fail(error, BUNTIME_ERROR_SETUP, HELPER, g_strerror(errno), bt_call_cure(errno));
    return NULL;
  }
  gboolean started = bt_spawn_helper(HELPER, pair[1], NULL, &helper, error);
  close(pair[1]);
  if (started && send_text(pair[0], text, length))
    answer = receive_answer(pair[0]);
  /* Whatever it still does, it ends without a socket. */
  close(pair[0]);
  return started ? check(answer, bt_helper_reap(&helper), error) : NULL;
}
