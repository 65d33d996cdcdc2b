/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "policy/bt-net-item.h"
#include "policy/bt-policy-private.h"

/* "host|*.host|addr/prefix [ports] protos flags", items joined by "; ". */
static char *
describe(GPtrArray *items)
{
  g_autoptr(GString) text = g_string_new(NULL);

  for (guint i = 0; i < items->len; i++) {
    const BtNetItem *item = g_ptr_array_index(items, i);
    char addr[BT_ADDR_TEXT_SIZE];
    if (i > 0)
      g_string_append(text, "; ");
    if (item->host != NULL)
      g_string_append_printf(text, "%s%s", item->below ? "*." : "", item->host);
    else
      g_string_append_printf(text, "%s/%u", bt_addr_format(&item->addr, addr), item->prefix);
    for (guint p = 0; p < item->ports->len; p++) {
      const BtPortRange *range = &g_array_index(item->ports, BtPortRange, p);
      g_string_append_printf(text, "%c%u", p == 0 ? ' ' : ',', range->first);
      if (range->last != range->first)
        g_string_append_printf(text, "-%u", range->last);
    }
    g_string_append_c(text, ' ');
    if (item->proto & BT_PROTO_TCP)
      g_string_append_c(text, 't');
    if (item->proto & BT_PROTO_UDP)
      g_string_append_c(text, 'u');
    if (item->proto & BT_PROTO_ICMP)
      g_string_append_c(text, 'i');
    if (item->flags & BT_NET_RULE_LOOPBACK)
      g_string_append_c(text, 'L');
    g_assert_cmpint(item->host != NULL, ==, (item->flags & BT_NET_RULE_NAME) != 0);
  }
  return g_string_free(g_steal_pointer(&text), FALSE);
}

static const struct {
  const char *list, *items;
} good[] = {
  { "github.com", "github.com t" },
  { "GitHub.COM", "github.com t" },
  { "github.com.", "github.com t" },
  { "*.github.com", "*.github.com t" },
  { "*.GitHub.com:443", "*.github.com 443 t" },
  { "b\xc3\xbc"
    "cher.example",
    "xn--bcher-kva.example t" },
  { "B\xc3\x9c"
    "CHER.example",
    "xn--bcher-kva.example t" },
  { "host:443", "host 443 t" },
  { "host:1-3,5", "host 1-3,5 t" },
  { "host:1-3,5,9-9,other", "host 1-3,5,9 t; other t" },
  { "a,b", "a t; b t" },
  { "host/udp", "host u" },
  { "host/tcp", "host t" },
  { "host/any", "host tu" },
  { "host:123/udp", "host 123 u" },
  { "host:123/udp,124", "host 123,124 u" },
  { "my_host-1", "my_host-1 t" },
  { "1and1.com", "1and1.com t" },
  { "0xdead.beef.example", "0xdead.beef.example t" },
  { "192.0.2.1", "192.0.2.1/128 t" },
  { "192.0.2.1:80", "192.0.2.1/128 80 t" },
  { "192.0.2.1/any", "192.0.2.1/128 tui" },
  { "192.0.2.1:80/any", "192.0.2.1/128 80 tu" },
  { "10.0.0.0/8", "10.0.0.0/104 t" },
  { "10.0.0.0/8:22", "10.0.0.0/104 22 t" },
  { "10.0.0.0/8:22/udp", "10.0.0.0/104 22 u" },
  { "10.0.0.0/8:22,80", "10.0.0.0/104 22,80 t" },
  { "0.0.0.0/0", "0.0.0.0/96 t" },
  { "127.0.0.0/8", "127.0.0.0/104 tL" },
  { "127.0.0.1:5432", "127.0.0.1/128 5432 tL" },
  { "localhost", "127.0.0.0/104 tL; ::1/128 tL" },
  { "localhost:80,443", "127.0.0.0/104 80,443 tL; ::1/128 80,443 tL" },
  { "LocalHost./any", "127.0.0.0/104 tuiL; ::1/128 tuiL" },
  { "2001:db8::1", "2001:db8::1/128 t" },
  { "[2001:db8::1]", "2001:db8::1/128 t" },
  { "[2001:db8::1]:443", "2001:db8::1/128 443 t" },
  { "[2001:db8::1]:443/udp,444", "2001:db8::1/128 443,444 u" },
  { "2001:db8::/32", "2001:db8::/32 t" },
  { "[2001:db8::/32]:443", "2001:db8::/32 443 t" },
  { "[2001:db8::]/32:443", "2001:db8::/32 443 t" },
  { "2001:db8::/32:443", "2001:db8::/32 443 t" },
  { "::1", "::1/128 tL" },
  { "::/0", "::/0 t" },
};

