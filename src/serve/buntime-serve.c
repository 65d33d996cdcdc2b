/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime-serve [NAME]: the library's API as lines of JSON, for hosts without GObject.
 *
 * `buntime serve` executes it. Without NAME the client is on stdin and stdout, and the server
 * ends with it; with NAME clients come by a socket (bt-listener.h). It is one thread and one
 * main loop; the library drives the workers in another.
 *
 *   bt-lines      lines of a client, and its not reading them
 *   bt-request    a line becomes a method and parameters, by the table in bt-methods
 *   bt-client     who asks, and what waits for an answer
 *   bt-calls      what the methods do
 *   bt-served     what workers do becomes notifications
 *   bt-node       JSON
 *
 * Who may speak to it is as good as the user: a policy limits workers, not clients.
 */
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/bt-language.h"
#include "serve/bt-client.h"
#include "serve/bt-listener.h"
#include "serve/bt-served.h"

/* For workers that were killed. */
#define PATIENCE_SECONDS 10

typedef struct {
  GMainLoop *loop;
  GPtrArray *clients;
  BtListener *listener; /* NULL: one client, on stdin and stdout */
} Server;

static void
on_closed(gpointer data, BtClient *client)
{
  Server *self = data;

  g_ptr_array_remove_fast(self->clients, client);
  bt_client_free(client);
  if (self->listener == NULL)
    g_main_loop_quit(self->loop);
}

static void
refuse(int fd)
{
  g_autoptr(GString) line = g_string_new("{\"id\":null");
  g_autoptr(GError) error = NULL;

  bt_fail(&error, BUNTIME_ERROR_BUSY, _("server"), _("too many clients"),
          _("close some of the connections"));
  bt_put_error(line, "error", error);
  g_string_append(line, "}\n");
  /* It is the first one, for which there is room. */
  (void)!write(fd, line->str, line->len);
  close(fd);
}

static void
on_connection(gpointer data, int fd)
{
  Server *self = data;

  if (self->clients->len == BT_SERVE_MAX_CLIENTS) {
    refuse(fd);
    return;
  }
  g_ptr_array_add(self->clients, bt_client_new(fd, fd, on_closed, self));
}

static gboolean
on_signal(gpointer data)
{
  Server *self = data;

  g_main_loop_quit(self->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_patience_over(gpointer data)
{
  *(gboolean *)data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Nothing of a worker outlives its server, whatever happens; here it is given time for its end. */
static void
end_all(Server *self)
{
  gboolean over = FALSE;

  /* First: nobody comes any more, and another server may begin. */
  g_clear_pointer(&self->listener, bt_listener_free);
  while (self->clients->len > 0) {
    BtClient *client = g_ptr_array_steal_index_fast(self->clients, 0);
    bt_client_free(client);
  }
  guint patience = g_timeout_add_seconds(PATIENCE_SECONDS, on_patience_over, &over);
  while (!over && bt_served_count_dying() > 0)
    g_main_context_iteration(NULL, TRUE);
  if (!over)
    g_source_remove(patience);
}

/*
 * The client's descriptors, out of the way: whoever writes to standard output or reads
 * standard input by mistake is not in the middle of a line.
 */
static gboolean
take_stdio(int fds_out[2])
{
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);

  fds_out[0] = fcntl(0, F_DUPFD_CLOEXEC, 3);
  fds_out[1] = fcntl(1, F_DUPFD_CLOEXEC, 3);
  return null >= 0 && fds_out[0] >= 0 && fds_out[1] >= 0 && dup2(null, 0) >= 0 && dup2(2, 1) >= 0;
}

static gboolean
start(Server *self, const char *name, GError **error)
{
  int fds[2];

  if (name == NULL) {
    if (!take_stdio(fds))
      return bt_fail(error, BUNTIME_ERROR_SETUP, _("standard input and output"),
                     _("cannot be had"), NULL);
    g_ptr_array_add(self->clients, bt_client_new(fds[0], fds[1], on_closed, self));
    return TRUE;
  }
  self->listener = bt_listener_new(name, on_connection, self, error);
  return self->listener != NULL;
}

/* Whoever started it can wait for this line. */
static void
announce(const Server *self)
{
  if (self->listener == NULL)
    return;
  printf("%s\n", bt_listener_get_path(self->listener));
  fflush(stdout);
}

int
main(int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  Server self = {
    .loop = g_main_loop_new(NULL, FALSE),
    .clients = g_ptr_array_new(),
  };

  bt_language_choose();
  signal(SIGPIPE, SIG_IGN);
  if (start(&self, argc > 1 ? argv[1] : NULL, &error)) {
    /* Not before: until then a signal ends us where we wait for another server to start. */
    g_unix_signal_add(SIGINT, on_signal, &self);
    g_unix_signal_add(SIGTERM, on_signal, &self);
    g_unix_signal_add(SIGHUP, on_signal, &self);
    announce(&self);
    g_main_loop_run(self.loop);
    end_all(&self);
  }
  g_ptr_array_unref(self.clients);
  g_main_loop_unref(self.loop);
  if (error == NULL)
    return 0;
  g_autofree char *text = buntime_error_format(error);
  fputs(text, stderr);
  return buntime_error_exit_status(error);
}
