/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <glib.h>
#include <string.h>

#include "wire/bt-addr.h"

#define PUBLIC BT_ADDR_PUBLIC
#define LOOPBACK BT_ADDR_LOOPBACK
#define SPECIAL BT_ADDR_SPECIAL
#define SINKHOLE BT_ADDR_SINKHOLE

static BtAddr
parse(const char *text)
{
  BtAddr addr;

  g_assert_true(bt_addr_parse(text, &addr));
  return addr;
}

/* The first and last address of each range, and those beside it. */
static const struct {
  const char *text;
  BtAddrClass class;
} classes[] = {
  { "0.0.0.0", LOOPBACK },
  { "0.0.0.1", LOOPBACK },
  { "0.255.255.255", LOOPBACK },
  { "1.0.0.0", PUBLIC },
  { "1.1.1.1", PUBLIC },
  { "9.255.255.255", PUBLIC },
  { "10.0.0.0", SPECIAL },
  { "10.0.2.2", SPECIAL },
  { "10.255.255.255", SPECIAL },
  { "11.0.0.0", PUBLIC },
  { "100.63.255.255", PUBLIC },
  { "100.64.0.0", SPECIAL },
  { "100.127.255.255", SPECIAL },
  { "100.128.0.0", PUBLIC },
  { "126.255.255.255", PUBLIC },
  { "127.0.0.0", LOOPBACK },
  { "127.0.0.1", LOOPBACK },
  { "127.255.255.255", LOOPBACK },
  { "128.0.0.0", PUBLIC },
  { "169.253.255.255", PUBLIC },
  { "169.254.0.0", SPECIAL },
  { "169.254.169.254", SPECIAL },
  { "169.254.255.255", SPECIAL },
  { "169.255.0.0", PUBLIC },
  { "172.15.255.255", PUBLIC },
  { "172.16.0.0", SPECIAL },
  { "172.31.255.255", SPECIAL },
  { "172.32.0.0", PUBLIC },
  { "191.255.255.255", PUBLIC },
  { "192.0.0.0", SPECIAL },
  { "192.0.0.9", SPECIAL },
  { "192.0.0.10", SPECIAL },
  { "192.0.0.170", SPECIAL },
  { "192.0.0.255", SPECIAL },
  { "192.0.1.0", PUBLIC },
  { "192.0.2.1", PUBLIC },
  { "192.31.196.1", PUBLIC },
  { "192.52.193.1", PUBLIC },
  { "192.88.98.255", PUBLIC },
  { "192.88.99.0", SPECIAL },
  { "192.88.99.2", SPECIAL },
  { "192.88.100.0", PUBLIC },
  { "192.167.255.255", PUBLIC },
  { "192.168.0.0", SPECIAL },
  { "192.168.255.255", SPECIAL },
  { "192.169.0.0", PUBLIC },
  { "192.175.48.1", PUBLIC },
  { "198.17.255.255", PUBLIC },
  { "198.18.0.0", SINKHOLE },
  { "198.19.255.255", SINKHOLE },
  { "198.20.0.0", PUBLIC },
  { "198.51.100.7", PUBLIC },
  { "203.0.113.7", PUBLIC },
  { "223.255.255.255", PUBLIC },
  { "224.0.0.0", SPECIAL },
  { "233.252.0.1", SPECIAL },
  { "239.255.255.255", SPECIAL },
  { "240.0.0.0", SPECIAL },
  { "255.255.255.254", SPECIAL },
  { "255.255.255.255", SPECIAL },

  { "::", LOOPBACK },
  { "::1", LOOPBACK },
  { "::127.0.0.1", LOOPBACK },
  { "::8.8.8.8", SPECIAL },
  { "::10.0.0.1", SPECIAL },
  { "::ffff:127.0.0.1", LOOPBACK },
  { "::ffff:8.8.8.8", PUBLIC },
  { "::ffff:0:8.8.8.8", SPECIAL },
  { "::ffff:0:127.0.0.1", LOOPBACK },
  { "64:ff9b::8.8.8.8", PUBLIC },
  { "64:ff9b::10.0.0.1", SPECIAL },
  { "64:ff9b::127.0.0.1", LOOPBACK },
  { "64:ff9b::0.0.0.0", LOOPBACK },
  { "64:ff9b::198.18.0.1", SINKHOLE },
  { "64:ff9b:0:0:0:1:808:808", SPECIAL },
  { "64:ff9b:1::8.8.8.8", SPECIAL },
  { "64:ff9b:1::127.0.0.1", LOOPBACK },
  { "64:ff9b:1:7f00:0:100::", LOOPBACK }, /* 127.0.0.1 in the /48 form */
  { "64:ff9b:1:ffff:ffff:ffff:10.0.0.1", SPECIAL },
  { "64:ff9b:2::1", SPECIAL },
  { "100::", SPECIAL },
  { "100::ffff:ffff:ffff:ffff", SPECIAL },
  { "100:0:0:1::1", SPECIAL },
  { "100:0:0:2::1", SPECIAL },
  { "1fff:ffff::1", SPECIAL },
  { "2000::1", PUBLIC },
  { "2001::1", LOOPBACK }, /* Teredo with the server 0.0.0.0 */
  { "2001:0:808:808::f7f7:f7f7", SPECIAL },
  { "2001:0:7f00:1::f7f7:f7f7", LOOPBACK },       /* the server is 127.0.0.1 */
  { "2001:0:808:808::80ff:fffe", LOOPBACK },      /* the client is 127.0.0.1 */
  { "2001:0:c612:1::80ff:fffe", SINKHOLE },       /* both: nothing opens it */
  { "2001:1::1", SPECIAL },
  { "2001:1::2", SPECIAL },
  { "2001:1::3", SPECIAL },
  { "2001:2::1", SPECIAL },
  { "2001:3::1", PUBLIC },
  { "2001:4:111:ffff::1", SPECIAL },
  { "2001:4:112::1", PUBLIC },
  { "2001:4:113::1", SPECIAL },
  { "2001:10::1", SPECIAL },
  { "2001:20::1", SPECIAL },
  { "2001:30::1", SPECIAL },
  { "2001:1ff:ffff::1", SPECIAL },
  { "2001:200::1", PUBLIC },
  { "2001:db8::1", PUBLIC },
  { "2001:4860:4860::8888", PUBLIC },
  { "2002:808:808::1", PUBLIC },
  { "2002:a00:1::1", SPECIAL },
  { "2002:7f00:1::1", LOOPBACK },
  { "2002::1", LOOPBACK },
  { "2002:c612:1::1", SINKHOLE },
  { "2003::1", PUBLIC },
  { "2606:4700::1111", PUBLIC },
  { "2620:4f:8000::1", PUBLIC },
  { "3fff::1", PUBLIC },
  { "3fff:ffff::1", PUBLIC },
  { "4000::1", SPECIAL },
  { "5f00::1", SPECIAL },
  { "fbff::1", SPECIAL },
  { "fc00::1", SPECIAL },
  { "fd12:3456::1", SPECIAL },
  { "fe80::1", SPECIAL },
  { "febf::1", SPECIAL },
  { "fec0::1", SPECIAL },
  { "feff::1", SPECIAL },
  { "ff02::1", SPECIAL },
  { "ff0e::1", SPECIAL },
};

