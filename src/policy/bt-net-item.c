/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/bt-net-item.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "policy/bt-policy-private.h"

#define ALL_PROTOS (BT_PROTO_TCP | BT_PROTO_UDP | BT_PROTO_ICMP)
#define MAX_ITEM 512
#define MAX_NAME 253
#define MAX_LABEL 63

static gboolean
fail(GError **error, const char *reason, const char *cure)
{
  return bt_fail(error, BUNTIME_ERROR_USAGE, NULL, reason, cure);
}

static gboolean
is_digits(const char *text)
{
  return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* ---- addresses ---- */

static void
set_address(BtNetItem *item, const BtAddr *addr, guint prefix)
{
  item->addr = *addr;
  item->prefix = prefix;
  /* 0.0.0.0/0 starts inside the loopback's range but does not name it. */
  guint whole = bt_addr_is_ipv4(addr) ? 96 + 8 : 128;
  if (bt_addr_classify(addr) == BT_ADDR_LOOPBACK && prefix >= whole)
    item->flags |= BT_NET_RULE_LOOPBACK;
}

static void
clear_host_bits(BtAddr *addr, guint prefix)
{
  for (guint i = 0; i < 16; i++) {
    guint bits = prefix > i * 8 ? MIN(prefix - i * 8, 8) : 0;
    addr->bytes[i] &= (guint8)(0xff00 >> bits);
  }
}

gboolean
bt_net_item_set_cidr(BtNetItem *item, const char *cidr, GError **error)
{
  const char *slash = strchr(cidr, '/');
  g_autofree char *text = slash != NULL ? g_strndup(cidr, slash - cidr) : g_strdup(cidr);
  char canonical[BT_ADDR_TEXT_SIZE];
  guint64 prefix = 128;
  BtAddr addr;

  if (!bt_addr_parse(text, &addr))
    return fail(error, _("not an address"), _("write an address block as 10.0.0.0/8 or fd00::/8"));
  gboolean v4 = bt_addr_is_ipv4(&addr);
  gboolean mapped = v4 && strchr(text, ':') != NULL;
  guint width = v4 && !mapped ? 32 : 128;
  if (slash != NULL) {
    if (!is_digits(slash + 1) || (slash[1] == '0' && slash[2] != '\0') ||
        !g_ascii_string_to_unsigned(slash + 1, 10, 0, width, &prefix, NULL))
      return fail(error, _("the part after \"/\" is no prefix length"),
                  v4 ? _("write a number from 0 to 32") : _("write a number from 0 to 128"));
    prefix += 128 - width;
    if (mapped && prefix < 96)
      return fail(error, _("a block of IPv4-mapped addresses starts at /96"),
                  _("write it as an IPv4 block"));
  }
  BtAddr first = addr;
  clear_host_bits(&first, (guint)prefix);
  if (!bt_addr_equal(&first, &addr)) {
    g_autofree char *cure =
      g_strdup_printf(_("write %s%s"), bt_addr_format(&first, canonical), slash);
    return fail(error, _("an address inside the block, not its first"), cure);
  }
  set_address(item, &addr, (guint)prefix);
  return TRUE;
}

/* ---- names ---- */

/*
 * What inet_aton() would take for an address though it does not look like one
 * (RFC 3986 7.4): a name whose last label is a decimal, octal or hex number.
 */
static gboolean
is_numeric_host(const char *host)
{
  const char *dot = strrchr(host, '.');
  const char *label = dot != NULL ? dot + 1 : host;
  if (is_digits(label))
    return TRUE;
  return label[0] == '0' && label[1] == 'x' &&
         label[2 + strspn(label + 2, "0123456789abcdef")] == '\0';
}

static gboolean
check_labels(const char *host, GError **error)
{
  g_auto(GStrv) labels = g_strsplit(host, ".", -1);

  if (labels[0] == NULL)
    return fail(error, _("no name"), _("write names like github.com"));
  for (char **label = labels; *label != NULL; label++) {
    gsize length = strlen(*label);
    if (length == 0)
      return fail(error, _("a name with an empty part"), _("write names like github.com"));
    if (strchr(*label, '*') != NULL)
      return fail(error, _("\"*\" stands only for the whole first part of a name"),
                  _("write *.github.com for every name below github.com"));
    if ((*label)[strspn(*label, "abcdefghijklmnopqrstuvwxyz0123456789-_")] != '\0')
      return fail(error, _("a name with a character that names do not have"),
                  _("write names like github.com, without a scheme or a path"));
    if (length > MAX_LABEL || (*label)[0] == '-' || (*label)[length - 1] == '-')
      return fail(error, _("a part of the name is too long, or starts or ends with \"-\""), NULL);
  }
  return TRUE;
}

/* Lower-cased, IDNA, without the root's dot; NULL with the error set. */
static char *
normalise_name(const char *host, GError **error)
{
  g_autofree char *ascii = NULL;
  if (g_utf8_validate(host, -1, NULL))
    ascii = g_hostname_to_ascii(host);
  if (ascii == NULL) {
    fail(error, _("not a name"), _("write names like github.com"));
    return NULL;
  }
  g_autofree char *name = g_ascii_strdown(ascii, -1);
  gsize length = strlen(name);
  if (length > 1 && name[length - 1] == '.')
    name[length - 1] = '\0';
  /* Looked for only now: full-width digits and dots have just become plain ones. */
  if (is_numeric_host(name)) {
    fail(error, _("a number, which programs read as an address in more than one way"),
         _("write the address as four decimal numbers, like 10.0.0.1"));
    return NULL;
  }
  if (strlen(name) > MAX_NAME) {
    fail(error, _("a name of more than 253 characters"), NULL);
    return NULL;
  }
  return check_labels(name, error) ? g_steal_pointer(&name) : NULL;
}

/* Flags have both in one, files do not. */
static gboolean
fail_with_port(const char *port, GError **error)
{
  g_autofree char *cure = g_strdup_printf(_("write \"ports\": \"%s\" beside it"), port);
  return fail(error, _("a port after the name"), cure);
}

gboolean
bt_net_item_set_host(BtNetItem *item, const char *host, GError **error)
{
  const char *colon = strchr(host, ':');
  BtAddr addr;

  if (host[0] == '\0')
    return fail(error, _("no host"), _("write a name or an address"));
  if (strcmp(host, "*") == 0)
    return fail(error, _("\"*\" alone is no host"),
                _("leave the value out for everything, or write *.github.com"));
  if (bt_addr_parse(host, &addr)) {
    set_address(item, &addr, 128);
    return TRUE;
  }
  if (colon != NULL && is_digits(colon + 1))
    return fail_with_port(colon + 1, error);
  if (colon != NULL)
    return fail(error, _("not an IPv6 address"), _("write it like 2001:db8::1, without a zone"));
  if (g_str_has_prefix(host, "*.")) {
    item->below = TRUE;
    host += 2;
  }
  g_autofree char *name = normalise_name(host, error);
  if (name == NULL)
    return FALSE;
  if (strcmp(name, "localhost") == 0 && !item->below) {
    bt_addr_parse("127.0.0.0", &addr);
    set_address(item, &addr, 96 + 8);
    return TRUE;
  }
  item->host = g_steal_pointer(&name);
  item->flags |= BT_NET_RULE_NAME;
  return TRUE;
}

BtNetItem *
bt_net_item_localhost_v6(const BtNetItem *item)
{
  BtNetItem *twin = bt_net_item_copy(item);
  bt_addr_parse("::1", &twin->addr);
  twin->prefix = 128;
  return twin;
}

gboolean
bt_net_item_is_wide(const BtNetItem *item)
{
  if (item->host != NULL)
    return FALSE;
  return item->everything ||
         (item->prefix == 96 && bt_addr_is_ipv4(&item->addr) && bt_addr_get_ipv4(&item->addr) == 0);
}

/* ---- ports and protocols ---- */

static gboolean
parse_port(const char *text, guint16 *port_out)
{
  guint64 port;
  if (!is_digits(text) || !g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &port, NULL))
    return FALSE;
  *port_out = (guint16)port;
  return TRUE;
}

