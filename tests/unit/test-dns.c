/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "wire/bt-dns.h"

#define HEADER "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define HEADER_EDNS "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
#define OPT(size) "\x00\x00\x29" size "\x00\x00\x00\x00\x00\x00"
#define A "\x00\x01\x00\x01"
#define NAME "\x07" "EXAMPLE" "\x03" "cOm" "\x00"
#define LABEL63 "\x3f" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LABEL61 "\x3d" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

typedef struct {
  const char *what;
  const char *bytes;
  gsize size;
  BtDnsVerdict verdict;
  BtDnsRcode rcode;
  const char *name;
} Case;

#define CASE(what, bytes, verdict, rcode, name)                                                  \
  { what, bytes, sizeof(bytes) - 1, verdict, rcode, name }
#define ASK(what, bytes, name) CASE(what, bytes, BT_DNS_ASK, 0, name)
#define REFUSE(what, bytes, rcode) CASE(what, bytes, BT_DNS_REFUSE, BT_DNS_RCODE_##rcode, NULL)
#define DROP(what, bytes) CASE(what, bytes, BT_DNS_DROP, 0, NULL)

static const Case cases[] = {
  ASK("A", HEADER NAME A, "example.com"),
  ASK("AAAA", HEADER NAME "\x00\x1c\x00\x01", "example.com"),
  ASK("PTR", HEADER "\x01" "1\x02ip\x00" "\x00\x0c\x00\x01", "1.ip"),
  ASK("hyphen and underscore", HEADER "\x04_a-b\x00" A, "_a-b"),
  ASK("EDNS", HEADER_EDNS NAME A OPT("\x10\x00"), "example.com"),
  ASK("longest name", HEADER LABEL63 LABEL63 LABEL63 LABEL61 "\x00" A, NULL),
  DROP("empty", ""),
  DROP("header cut", "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00"),
  DROP("a response", "\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00" NAME A),
  REFUSE("another opcode", "\x12\x34\x28\x00\x00\x01\x00\x00\x00\x00\x00\x00" NAME A, NOTIMP),
  REFUSE("no question", "\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00", FORMERR),
  REFUSE("two questions", "\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00" NAME A NAME A, FORMERR),
  REFUSE("an answer", "\x12\x34\x01\x00\x00\x01\x00\x01\x00\x00\x00\x00" NAME A, FORMERR),
  REFUSE("bytes behind", HEADER NAME A "\x00", FORMERR),
  REFUSE("question cut", HEADER NAME "\x00\x01\x00", FORMERR),
  REFUSE("label cut", HEADER "\x07" "EXAMP", FORMERR),
  REFUSE("no end of name", HEADER "\x01" "a", FORMERR),
  REFUSE("compressed", HEADER "\x03www\xc0\x0c" A, FORMERR),
  REFUSE("pointer to itself", HEADER "\xc0\x0c" A, FORMERR),
  REFUSE("label of 64", HEADER "\x40" A, FORMERR),
  REFUSE("name of 256", HEADER LABEL63 LABEL63 LABEL63 "\x3e" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" "\x00" A, FORMERR),
  REFUSE("root", HEADER "\x00" A, NOERROR),
  REFUSE("space", HEADER "\x03" "a b\x00" A, NXDOMAIN),
  REFUSE("NUL", HEADER "\x03" "a\x00" "b\x00" A, NXDOMAIN),
  REFUSE("dot in a label", HEADER "\x03" "a.b\x00" A, NXDOMAIN),
  REFUSE("UTF-8", HEADER "\x02" "\xc3\xa9\x00" A, NXDOMAIN),
  REFUSE("ANY", HEADER NAME "\x00\xff\x00\x01", REFUSED),
  REFUSE("AXFR", HEADER NAME "\x00\xfc\x00\x01", NOTIMP),
  REFUSE("CHAOS", HEADER NAME "\x00\x01\x00\x03", REFUSED),
  REFUSE("HTTPS", HEADER NAME "\x00\x41\x00\x01", NOERROR),
  REFUSE("TXT", HEADER NAME "\x00\x10\x00\x01", NOERROR),
  REFUSE("EDNS 1", HEADER_EDNS NAME A "\x00\x00\x29\x10\x00\x00\x01\x00\x00\x00\x00", BADVERS),
  REFUSE("EDNS cut", HEADER_EDNS NAME A "\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00", FORMERR),
  REFUSE("EDNS data cut", HEADER_EDNS NAME A "\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x05", FORMERR),
  REFUSE("EDNS not at the root", HEADER_EDNS NAME A "\x01" "a" OPT("\x10\x00"), FORMERR),
};

static void
test_queries(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    const Case *c = &cases[i];
    g_autofree guint8 *copy = g_memdup2(c->bytes, c->size);
    BtDnsQuery query;

    g_test_message("%s", c->what);
    g_assert_cmpint(bt_dns_query_parse(copy, c->size, &query), ==, c->verdict);
    if (c->verdict == BT_DNS_REFUSE)
      g_assert_cmpuint(query.rcode, ==, c->rcode);
    if (c->name != NULL)
      g_assert_cmpstr(query.name, ==, c->name);
    if (c->verdict != BT_DNS_DROP)
      g_assert_cmpuint(query.id, ==, 0x1234);
  }
}