static const struct {
  const char *list, *words;
} bad[] = {
  { "", "empty" },
  { ",", "empty" },
  { "a,", "empty" },
  { "a,,b", "empty" },
  { "2852039166", "number" },
  { "0x7f.1", "number" },
  { "127.1", "number" },
  { "0177.0.0.1", "number" },
  { "0x7f000001", "number" },
  { "host.0x7f", "number" },
  { "host.1", "number" },
  { "1.2.3.4.", "number" },
  { "256.0.0.1", "number" },
  { "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.1", "number" }, /* full-width digits */
  { "*.1.2.3.4", "number" },
  { "443", "number" },
  { "host,443", "already has every port" },
  { "host:", "not a port" },
  { "host:0", "not a port" },
  { "host:65536", "not a port" },
  { "host:http", "not a port" },
  { "host:*", "no port" },
  { "host:+80", "not a port" },
  { "host: 80", "not a port" },
  { "host:9-1", "above its last" },
  { "host:1-", "not a port" },
  { "host:80,9-1", "above its last" },
  { "host:1-2-3", "not a port" },
  { "host/sctp", "protocol" },
  { "host/TCP", "protocol" },
  { "host/", "address block" },
  { "host/8", "address block" },
  { "10.0.0.0/33", "prefix" },
  { "10.0.0.0/+8", "prefix" },
  { "10.0.0.0/08", "prefix" },
  { "10.0.0.1/8", "not its first" },
  { "2001:db8::1/32", "not its first" },
  { "2001:db8::/129", "prefix" },
  { "https://github.com/", "URL" },
  { "github.com/path", "protocol" },
  { "*", "\"*\" alone" },
  { "a.*.com", "first part" },
  { "*a.com", "first part" },
  { "*.*.com", "first part" },
  { "*.", "no name" },
  { ".", "empty part" },
  { "a..b", "empty part" },
  { ".a", "empty part" },
  { "-a.com", "starts" },
  { "a b", "character" },
  { "user@host", "character" },
  { "fe80::1%eth0", "IPv6" },
  { "[fe80::1", "\"[\"" },
  { "[::1]x", "after \"]\"" },
  { "[10.0.0.1]:80", "brackets" },
  { "[::1]:80:90", "not a port" },
  { "\xff\xfe.com", "not a name" },
};

static void
test_good(gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE(data);
  g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)bt_net_item_free);
  g_autoptr(GPtrArray) written = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) error = NULL;

  gboolean ok = bt_net_item_parse_list(good[i].list, BT_ACTION_ALLOW, items, written, &error);
  g_assert_no_error(error);
  g_assert_true(ok);
  g_assert_cmpuint(items->len, ==, written->len);
  g_autofree char *text = describe(items);
  g_assert_cmpstr(text, ==, good[i].items);
}

static void
test_bad(gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE(data);
  g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)bt_net_item_free);
  g_autoptr(GError) error = NULL;

  if (bt_net_item_parse_list(bad[i].list, BT_ACTION_ALLOW, items, NULL, &error))
    g_error("\"%s\" is taken", bad[i].list);
  g_assert_nonnull(error);
  if (strstr(error->message, bad[i].words) == NULL)
    g_error("\"%s\" gives \"%s\" without \"%s\"", bad[i].list, error->message, bad[i].words);
}

/* Who denies a host means it, whatever the protocol. */
static void
test_deny_protocols(void)
{
  g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)bt_net_item_free);

  g_assert_true(
    bt_net_item_parse_list("a,10.0.0.0/8,10.0.0.0/8:1,b/udp", BT_ACTION_DENY, items, NULL, NULL));
  g_autofree char *text = describe(items);
  g_assert_cmpstr(text, ==, "a tu; 10.0.0.0/104 tui; 10.0.0.0/104 1 tu; b u");
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
    g_autofree char *name = g_strdup_printf("/net-item/good/%zu", i);
    g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_good);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autofree char *name = g_strdup_printf("/net-item/bad/%zu", i);
    g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_bad);
  }
  g_test_add_func("/net-item/deny-protocols", test_deny_protocols);
  return g_test_run();
}
