/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime-debug-ui: the debug UI's server. `buntime ui` and `buntime run --debug-ui` execute it,
 * with their own words.
 *
 * A page in a browser asks by a WebSocket for programs to be run under the policies that it
 * shows, and is told what they do. One thread, one main loop; the library drives the workers in
 * another.
 *
 *   bt-sockets     who is connected, for how long; bt-meter: how much of it is read
 *   bt-http        requests: the page's files, templates, and WebSockets
 *   bt-page        one WebSocket: the token, and what it is told when
 *   bt-batch       what it has not seen yet
 *   bt-ui          what all pages share
 *   bt-ui-calls    what a page asks for
 *   bt-policy-set  policies and flags become one policy, or problems
 *   bt-run         a worker, and what it told, in bt-scrollback's bounds
 *   bt-folder      where programs are files
 *
 * Whoever has the token is as good as the user. Workers are not: whatever policy the page gives
 * them, this port is denied to them (deny_port()).
 */
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/bt-language.h"
#include "cli/bt-options.h"
#include "debug-ui/bt-http.h"
#include "debug-ui/bt-start.h"
#include "debug-ui/bt-ui.h"

#define ADDRESS "127.0.0.1"
#define PORT 3000

typedef struct {
  const char *address;
  guint16 port;
  gboolean open;
} Options;

typedef struct {
  BtUi *ui;
  BtHttp *http;
} Server;

/* ---- flags ---- */

static gboolean
read_port(const char *value, guint16 *port_out, GError **error)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned(value, 10, 0, G_MAXUINT16, &number, NULL))
    return bt_fail(error, BUNTIME_ERROR_USAGE, value, _("not a port"),
                   _("write a number up to 65535, or 0 for any that is free"));
  *port_out = (guint16)number;
  return TRUE;
}

static gboolean
read_options(const BtCommandLine *line, Options *options, GError **error)
{
  *options = (Options){ .address = ADDRESS, .port = PORT };
  for (guint i = 0; i < line->given->len; i++) {
    const BtGiven *given = &g_array_index(line->given, BtGiven, i);
    if ((given->option->id == BT_OPTION_PORT || given->option->id == BT_OPTION_DEBUG_UI) &&
        given->value != NULL && !read_port(given->value, &options->port, error))
      return FALSE;
    if (given->option->id == BT_OPTION_LISTEN)
      options->address = given->value;
    options->open = options->open || given->option->id == BT_OPTION_OPEN;
  }
  return TRUE;
}

/* ---- the port ---- */

/* Every way to write what leads there; the name stands for the relay to the host's loopback. */
static gboolean
deny_port(gpointer data, BuntimePolicy *policy, GError **error)
{
  static const char *const loopback[] = { "127.0.0.0/8", "0.0.0.0", "[::1]", "[::]", "localhost" };
  const Server *self = data;
  const char *address = bt_http_get_address(self->http);
  g_autoptr(GString) items = g_string_new(strchr(address, ':') != NULL ? "[" : "");

  g_string_append_printf(items, "%s%s:%u", address, items->len > 0 ? "]" : "",
                         bt_http_get_port(self->http));
  for (gsize i = 0; i < G_N_ELEMENTS(loopback); i++)
    g_string_append_printf(items, ",%s:%u", loopback[i], bt_http_get_port(self->http));
  return buntime_policy_add_permission(policy, BUNTIME_PERMISSION_NET, FALSE, items->str, error);
}

/* ---- */

static void
on_socket(gpointer data, SoupWebsocketConnection *socket, GSocketAddress *remote)
{
  Server *self = data;
  bt_ui_add_page(self->ui, socket, remote);
}

static void
hang_up(gpointer data, GSocketAddress *remote)
{
  Server *self = data;
  bt_http_hang_up(self->http, remote);
}

static void
hold(gpointer data, GSocketAddress *remote, gboolean held)
{
  Server *self = data;
  bt_http_hold(self->http, remote, held);
}

static void
allow(gpointer data, GSocketAddress *remote, gsize bytes)
{
  Server *self = data;
  bt_http_allow(self->http, remote, bytes);
}

static gboolean
on_signal(gpointer data)
{
  g_main_loop_quit(data);
  return G_SOURCE_CONTINUE;
}

static void
on_opened(GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr(GError) error = NULL;

  if (!g_app_info_launch_default_for_uri_finish(result, &error))
    fprintf(stderr, _("buntime: the browser was not opened: %s\n"), error->message);
}

/* By a file: what programs are started with can be read by every user. */
static void
open_browser(const Server *self, const char *url)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *path = bt_ui_write_link(self->ui, url, &error);
  g_autofree char *uri = path != NULL ? g_filename_to_uri(path, NULL, &error) : NULL;

  if (uri != NULL)
    g_app_info_launch_default_for_uri_async(uri, NULL, NULL, on_opened, NULL);
  else
    fprintf(stderr, _("buntime: the browser was not opened: %s\n"), error->message);
}

static void
announce(const Server *self, const Options *options)
{
  g_autofree char *url =
    g_strdup_printf("%s/#token=%s", bt_http_get_origin(self->http), bt_ui_get_token(self->ui));

  g_autoptr(GInetAddress) address =
    g_inet_address_new_from_string(bt_http_get_address(self->http));
  if (address == NULL || !g_inet_address_get_is_loopback(address))
    fprintf(stderr, _("buntime: %s: not only this machine can reach the page; whoever sees its "
                      "address or its packets can run programs as you\n"),
            bt_http_get_address(self->http));
  /* Whoever started it can wait for this line. */
  printf("%s\n", url);
  fflush(stdout);
  if (options->open)
    open_browser(self, url);
}

static gboolean
serve(const BtCommandLine *line, GError **error)
{
  static const BtUiFuncs funcs = {
    .deny = deny_port,
    .hang_up = hang_up,
    .hold = hold,
    .allow = allow,
  };
  g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
  g_autofree char *start = NULL;
  Server self = { 0 };
  Options options;

  if (!read_options(line, &options, error) || !bt_start_read(line, &start, error))
    return FALSE;
  g_unix_signal_add(SIGINT, on_signal, loop);
  g_unix_signal_add(SIGTERM, on_signal, loop);
  g_unix_signal_add(SIGHUP, on_signal, loop);
  /* It ends after nobody can connect any more. */
  g_autoptr(BtUi) ui = NULL;
  g_autoptr(BtHttp) http = bt_http_new(options.address, options.port, on_socket, &self, error);
  if (http == NULL)
    return FALSE;
  ui = bt_ui_new(start, &funcs, &self, error);
  if (ui == NULL)
    return FALSE;
  self = (Server){ .ui = ui, .http = http };
  announce(&self, &options);
  g_main_loop_run(loop);
  return TRUE;
}

int
main(int argc, char **argv)
{
  g_auto(BtCommandLine) line = BT_COMMAND_LINE_INIT;
  g_autoptr(GError) error = NULL;

  bt_language_choose();
  signal(SIGPIPE, SIG_IGN);
  if (bt_command_line_parse((const char *const *)argv, &line, &error) && serve(&line, &error))
    return 0;
  g_autofree char *text = buntime_error_format(error);
  fputs(text, stderr);
  return buntime_error_exit_status(error);
}