static BtDnsQuery
query_of(const char *bytes, gsize size)
{
  BtDnsQuery query;
  bt_dns_query_parse((const guint8 *)bytes, size, &query);
  return query;
}

#define QUERY(bytes) query_of(bytes, sizeof(bytes) - 1)

static void
test_sizes(void)
{
  g_assert_cmpuint(QUERY(HEADER NAME A).udp_size, ==, 512);
  g_assert_cmpuint(QUERY(HEADER_EDNS NAME A OPT("\x00\x10")).udp_size, ==, 512);
  g_assert_cmpuint(QUERY(HEADER_EDNS NAME A OPT("\x03\x00")).udp_size, ==, 768);
  g_assert_cmpuint(QUERY(HEADER_EDNS NAME A OPT("\xff\xff")).udp_size, ==, BT_DNS_MAX_UDP_SIZE);
}

static void
test_reply(void)
{
  static const char expected[] =
    "\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00" NAME A
    "\xc0\x0c" A "\x00\x00\x00\x1e\x00\x04\xc0\x00\x02\x01"
    "\xc0\x0c" A "\x00\x00\x00\x1e\x00\x04\xc0\x00\x02\x02";
  BtDnsQuery query = QUERY(HEADER NAME A);
  BtAddr addrs[3];
  guint8 bytes[512];

  g_assert_true(bt_addr_parse("192.0.2.1", &addrs[0]));
  g_assert_true(bt_addr_parse("2001:db8::1", &addrs[1])); /* not of the type asked for */
  g_assert_true(bt_addr_parse("192.0.2.2", &addrs[2]));
  BtDnsReply reply = { .ttl = 30, .addrs = addrs, .n_addrs = 3 };
  gsize size = bt_dns_reply_write(&query, &reply, bytes, sizeof bytes);
  g_assert_cmpmem(bytes, size, expected, sizeof expected - 1);

  query.type = BT_DNS_TYPE_AAAA;
  size = bt_dns_reply_write(&query, &reply, bytes, sizeof bytes);
  g_assert_cmpuint(bytes[7], ==, 1);
  g_assert_cmpmem(bytes + size - 16, 16, addrs[1].bytes, 16);
}

static void
test_reply_ptr(void)
{
  BtDnsQuery query = QUERY(HEADER NAME "\x00\x0c\x00\x01");
  BtDnsReply reply = { .ttl = 1, .name = "a.example" };
  guint8 bytes[512];

  gsize size = bt_dns_reply_write(&query, &reply, bytes, sizeof bytes);
  g_assert_cmpuint(bytes[7], ==, 1);
  g_assert_cmpmem(bytes + size - 11, 11, "\x01" "a\x07" "example", 11);
  reply.name = "a..example"; /* not a name: an empty answer */
  bt_dns_reply_write(&query, &reply, bytes, sizeof bytes);
  g_assert_cmpuint(bytes[7], ==, 0);
}

/* What does not fit is left to TCP, the OPT record still in its place. */
static void
test_truncated(void)
{
  BtDnsQuery query = QUERY(HEADER_EDNS NAME A OPT("\x02\x00"));
  BtAddr addrs[BT_NET_MSG_MAX_ADDRS];
  guint8 bytes[1024];

  for (gsize i = 0; i < G_N_ELEMENTS(addrs); i++)
    addrs[i] = bt_addr_from_ipv4((guint32)i);
  BtDnsReply reply = { .addrs = addrs, .n_addrs = G_N_ELEMENTS(addrs) };
  gsize size = bt_dns_reply_write(&query, &reply, bytes, 512);
  g_assert_cmpuint(size, ==, 12 + 17 + 11);
  g_assert_cmpuint(bytes[2] & 2, ==, 2);
  g_assert_cmpuint(bytes[7], ==, 0);
  g_assert_cmpuint(bytes[11], ==, 1);
  g_assert_cmpuint(bytes[size - 9], ==, 41);
  size = bt_dns_reply_write(&query, &reply, bytes, sizeof bytes);
  g_assert_cmpuint(size, ==, 12 + 17 + 32 * 16 + 11);
  g_assert_cmpuint(bytes[2] & 2, ==, 0);
  g_assert_cmpuint(bt_dns_reply_write(&query, &reply, bytes, 39), ==, 0);
}

