/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-publish.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/buntime-error.h"

#define BACKLOG 128
/* The longest address in brackets, and two ports. */
#define MAX_TEXT 64

static gboolean
parse_port(const char *text, guint16 *port_out)
{
  guint64 port;

  if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &port, NULL))
    return FALSE;
  *port_out = (guint16)port;
  return TRUE;
}

/* Cuts the address off, if one is written; where the ports begin, or NULL. */
static const char *
parse_address(char *text, BtAddr *addr_out)
{
  char *end = text[0] == '[' ? strchr(text, ']') : strchr(text, ':');
  char *address = text[0] == '[' ? text + 1 : text;

  bt_addr_parse("127.0.0.1", addr_out);
  if (text[0] != '[' && (end == NULL || memchr(text, '.', (gsize)(end - text)) == NULL))
    return text;
  if (end == NULL || (text[0] == '[' && end[1] != ':'))
    return NULL;
  const char *ports = end + (text[0] == '[' ? 2 : 1);
  *end = '\0';
  /* IPv4 in brackets, or as ::ffff:1.2.3.4, is one address written in two ways. */
  if (!bt_addr_parse(address, addr_out) || bt_addr_is_ipv4(addr_out) != (text[0] != '['))
    return NULL;
  return ports;
}

static gboolean
parse(const char *text, BtPublished *published)
{
  char copy[MAX_TEXT];

  if (g_strlcpy(copy, text, sizeof copy) >= sizeof copy)
    return FALSE;
  const char *ports = parse_address(copy, &published->addr);
  if (ports == NULL)
    return FALSE;
  g_auto(GStrv) words = g_strsplit(ports, ":", -1);
  guint n_words = g_strv_length(words);
  return (n_words == 1 || n_words == 2) && parse_port(words[0], &published->port) &&
         parse_port(words[n_words - 1], &published->inner);
}

BtPublished *
bt_published_parse(const char *text, GError **error)
{
  g_autofree char *flag = g_strconcat("--publish=", text, NULL);
  BtPublished published = { .fd = -1 };

  if (parse(text, &published)) {
    published.origin.source = g_strdup("command line");
    published.origin.text = g_steal_pointer(&flag);
    return g_memdup2(&published, sizeof published);
  }
  bt_fail(error, BUNTIME_ERROR_USAGE, flag, _("not a port"),
          _("write --publish=8080, --publish=8080:80 or, to be reached from other machines, "
            "--publish=0.0.0.0:8080:80"));
  return NULL;
}

BtPublished *
bt_published_copy(const BtPublished *from)
{
  BtPublished *self = g_memdup2(from, sizeof *from);

  self->fd = -1;
  self->origin.source = g_strdup(from->origin.source);
  self->origin.text = g_strdup(from->origin.text);
  return self;
}

void
bt_published_free(BtPublished *self)
{
  if (self->fd >= 0)
    close(self->fd);
  g_free(self->origin.source);
  g_free(self->origin.text);
  g_free(self);
}

char *
bt_published_format(const BtPublished *self)
{
  char text[BT_ADDR_TEXT_SIZE];

  bt_addr_format(&self->addr, text);
  return g_strdup_printf(bt_addr_is_ipv4(&self->addr) ? "%s:%u" : "[%s]:%u", text, self->port);
}

static gboolean
listen_at(BtPublished *self)
{
  struct sockaddr_in ipv4 = {
    .sin_family = AF_INET,
    .sin_port = htons(self->port),
    .sin_addr.s_addr = bt_addr_get_ipv4(&self->addr),
  };
  struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6, .sin6_port = htons(self->port) };
  gboolean is_ipv4 = bt_addr_is_ipv4(&self->addr);
  const int on = 1;

  memcpy(&ipv6.sin6_addr, self->addr.bytes, sizeof ipv6.sin6_addr);
  self->fd = socket(is_ipv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (self->fd < 0)
    return FALSE;
  /* The last run's connections do not hold the port; and [::] means IPv6 alone. */
  setsockopt(self->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!is_ipv4)
    setsockopt(self->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  return bind(self->fd, is_ipv4 ? (const struct sockaddr *)&ipv4 : (const struct sockaddr *)&ipv6,
              is_ipv4 ? sizeof ipv4 : sizeof ipv6) == 0 &&
         listen(self->fd, BACKLOG) == 0;
}

static const char *
cure_of(int error)
{
  switch (error) {
  case EADDRINUSE:
    return _("choose another port of this machine, like --publish=8081:8080");
  case EACCES:
    return _("choose a port above 1023, like --publish=8080:80");
  case EADDRNOTAVAIL:
    return _("write an address that this machine has");
  default:
    return NULL;
  }
}

gboolean
bt_published_listen(BtPublished *self, GError **error)
{
  g_autofree char *object = NULL;
  g_autofree char *place = NULL;

  if (listen_at(self))
    return TRUE;
  int number = errno;
  place = bt_published_format(self);
  object = g_strdup_printf("%s (%s)", self->origin.text, place);
  return bt_fail(error, BUNTIME_ERROR_SETUP, object, g_strerror(number), cure_of(number));
}