static gboolean
add_port_range(BtNetItem *item, const char *text, GError **error)
{
  const char *dash = strchr(text, '-');
  g_autofree char *first = dash != NULL ? g_strndup(text, dash - text) : g_strdup(text);
  BtPortRange range;

  if (strcmp(text, "*") == 0)
    return fail(error, _("\"*\" is no port"), _("leave the port out for every port"));
  if (!parse_port(first, &range.first) || !parse_port(dash != NULL ? dash + 1 : first, &range.last))
    return fail(error, _("not a port"), _("write a number from 1 to 65535, or two as 8000-9000"));
  if (range.first > range.last)
    return fail(error, _("the first port of the range is above its last"),
                _("write the lower one first"));
  g_array_append_val(item->ports, range);
  return TRUE;
}

gboolean
bt_net_item_add_ports(BtNetItem *item, const char *ports, GError **error)
{
  g_auto(GStrv) ranges = g_strsplit(ports, ",", -1);

  if (ranges[0] == NULL)
    return fail(error, _("no port"), _("leave the ports out for every port"));
  for (char **range = ranges; *range != NULL; range++)
    if (!add_port_range(item, g_strstrip(*range), error))
      return FALSE;
  return TRUE;
}

gboolean
bt_net_item_set_proto(BtNetItem *item, const char *word, BtAction action, GError **error)
{
  guint all = BT_PROTO_TCP | BT_PROTO_UDP;
  /* An echo request has no port and reaches no name: only whole addresses have it. */
  if (item->host == NULL && item->ports->len == 0)
    all = ALL_PROTOS;
  if (word == NULL)
    item->proto = action == BT_ACTION_DENY ? all : BT_PROTO_TCP;
  else if (strcmp(word, "tcp") == 0)
    item->proto = BT_PROTO_TCP;
  else if (strcmp(word, "udp") == 0)
    item->proto = BT_PROTO_UDP;
  else if (strcmp(word, "any") == 0)
    item->proto = all;
  else
    return fail(error, _("an unknown protocol"), _("write tcp, udp or any"));
  return TRUE;
}