/* Random case (0x20) comes back as it was asked, whatever is answered; the name is one. */
static void
test_case(void)
{
  static const BtDnsRcode rcodes[] = { BT_DNS_RCODE_NOERROR, BT_DNS_RCODE_NXDOMAIN,
                                       BT_DNS_RCODE_SERVFAIL };
  static const char asked[] = HEADER "\x07" "eXaMpLE" "\x03" "CoM" "\x00" A;
  BtDnsQuery query = QUERY(asked);
  guint8 bytes[512];

  g_assert_cmpstr(query.name, ==, "example.com");
  for (gsize i = 0; i < G_N_ELEMENTS(rcodes); i++) {
    BtDnsReply reply = { .rcode = rcodes[i] };
    gsize size = bt_dns_reply_write(&query, &reply, bytes, sizeof bytes);
    g_assert_cmpmem(bytes + 12, size - 12, asked + 12, sizeof asked - 1 - 12);
  }
}

static void
test_codes(void)
{
  guint8 bytes[512];
  BtDnsReply reply = { .rcode = BT_DNS_RCODE_NXDOMAIN };
  BtDnsQuery query = QUERY(HEADER NAME A);

  g_assert_cmpuint(bt_dns_reply_write(&query, &reply, bytes, sizeof bytes), ==, 29);
  g_assert_cmpuint(bytes[3], ==, 0x83);
  /* BADVERS is one of the codes whose upper bits travel in OPT. */
  query = QUERY(HEADER_EDNS NAME A "\x00\x00\x29\x10\x00\x00\x01\x00\x00\x00\x00");
  reply.rcode = query.rcode;
  g_assert_cmpuint(bt_dns_reply_write(&query, &reply, bytes, sizeof bytes), ==, 40);
  g_assert_cmpuint(bytes[3] & 15, ==, 0);
  g_assert_cmpuint(bytes[34], ==, 1);
  /* Without a question that could be read none is repeated. */
  query = QUERY(HEADER "\xc0\x0c" A);
  reply.rcode = query.rcode;
  g_assert_cmpuint(bt_dns_reply_write(&query, &reply, bytes, sizeof bytes), ==, 12);
  g_assert_cmpuint(bytes[5], ==, 0);
  g_assert_cmpuint(bytes[3] & 15, ==, BT_DNS_RCODE_FORMERR);
}

static void
test_frames(void)
{
  static const guint8 stream[] = { 0, 3, 'a', 'b', 'c', 0, 1, 'd', 0 };
  static const guint8 huge[] = { 0x04, 0x01 }, none[] = { 0, 0 };
  const guint8 *message;
  gsize size, used;

  for (gsize i = 0; i < 5; i++)
    g_assert_false(bt_dns_frame_next(stream, i, &message, &size, &used));
  g_assert_true(bt_dns_frame_next(stream, sizeof stream, &message, &size, &used));
  g_assert_cmpmem(message, size, "abc", 3);
  g_assert_cmpuint(used, ==, 5);
  g_assert_true(bt_dns_frame_next(stream + 5, 4, &message, &size, &used));
  g_assert_cmpmem(message, size, "d", 1);
  g_assert_false(bt_dns_frame_next(stream + 8, 1, &message, &size, &used));
  g_assert_true(bt_dns_frame_next(huge, 2, &message, &size, &used));
  g_assert_cmpuint(size, ==, 0);
  g_assert_true(bt_dns_frame_next(none, 2, &message, &size, &used));
  g_assert_cmpuint(size, ==, 0);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/dns/queries", test_queries);
  g_test_add_func("/dns/sizes", test_sizes);
  g_test_add_func("/dns/reply", test_reply);
  g_test_add_func("/dns/reply-ptr", test_reply_ptr);
  g_test_add_func("/dns/truncated", test_truncated);
  g_test_add_func("/dns/case", test_case);
  g_test_add_func("/dns/codes", test_codes);
  g_test_add_func("/dns/frames", test_frames);
  return g_test_run();
}