static void
test_classify(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(classes); i++) {
    BtAddr addr = parse(classes[i].text);
    if (bt_addr_classify(&addr) != classes[i].class)
      g_error("%s: class %d, not %d", classes[i].text, bt_addr_classify(&addr), classes[i].class);
  }
}

/* Whatever IPv4 address a form carries, it is never more open than that address. */
static void
test_carried(void)
{
  static const int rank[] = { [PUBLIC] = 0, [SPECIAL] = 1, [LOOPBACK] = 2, [SINKHOLE] = 3 };

  for (guint32 high = 0; high < 0x10000; high++) {
    guint32 host = high << 16 | 1;
    guint32 ipv4 = htonl(host);
    BtAddr plain = bt_addr_from_ipv4(ipv4);
    int least = rank[bt_addr_classify(&plain)];
    BtAddr forms[] = { parse("::"), parse("::ffff:0:0:0"), parse("64:ff9b::"), parse("64:ff9b:1::"),
                       parse("2002::"), parse("2001::"), parse("2001::") };
    for (int i = 0; i < 4; i++)
      memcpy(forms[i].bytes + 12, &ipv4, 4);
    memcpy(forms[4].bytes + 2, &ipv4, 4);
    memcpy(forms[5].bytes + 4, &ipv4, 4);
    for (int i = 0; i < 4; i++)
      forms[6].bytes[12 + i] = (guint8)~plain.bytes[12 + i];
    for (gsize i = 0; i < G_N_ELEMENTS(forms); i++)
      g_assert_cmpint(rank[bt_addr_classify(&forms[i])], >=, least);
  }
}

static const char *const refused[] = {
  "",          " 1.2.3.4",     "1.2.3.4 ",         "1.2.3",        "127.1",     "1",
  "0x7f.0.0.1", "0x7f000001",  "2852039166",       "010.0.0.1",    "00.0.0.0",  "1.2.3.04",
  "256.1.1.1", "1.2.3.4.5",    "1..2.3",           "1.2.3.-4",     "+1.2.3.4",  "1.2.3.4%lo",
  "fe80::1%lo", "fe80::1%1",   "fe80::1%",         "%lo",          ":",         ":::",
  "1::2::3",   "12345::",      "::1.2.3",          "::ffff:01.2.3.4", "::ffff:1.2.3.4.5",
  "[::1]",     "::1/128",      "1.2.3.4/8",        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
  "g::",       "localhost",    "::ffff:0x7f.0.0.1", "1.2.3.4\n",    "\xef\xbc\x91.2.3.4",
  "1:2:3:4:5:6:7:1.2.3.4",
};