/* ---- items ---- */

/* The parts of an item's text, cut out of one copy. */
typedef struct {
  char *where; /* may hold "/prefix" */
  char *range; /* NULL: no port */
  char *proto; /* NULL: none */
} Parts;

static gboolean
split_bracketed(char *text, Parts *parts, GError **error)
{
  char *end = strchr(text, ']');
  if (end == NULL)
    return fail(error, _("a \"[\" without its \"]\""), _("write [2001:db8::1]:443"));
  char *rest = end + 1;
  char *colon = strchr(rest, ':');
  if (*rest != '\0' && *rest != ':' && *rest != '/')
    return fail(error, _("something else than a port after \"]\""), _("write [2001:db8::1]:443"));
  if (colon != NULL) {
    *colon = '\0';
    parts->range = colon + 1;
  }
  /* "[fd00::]/8" and "[fd00::/8]" become fd00::/8. */
  memmove(end, rest, strlen(rest) + 1);
  parts->where = text + 1;
  if (strchr(parts->where, ':') == NULL)
    return fail(error, _("brackets are for IPv6 addresses"), _("write it without them"));
  return TRUE;
}

static gboolean
split_item(char *text, Parts *parts, GError **error)
{
  if (strstr(text, "://") != NULL)
    return fail(error, _("a URL"), _("write only the host and port, like github.com:443"));
  char *slash = strrchr(text, '/');
  if (slash != NULL && !is_digits(slash + 1) && g_ascii_isalpha(slash[1]) &&
      strchr(slash, ':') == NULL) {
    *slash = '\0';
    parts->proto = slash + 1;
  }
  if (text[0] == '[')
    return split_bracketed(text, parts, error);
  parts->where = text;
  slash = strchr(text, '/');
  char *colon = strchr(slash != NULL ? slash : text, ':');
  /* Two colons and no prefix: a bare IPv6 address. */
  if (colon != NULL && (slash != NULL || strchr(colon + 1, ':') == NULL)) {
    *colon = '\0';
    parts->range = colon + 1;
  }
  return TRUE;
}

static gboolean
parse_item(BtNetItem *item, const char *text, BtAction action, GError **error)
{
  char copy[MAX_ITEM + 1];
  Parts parts = { copy, NULL, NULL };

  if (text[0] == '\0')
    return fail(error, _("an empty item"),
                _("leave the value out for everything, or write hosts with a comma between them"));
  if (g_strlcpy(copy, text, sizeof copy) >= sizeof copy)
    return fail(error, _("an item of more than 512 characters"), _("names have at most 253"));
  if (!split_item(copy, &parts, error))
    return FALSE;
  gboolean block = strchr(parts.where, '/') != NULL;
  return (block ? bt_net_item_set_cidr(item, parts.where, error)
                : bt_net_item_set_host(item, parts.where, error)) &&
         (parts.range == NULL || add_port_range(item, parts.range, error)) &&
         bt_net_item_set_proto(item, parts.proto, action, error);
}

/* "5" or "8-9" after "host:1-3". */
static gboolean
continue_ports(GPtrArray *items, guint from, const char *text, GError **error)
{
  for (guint i = from; i < items->len; i++) {
    BtNetItem *item = g_ptr_array_index(items, i);
    if (item->ports->len == 0)
      return fail(error, _("a port after a host that already has every port"),
                  _("write the ports after the host, like github.com:80,443"));
    if (!add_port_range(item, text, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
is_ports(const char *text)
{
  return text[0] != '\0' && text[strspn(text, "0123456789-")] == '\0';
}

gboolean
bt_net_item_parse_list(const char *list, BtAction action, GPtrArray *items_out,
                       GPtrArray *written_out, GError **error)
{
  g_auto(GStrv) texts = g_strsplit(list, ",", -1);
  guint last = items_out->len; /* where the items of the text before start */
  gboolean first = TRUE;

  if (texts[0] == NULL)
    return fail(error, _("an empty value"),
                _("leave the \"=\" out for everything, or write a host after it"));
  for (char **text = texts; *text != NULL; text++, first = FALSE) {
    GError *cause = NULL;
    gboolean ok;
    if (!first && is_ports(*text)) {
      ok = continue_ports(items_out, last, *text, &cause);
    } else {
      g_autoptr(BtNetItem) item = bt_net_item_new();
      ok = parse_item(item, *text, action, &cause);
      if (ok) {
        gboolean localhost = g_ascii_strncasecmp(*text, "localhost", 9) == 0 && item->host == NULL;
        last = items_out->len;
        g_ptr_array_add(items_out, g_steal_pointer(&item));
        if (localhost)
          g_ptr_array_add(items_out, bt_net_item_localhost_v6(g_ptr_array_index(items_out, last)));
        for (guint i = last; written_out != NULL && i < items_out->len; i++)
          g_ptr_array_add(written_out, g_strdup(*text));
      }
    }
    if (!ok)
      return bt_fail_for(error, BUNTIME_ERROR_USAGE, *text, cause);
  }
  return TRUE;
}
