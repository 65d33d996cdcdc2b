/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-http.h"

#include <string.h>

#include "debug-ui/bt-sockets.h"
#include "debug-ui/bt-templates.h"

/* Of a request: none has one that is looked at. */
#define MAX_BODY (64 << 10)
#define SOCKET "/ws"
#define PAGE "/io/github/buntime/debug-ui/page/"

struct _BtHttp {
  BtSockets *sockets;
  SoupServer *server;
  GHashTable *files; /* a URL's path → its resource's */
  char *host;        /* "127.0.0.1:3000" */
  char *origin, *csp;
  BtHttpFunc func;
  gpointer data;
};

/* ---- who asks ---- */

typedef struct {
  const char *name;
  const char *value; /* of the last one */
  guint count;
} Header;

static void
look_at_header(const char *name, const char *value, gpointer data)
{
  Header *header = data;

  if (g_ascii_strcasecmp(name, header->name) != 0)
    return;
  header->value = value;
  header->count++;
}

/* Exactly once, and exactly this. */
static gboolean
has_header(SoupServerMessage *message, const char *name, const char *value)
{
  Header header = { .name = name };

  soup_message_headers_foreach(soup_server_message_get_request_headers(message), look_at_header,
                               &header);
  return header.count == 1 && strcmp(header.value, value) == 0;
}

/* The URI's own host, where a request was made as to a proxy. */
static gboolean
is_our_uri(const BtHttp *self, SoupServerMessage *message)
{
  GUri *uri = soup_server_message_get_uri(message);
  const char *host = g_uri_get_host(uri);

  if (host == NULL)
    return FALSE;
  gboolean v6 = strchr(host, ':') != NULL;
  g_autofree char *base =
    g_strdup_printf("%s://%s%s%s:%d", g_uri_get_scheme(uri), v6 ? "[" : "", host, v6 ? "]" : "",
                    g_uri_get_port(uri));

  return strcmp(base, self->origin) == 0 && g_uri_get_userinfo(uri) == NULL;
}

/* 0: it may ask. */
static guint
refuse(const BtHttp *self, SoupServerMessage *message)
{
  if (!has_header(message, "Host", self->host) || !is_our_uri(self, message))
    return SOUP_STATUS_MISDIRECTED_REQUEST;
  if (strcmp(soup_server_message_get_method(message), "GET") != 0)
    return SOUP_STATUS_METHOD_NOT_ALLOWED;
  return 0;
}

/*
 * The same of what libsoup takes for the WebSocket. That is more than the one path, "/wsx" among
 * them: whatever is looked at for one of them has to be looked at for all.
 */
static guint
refuse_socket(const BtHttp *self, SoupServerMessage *message)
{
  const char *path = g_uri_get_path(soup_server_message_get_uri(message));
  guint status = refuse(self, message);

  if (status != 0)
    return status;
  if (strcmp(path, SOCKET) != 0)
    return SOUP_STATUS_NOT_FOUND;
  return has_header(message, "Origin", self->origin) ? 0 : SOUP_STATUS_FORBIDDEN;
}

/* libsoup answers when it has read the body, whatever was said to that. */
static gboolean
has_large_body(SoupServerMessage *message)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
  SoupEncoding encoding = soup_message_headers_get_encoding(headers);

  /* Not below 0, either: that is what too large a number becomes. */
  if (encoding == SOUP_ENCODING_CONTENT_LENGTH)
    return (guint64)soup_message_headers_get_content_length(headers) > MAX_BODY;
  return encoding != SOUP_ENCODING_NONE;
}

/* Before a body is read. status: 0, or how it is refused. */
static void
begin(BtHttp *self, SoupServerMessage *message, guint status)
{
  GSocketAddress *remote = soup_server_message_get_remote_address(message);

  soup_message_body_set_accumulate(soup_server_message_get_request_body(message), FALSE);
  if (has_large_body(message)) {
    bt_sockets_hang_up(self->sockets, remote);
    return;
  }
  bt_sockets_touch(self->sockets, remote);
  if (status == 0)
    return;
  SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);
  if (status == SOUP_STATUS_METHOD_NOT_ALLOWED)
    soup_message_headers_replace(headers, "Allow", "GET");
  soup_message_headers_replace(headers, "Connection", "close");
  soup_server_message_set_status(message, status, NULL);
}

static void
on_early(SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
         gpointer data)
{
  begin(data, message, refuse(data, message));
}

static void
on_early_socket(SoupServer *server, SoupServerMessage *message, const char *path,
                GHashTable *query, gpointer data)
{
  begin(data, message, refuse_socket(data, message));
}

/* ---- answers ---- */