static void
test_parse(void)
{
  BtAddr addr = parse("::ffff:192.0.2.1"), same = parse("192.0.2.1"), hex = parse("::FFFF:c000:0201");

  g_assert_true(bt_addr_equal(&addr, &same));
  g_assert_true(bt_addr_equal(&addr, &hex));
  g_assert_true(bt_addr_is_ipv4(&addr));
  g_assert_cmpuint(bt_addr_get_ipv4(&addr), ==, inet_addr("192.0.2.1"));
  addr = parse("2001:0db8::0001");
  g_assert_false(bt_addr_is_ipv4(&addr));
  g_assert_cmpuint(bt_addr_get_ipv4(&addr), ==, 0);
  addr = parse("0.0.0.0");
  for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
    BtAddr out;
    memset(&out, 0xa5, sizeof out);
    if (bt_addr_parse(refused[i], &out))
      g_error("\"%s\" was taken for an address", refused[i]);
    g_assert_cmpuint(out.bytes[0], ==, 0xa5);
  }
}

static void
test_format(void)
{
  static const char *const texts[][2] = {
    { "192.0.2.1", "192.0.2.1" },
    { "::ffff:192.0.2.1", "192.0.2.1" },
    { "255.255.255.255", "255.255.255.255" },
    { "2001:DB8:0:0::1", "2001:db8::1" },
    { "::", "::" },
    { "1111:2222:3333:4444:5555:6666:7777:8888", "1111:2222:3333:4444:5555:6666:7777:8888" },
  };
  char text[BT_ADDR_TEXT_SIZE];

  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
    BtAddr addr = parse(texts[i][0]);
    g_assert_true(bt_addr_format(&addr, text) == text);
    g_assert_cmpstr(text, ==, texts[i][1]);
  }
}

static void
test_in(void)
{
  static const struct {
    const char *addr, *net;
    guint prefix;
    gboolean in;
  } cases[] = {
    { "10.1.2.3", "10.0.0.0", 96 + 8, TRUE },
    { "11.1.2.3", "10.0.0.0", 96 + 8, FALSE },
    { "172.31.0.1", "172.16.0.0", 96 + 12, TRUE },
    { "172.32.0.1", "172.16.0.0", 96 + 12, FALSE },
    { "10.0.0.1", "10.0.0.1", 128, TRUE },
    { "10.0.0.0", "10.0.0.1", 128, FALSE },
    { "10.0.0.0", "10.0.0.1", 127, TRUE },
    { "1.2.3.4", "0.0.0.0", 96, TRUE },
    { "2001:db8::", "0.0.0.0", 96, FALSE },
    { "1.2.3.4", "::", 0, TRUE },
    { "ffff::", "::", 0, TRUE },
    { "8000::", "::", 1, FALSE },
    { "7fff::", "::", 1, TRUE },
    { "::", "::", 129, FALSE },
    { "::", "::", 255, FALSE },
    { "::", "::", G_MAXUINT, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    BtAddr addr = parse(cases[i].addr), net = parse(cases[i].net);
    if (bt_addr_in(&addr, &net, cases[i].prefix) != cases[i].in)
      g_error("%s in %s/%u", cases[i].addr, cases[i].net, cases[i].prefix);
  }
}

static void
test_get_carried(void)
{
  static const struct {
    const char *addr, *carried[BT_ADDR_MAX_CARRIED];
  } cases[] = {
    { "64:ff9b::192.0.2.1", { "192.0.2.1" } },
    { "2002:c000:201::", { "192.0.2.1" } },
    { "2002:c000:201:ffff::1", { "192.0.2.1" } },
    { "2001:0:c000:201:0:0:3f57:fefd", { "192.0.2.1", "192.168.1.2" } },
    { "::192.0.2.1", { "192.0.2.1" } },
    { "::ffff:0:192.0.2.1", { "192.0.2.1" } },
    { "64:ff9b:1::192.0.2.1", { "192.0.2.1" } },
    { "64:ff9b:1:c000:2:100::", { "192.0.2.1" } },
    { "64:ff9b:0:0:0:1:192.0.2.1", { NULL } },
    { "2003:c000:201::", { NULL } },
    { "::1", { NULL } },
    { "192.0.2.1", { NULL } }, /* it is that, and carries none */
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    BtAddr addr, carried[BT_ADDR_MAX_CARRIED], expected;
    gsize n_expected = (cases[i].carried[0] != NULL) + (cases[i].carried[1] != NULL);
    g_test_message("%s", cases[i].addr);
    g_assert_true(bt_addr_parse(cases[i].addr, &addr));
    g_assert_cmpuint(bt_addr_get_carried(&addr, carried), ==, n_expected);
    for (gsize j = 0; j < n_expected; j++) {
      g_assert_true(bt_addr_parse(cases[i].carried[j], &expected));
      g_assert_true(bt_addr_equal(&carried[j], &expected));
    }
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/addr/classify", test_classify);
  g_test_add_func("/addr/carried", test_carried);
  g_test_add_func("/addr/parse", test_parse);
  g_test_add_func("/addr/format", test_format);
  g_test_add_func("/addr/in", test_in);
  g_test_add_func("/addr/get-carried", test_get_carried);
  return g_test_run();
}
