/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime-json: a JSON text in, the same document as a serialised GVariant out.
 *
 *   descriptor 3 ... a stream socket: the text until the other side shuts it
 *                    down; then the GVariant (exit status 0), or a word about
 *                    what is wrong with the text (1)
 *
 * A process of its own, because linking json-glib costs more than a whole run
 * takes to start, and because what reads somebody else's policy with it is then
 * not the supervisor.  It ends with its input, whatever becomes of its parent.
 */
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/bt-json.h"

enum { EXIT_READ = 0, EXIT_REFUSED = 1, EXIT_BROKEN = 2 };

/* NULL: cannot be read, or longer than any policy. */
static GByteArray *
receive(void)
{
  g_autoptr(GByteArray) text = g_byte_array_new();
  guint8 buffer[65536];
  gssize got;

  while ((got = read(BT_JSON_FD, buffer, sizeof buffer)) > 0) {
    g_byte_array_append(text, buffer, (guint)got);
    if (text->len > BT_JSON_MAX_SIZE)
      return NULL;
  }
  return got == 0 ? g_steal_pointer(&text) : NULL;
}

static gboolean
answer(const char *data, gsize size)
{
  while (size > 0) {
    gssize sent = send(BT_JSON_FD, data, size, MSG_NOSIGNAL);
    if (sent < 0)
      return FALSE;
    data += sent;
    size -= sent;
  }
  return TRUE;
}

int
main(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) variant = NULL;

  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return EXIT_BROKEN;
  g_autoptr(GByteArray) text = receive();
  if (text == NULL)
    return EXIT_BROKEN;
  variant = bt_json_to_variant((const char *)text->data, text->len, &error);
  if (variant == NULL)
    return answer(error->message, strlen(error->message)) ? EXIT_REFUSED : EXIT_BROKEN;
  gsize size;
  const char *data = g_bytes_get_data(variant, &size);
  return answer(data, size) ? EXIT_READ : EXIT_BROKEN;
}