/* On every answer, also those that libsoup gives itself. */
static void
on_started(SoupServer *server, SoupServerMessage *message, gpointer data)
{
  BtHttp *self = data;
  SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);
  const struct {
    const char *name, *value;
  } all[] = {
    { "Content-Security-Policy", self->csp },
    { "X-Content-Type-Options", "nosniff" },
    { "Referrer-Policy", "no-referrer" },
    { "Cross-Origin-Opener-Policy", "same-origin" },
    { "Cross-Origin-Embedder-Policy", "require-corp" },
    { "Cross-Origin-Resource-Policy", "same-origin" },
    { "Cache-Control", "no-store" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
    soup_message_headers_replace(headers, all[i].name, all[i].value);
}

static const char *
type_of(const char *path)
{
  static const struct {
    const char *suffix, *type;
  } types[] = {
    { ".html", "text/html; charset=utf-8" }, { ".js", "text/javascript; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" },   { ".svg", "image/svg+xml" },
    { ".png", "image/png" },                 { ".woff2", "font/woff2" },
    { ".json", "application/json" },         { ".txt", "text/plain; charset=utf-8" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
    if (g_str_has_suffix(path, types[i].suffix))
      return types[i].type;
  return "application/octet-stream";
}

static void
answer(SoupServerMessage *message, const char *type, GBytes *bytes)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);

  soup_message_headers_set_content_type(headers, type, NULL);
  soup_message_body_append_bytes(soup_server_message_get_response_body(message), bytes);
  soup_server_message_set_status(message, SOUP_STATUS_OK, NULL);
}

static void
on_request(SoupServer *server, SoupServerMessage *message, const char *normal, GHashTable *query,
           gpointer data)
{
  BtHttp *self = data;
  GUri *uri = soup_server_message_get_uri(message);
  /* As it was written: nothing is decoded, and no name has a '%'. */
  const char *path = g_uri_get_path(uri);
  const char *resource = g_hash_table_lookup(self->files, path);
  g_autoptr(GBytes) bytes = resource != NULL
                              ? g_resources_lookup_data(resource, 0, NULL)
                              : bt_templates_answer(path);

  if (bytes == NULL)
    soup_server_message_set_status(message, SOUP_STATUS_NOT_FOUND, NULL);
  else
    answer(message, resource != NULL ? type_of(resource) : "application/json", bytes);
}

static void
on_socket(SoupServer *server, SoupServerMessage *message, const char *path,
          SoupWebsocketConnection *socket, gpointer data)
{
  BtHttp *self = data;

  GSocketAddress *remote = soup_server_message_get_remote_address(message);

  bt_sockets_keep(self->sockets, remote);
  self->func(self->data, socket, remote);
}

/* ---- */

static void
on_connection(gpointer data, GIOStream *stream, GSocketAddress *local, GSocketAddress *remote)
{
  BtHttp *self = data;
  soup_server_accept_iostream(self->server, stream, local, remote, NULL);
}

/* What is there besides the page's files is for ourselves. */
static gboolean
is_served(const char *name)
{
  return strcmp(name, "messages.txt") != 0;
}

static void
add_files(BtHttp *self)
{
  g_auto(GStrv) names = g_resources_enumerate_children(PAGE, 0, NULL);

  for (char **name = names; name != NULL && *name != NULL; name++) {
    const char *path = strcmp(*name, "index.html") == 0 ? "" : *name;
    if (is_served(*name))
      g_hash_table_insert(self->files, g_strconcat("/", path, NULL),
                          g_strconcat(PAGE, *name, NULL));
  }
}

static void
set_names(BtHttp *self)
{
  const char *address = bt_sockets_get_address(self->sockets);
  gboolean v6 = strchr(address, ':') != NULL;

  self->host = g_strdup_printf("%s%s%s:%u", v6 ? "[" : "", address, v6 ? "]" : "",
                               bt_sockets_get_port(self->sockets));
  self->origin = g_strconcat("http://", self->host, NULL);
  self->csp = g_strdup_printf(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self' ws://%s; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'",
    self->host);
}

static SoupServer *
make_server(BtHttp *self)
{
  /* A path as it came: what it decodes to is nobody's business here. */
  SoupServer *server = soup_server_new("raw-paths", TRUE, NULL);

  /* A few bytes of it can become many. */
  soup_server_remove_websocket_extension(server, SOUP_TYPE_WEBSOCKET_EXTENSION_DEFLATE);
  g_signal_connect(server, "request-started", G_CALLBACK(on_started), self);
  soup_server_add_early_handler(server, "/", on_early, self, NULL);
  soup_server_add_handler(server, "/", on_request, self, NULL);
  soup_server_add_early_handler(server, SOCKET, on_early_socket, self, NULL);
  soup_server_add_websocket_handler(server, SOCKET, NULL, NULL, on_socket, self, NULL);
  return server;
}

BtHttp *
bt_http_new(const char *address, guint16 port, BtHttpFunc func, gpointer data, GError **error)
{
  g_autoptr(BtHttp) self = g_new0(BtHttp, 1);

  self->func = func;
  self->data = data;
  self->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  self->sockets = bt_sockets_new(address, port, on_connection, self, error);
  if (self->sockets == NULL)
    return NULL;
  set_names(self);
  add_files(self);
  self->server = make_server(self);
  return g_steal_pointer(&self);
}

void
bt_http_hang_up(BtHttp *self, GSocketAddress *remote)
{
  bt_sockets_hang_up(self->sockets, remote);
}

void
bt_http_hold(BtHttp *self, GSocketAddress *remote, gboolean held)
{
  bt_sockets_hold(self->sockets, remote, held);
}

void
bt_http_allow(BtHttp *self, GSocketAddress *remote, gsize bytes)
{
  bt_sockets_allow(self->sockets, remote, bytes);
}

guint16
bt_http_get_port(const BtHttp *self)
{
  return bt_sockets_get_port(self->sockets);
}

const char *
bt_http_get_address(const BtHttp *self)
{
  return bt_sockets_get_address(self->sockets);
}

const char *
bt_http_get_origin(const BtHttp *self)
{
  return self->origin;
}

void
bt_http_free(BtHttp *self)
{
  if (self->server != NULL)
    soup_server_disconnect(self->server);
  g_clear_object(&self->server);
  g_clear_pointer(&self->sockets, bt_sockets_free);
  g_hash_table_unref(self->files);
  g_free(self->host);
  g_free(self->origin);
  g_free(self->csp);
  g_free(self);
}
