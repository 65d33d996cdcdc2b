/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * .local belongs to multicast DNS (RFC 6762), and its names must not go to a
 * name server: they tell what is in somebody's house.  What nsswitch.conf says
 * does not keep to that: without an mDNS module glibc sends them there, and
 * with Debian's libnss-mdns it still does for names of three labels or while
 * the daemon is not running.  So the daemon is asked itself, Avahi, by the
 * protocol that the module speaks:
 *
 *   RESOLVE-HOSTNAME-IPV4 printer.local
 *   + 2 0 printer.local 192.168.1.9         or     -15 Timeout reached
 *
 * Where none runs the name is not there.  IPv4 alone, as libnss-mdns is set up
 * by Debian: over IPv6 most answers are link-local, and useless without a zone.
 */
#include "lib/buntime-resolver-mdns.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

#define MAX_REPLY 512
/* Avahi gives up earlier. */
#define TIMEOUT_SECONDS 8

typedef struct {
  BtMdnsDone done;
  gpointer data;
  char *question;
  GSocketConnection *connection;
  char reply[MAX_REPLY];
  gsize length;
} Asked;

static gboolean
is_below(const char *name, const char *top)
{
  const char *dot = strrchr(name, '.');
  return strcmp(dot != NULL ? dot + 1 : name, top) == 0;
}

BtNameSpace
bt_name_space_of(const char *name)
{
  static const char *const nowhere[] = { "alt", "invalid", "onion" };

  if (is_below(name, "local"))
    return BT_NAME_LOCAL;
  for (gsize i = 0; i < G_N_ELEMENTS(nowhere); i++)
    if (is_below(name, nowhere[i]))
      return BT_NAME_NOWHERE;
  return BT_NAME_DNS;
}

static void
finish(Asked *asked, BtMdnsResult result, const BtAddr *addr)
{
  asked->done(asked->data, result, addr);
  g_clear_object(&asked->connection);
  g_free(asked->question);
  g_free(asked);
}

/* A whole line without its end. */
static void
read_reply(Asked *asked, const char *line)
{
  g_auto(GStrv) words = g_strsplit(line, " ", 6);
  BtAddr addr;

  if (words[0] != NULL && words[0][0] == '-')
    finish(asked, BT_MDNS_NO_NAME, NULL);
  else if (g_strv_length(words) == 5 && strcmp(words[0], "+") == 0 &&
           bt_addr_parse(words[4], &addr) && bt_addr_is_ipv4(&addr))
    finish(asked, BT_MDNS_FOUND, &addr);
  else
    finish(asked, BT_MDNS_FAILED, NULL);
}

static void read_more(Asked *asked);

static void
on_read(GObject *stream, GAsyncResult *result, gpointer data)
{
  Asked *asked = data;
  gssize got = g_input_stream_read_finish(G_INPUT_STREAM(stream), result, NULL);

  if (got <= 0) {
    finish(asked, BT_MDNS_FAILED, NULL);
    return;
  }
  asked->length += got;
  char *end = memchr(asked->reply, '\n', asked->length);
  if (end != NULL) {
    *end = '\0';
    read_reply(asked, asked->reply);
  } else if (asked->length == sizeof asked->reply) {
    finish(asked, BT_MDNS_FAILED, NULL);
  } else {
    read_more(asked);
  }
}

static void
read_more(Asked *asked)
{
  g_input_stream_read_async(g_io_stream_get_input_stream(G_IO_STREAM(asked->connection)),
                            asked->reply + asked->length, sizeof asked->reply - asked->length,
                            G_PRIORITY_DEFAULT, NULL, on_read, asked);
}

static void
on_written(GObject *stream, GAsyncResult *result, gpointer data)
{
  Asked *asked = data;

  if (g_output_stream_write_all_finish(G_OUTPUT_STREAM(stream), result, NULL, NULL))
    read_more(asked);
  else
    finish(asked, BT_MDNS_FAILED, NULL);
}

static void
on_connected(GObject *client, GAsyncResult *result, gpointer data)
{
  Asked *asked = data;

  asked->connection = g_socket_client_connect_finish(G_SOCKET_CLIENT(client), result, NULL);
  if (asked->connection == NULL) {
    finish(asked, BT_MDNS_NO_NAME, NULL);
    return;
  }
  g_output_stream_write_all_async(
    g_io_stream_get_output_stream(G_IO_STREAM(asked->connection)), asked->question,
    strlen(asked->question), G_PRIORITY_DEFAULT, NULL, on_written, asked);
}

void
bt_mdns_look_up(const char *socket_path, const char *name, BtMdnsDone done, gpointer data)
{
  g_autoptr(GSocketAddress) address = g_unix_socket_address_new(socket_path);
  g_autoptr(GSocketClient) client = g_socket_client_new();
  Asked *asked = g_new0(Asked, 1);

  asked->done = done;
  asked->data = data;
  asked->question = g_strdup_printf("RESOLVE-HOSTNAME-IPV4 %s\n", name);
  g_socket_client_set_timeout(client, TIMEOUT_SECONDS);
  g_socket_client_connect_async(client, G_SOCKET_CONNECTABLE(address), NULL, on_connected, asked);
}
