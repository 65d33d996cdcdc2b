/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "names-fixture.h"

static void
test_denied(void)
{
  Fixture fixture;
  BtFlowWords words;
  char text[BT_ADDR_TEXT_SIZE];

  set_up(&fixture, "github.com");
  ask(&fixture, 1, BT_DNS_TYPE_A, "Evil.example");
  const BtNetMsgAnswer *answer = last(&fixture);
  g_assert_cmpuint(answer->header.id, ==, 1);
  g_assert_cmpuint(answer->ttl, ==, 1);
  g_assert_cmpuint(answer->n_addrs, ==, 1);
  g_assert_cmpuint(answer->n_rules, ==, 0);
  g_assert_cmpint(bt_addr_classify(&answer->addrs[0]), ==, BT_ADDR_SINKHOLE);
  BtAddr sinkhole = answer->addrs[0];
  g_assert_cmpint(flow(&fixture, bt_addr_format(&sinkhole, text), 443, &words), ==,
                  BT_ACTION_DENY);
  g_assert_cmpstr(words.name, ==, "evil.example");
  g_assert_null(words.reason);
  /* One a name. */
  ask(&fixture, 2, BT_DNS_TYPE_A, "evil.example");
  g_assert_true(bt_addr_equal(&last(&fixture)->addrs[0], &sinkhole));
  ask(&fixture, 3, BT_DNS_TYPE_A, "other.example");
  g_assert_false(bt_addr_equal(&last(&fixture)->addrs[0], &sinkhole));
  ask(&fixture, 4, BT_DNS_TYPE_AAAA, "evil.example");
  assert_addrs(last(&fixture), "");
  g_assert_cmpuint(n_started, ==, 0);
  tear_down(&fixture);
}

static void
test_granted(void)
{
  Fixture fixture;
  BtFlowWords words;

  set_up(&fixture, "github.com:443");
  ask(&fixture, 1, BT_DNS_TYPE_A, "github.com");
  g_assert_cmpuint(fixture.answers->len, ==, 0);
  g_assert_cmpstr(((FakeLookup *)lookups->pdata[0])->name, ==, "github.com");
  g_assert_cmpint(flow(&fixture, PUBLIC, 443, &words), ==, BT_ACTION_DENY);
  finish(BT_LOOKUP_FOUND, PUBLIC " 10.0.0.1 127.0.0.1 198.18.0.1");
  assert_addrs(last(&fixture), PUBLIC);
  g_assert_cmpuint(last(&fixture)->n_rules, ==, 1);
  g_assert_cmpuint(last(&fixture)->ttl, ==, 30);
  g_assert_cmpint(flow(&fixture, PUBLIC, 443, &words), ==, BT_ACTION_ALLOW);
  g_assert_cmpint(flow(&fixture, PUBLIC, 80, &words), ==, BT_ACTION_DENY);
  g_assert_cmpstr(words.name, ==, "github.com");
  g_assert_cmpint(flow(&fixture, "203.0.113.6", 443, &words), ==, BT_ACTION_DENY);
  g_assert_cmpint(flow(&fixture, "10.0.0.1", 443, &words), ==, BT_ACTION_DENY);
  /* An UNPIN right after an answer crossed it; one of another rule is nothing. */
  BtAddr addr;
  g_assert_true(bt_addr_parse(PUBLIC, &addr));
  bt_names_unpin(fixture.names, &addr, last(&fixture)->rules[0]);
  bt_names_unpin(fixture.names, &addr, 4711);
  g_assert_cmpint(flow(&fixture, PUBLIC, 443, &words), ==, BT_ACTION_ALLOW);
  /* The address becomes the host's own. */
  bt_names_set_host_addrs(fixture.names, &addr, 1);
  g_assert_cmpint(flow(&fixture, PUBLIC, 443, &words), ==, BT_ACTION_DENY);
  tear_down(&fixture);
}

static void
test_closed(void)
{
  static const char *const closed[] = { "10.0.2.2", "127.0.0.1", "192.168.1.1", "169.254.169.254",
                                        "198.18.0.1", PUBLIC /* the host's own, below */ };
  Fixture fixture;
  BtFlowWords words;
  BtAddr own;

  set_up(&fixture, "github.com");
  g_assert_true(bt_addr_parse(PUBLIC, &own));
  bt_names_set_host_addrs(fixture.names, &own, 1);
  for (gsize i = 0; i < G_N_ELEMENTS(closed); i++) {
    char text[BT_ADDR_TEXT_SIZE];
    ask(&fixture, 1, BT_DNS_TYPE_A, "github.com");
    finish(BT_LOOKUP_FOUND, closed[i]);
    g_assert_cmpuint(last(&fixture)->n_addrs, ==, 1);
    g_assert_cmpuint(last(&fixture)->n_rules, ==, 0);
    g_assert_cmpint(bt_addr_classify(&last(&fixture)->addrs[0]), ==, BT_ADDR_SINKHOLE);
    bt_addr_format(&last(&fixture)->addrs[0], text);
    g_assert_cmpint(flow(&fixture, text, 443, &words), ==, BT_ACTION_DENY);
    g_assert_cmpstr(words.name, ==, "github.com");
    g_assert_nonnull(strstr(words.reason, "github.com"));
    g_assert_nonnull(strstr(words.reason, closed[i]));
    g_assert_cmpstr(words.grant, ==, closed[i]);
    g_assert_cmpint(flow(&fixture, closed[i], 443, &words), ==, BT_ACTION_DENY);
  }
  tear_down(&fixture);
}

/* Whoever may reach it: it is no name of a server's. */
static void
test_localhost(void)
{
  Fixture fixture;
  BtFlowWords words;

  set_up(&fixture, "github.com:443");
  ask(&fixture, 1, BT_DNS_TYPE_A, "LOCALHOST");
  assert_addrs(last(&fixture), "127.0.0.1");
  g_assert_cmpuint(last(&fixture)->n_rules, ==, 0);
  ask(&fixture, 2, BT_DNS_TYPE_AAAA, "localhost");
  assert_addrs(last(&fixture), "::1");
  g_assert_cmpuint(lookups->len, ==, 0);
  g_assert_cmpint(flow(&fixture, "127.0.0.1", 443, &words), ==, BT_ACTION_DENY);
  tear_down(&fixture);
}

static void
test_everything(void)
{
  Fixture fixture;
  BtFlowWords words;

  set_up(&fixture, "");
  ask(&fixture, 1, BT_DNS_TYPE_A, "intranet.example");
  finish(BT_LOOKUP_FOUND, "10.0.0.1 " PUBLIC " 198.18.0.1");
  assert_addrs(last(&fixture), "10.0.0.1 " PUBLIC);
  g_assert_cmpuint(last(&fixture)->n_rules, ==, 0);
  g_assert_cmpint(flow(&fixture, "10.0.0.1", 443, &words), ==, BT_ACTION_ALLOW);
  g_assert_cmpstr(words.name, ==, "intranet.example");
  g_assert_true(words.several);
  ask(&fixture, 2, BT_DNS_TYPE_A, "single.example");
  finish(BT_LOOKUP_FOUND, "10.0.0.2");
  g_assert_cmpint(flow(&fixture, "10.0.0.2", 443, &words), ==, BT_ACTION_ALLOW);
  g_assert_false(words.several);
  tear_down(&fixture);
}

/* No question that is not granted goes upstream, however many and whatever they look like. */
static void
test_ten_thousand(void)
{
  Fixture fixture;
  g_autoptr(GRand) rand = g_rand_new_with_seed(4);

  set_up(&fixture, "github.com,*.wild.example");
  for (guint i = 0; i < 10000; i++) {
    static const char *const tails[] = { "", ".example", ".github.com", ".wild.example.com", ".local",
                                         "wild.example" };
    g_autofree char *name =
      g_strdup_printf("%08x%s", g_rand_int(rand), tails[i % G_N_ELEMENTS(tails)]);
    ask(&fixture, i + 1, i % 2 == 0 ? BT_DNS_TYPE_A : BT_DNS_TYPE_AAAA, name);
    g_assert_cmpuint(last(&fixture)->header.id, ==, i + 1);
    g_assert_cmpuint(last(&fixture)->n_rules, ==, 0);
    g_array_set_size(fixture.answers, 0);
  }
  g_assert_cmpuint(n_started, ==, 0);
  tear_down(&fixture);
}

/* An address that two granted names share is open for the ports of both rules. */
static void
test_shared_address(void)
{
  Fixture fixture;
  BtFlowWords words;

  set_up(&fixture, "github.com:443,api.github.com:80,github.com:22/udp");
  ask(&fixture, 1, BT_DNS_TYPE_A, "github.com");
  finish(BT_LOOKUP_FOUND, PUBLIC " 203.0.113.6");
  g_assert_cmpuint(last(&fixture)->n_rules, ==, 2);
  g_assert_cmpint(flow(&fixture, PUBLIC, 443, &words), ==, BT_ACTION_ALLOW);
  g_assert_cmpint(flow(&fixture, "203.0.113.6", 443, &words), ==, BT_ACTION_ALLOW);
  g_assert_cmpint(flow(&fixture, PUBLIC, 80, &words), ==, BT_ACTION_DENY);
  ask(&fixture, 2, BT_DNS_TYPE_A, "api.github.com");
  finish(BT_LOOKUP_FOUND, PUBLIC);
  g_assert_cmpint(flow(&fixture, PUBLIC, 80, &words), ==, BT_ACTION_ALLOW);
  g_assert_cmpint(flow(&fixture, PUBLIC, 443, &words), ==, BT_ACTION_ALLOW);
  g_assert_cmpint(flow(&fixture, "203.0.113.6", 80, &words), ==, BT_ACTION_DENY);
  g_assert_cmpint(flow(&fixture, PUBLIC, 22, &words), ==, BT_ACTION_DENY);
  tear_down(&fixture);
}

/* A name and a range: where the name leads into the range, the range speaks. */
static void
test_name_and_range(void)
{
  Fixture fixture;

  set_up(&fixture, "intranet.example,10.0.0.0/8");
  ask(&fixture, 1, BT_DNS_TYPE_A, "intranet.example");
  finish(BT_LOOKUP_FOUND, "10.0.0.1 192.168.0.1");
  assert_addrs(last(&fixture), "10.0.0.1");
  g_assert_cmpuint(last(&fixture)->n_rules, ==, 0);
  tear_down(&fixture);
}

static void
test_results(void)
{
  static const struct {
    BtLookupResult result;
    guint32 rcode;
  } cases[] = {
    { BT_LOOKUP_NO_NAME, NXDOMAIN },
    { BT_LOOKUP_NO_DATA, NOERROR },
    { BT_LOOKUP_FAILED, SERVFAIL },
    { BT_LOOKUP_FOUND, NOERROR },
  };
  Fixture fixture;

  set_up(&fixture, "github.com");
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    ask(&fixture, 1, BT_DNS_TYPE_A, "github.com");
    finish(cases[i].result, "");
    g_assert_cmpuint(last(&fixture)->rcode, ==, cases[i].rcode);
    g_assert_cmpuint(last(&fixture)->n_addrs, ==, 0);
  }
  tear_down(&fixture);
}

static void
test_odd_names(void)
{
  static const char *const odd[] = { "", ".", "a..b", "a b", "a\nb", "a\033b", "\xc3\xa4.com",
                                     ".github.com", "github.com/" };
  Fixture fixture;

  set_up(&fixture, "");
  for (gsize i = 0; i < G_N_ELEMENTS(odd); i++) {
    ask(&fixture, 1, BT_DNS_TYPE_A, odd[i]);
    g_assert_cmpuint(last(&fixture)->rcode, ==, NXDOMAIN);
  }
  g_assert_cmpuint(n_started, ==, 0);
  tear_down(&fixture);
}

/* One lookup a name, eight at once, the rest in order, and no more than so many. */
static void
test_bounds(void)
{
  Fixture fixture;

  set_up(&fixture, "");
  for (guint i = 0; i < 3; i++)
    ask(&fixture, i, BT_DNS_TYPE_A, "same.example");
  g_assert_cmpuint(n_started, ==, 1);
  finish(BT_LOOKUP_FOUND, PUBLIC);
  g_assert_cmpuint(fixture.answers->len, ==, 3);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint(g_array_index(fixture.answers, BtNetMsgAnswer, i).header.id, ==, i);

  g_array_set_size(fixture.answers, 0);
  n_started = 0;
  for (guint i = 0; i < 1000; i++) {
    g_autofree char *name = g_strdup_printf("n%u.example", i);
    ask(&fixture, i, BT_DNS_TYPE_A, name);
  }
  g_assert_cmpuint(n_started, ==, 8);
  g_assert_cmpuint(fixture.answers->len, ==, 1000 - 64);
  for (guint i = 0; i < fixture.answers->len; i++)
    g_assert_cmpuint(g_array_index(fixture.answers, BtNetMsgAnswer, i).rcode, ==, SERVFAIL);
  for (guint i = 0; i < 64; i++)
    finish(BT_LOOKUP_FOUND, PUBLIC);
  g_assert_cmpuint(lookups->len, ==, 0);
  g_assert_cmpuint(fixture.answers->len, ==, 1000);
  for (guint i = 0; i < 1000; i++)
    ask(&fixture, i, BT_DNS_TYPE_A, "other.example");
  g_assert_cmpuint(lookups->len, ==, 1);
  /* Freed with lookups in flight: tear_down() sees them cancelled. */
  tear_down(&fixture);
}

/* A worker that asks for name after name gets addresses, and we forget. */
static void
test_sinkhole_bounded(void)
{
  Fixture fixture;
  BtFlowWords words;
  char first[BT_ADDR_TEXT_SIZE] = "";
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

  set_up(&fixture, NULL);
  for (guint i = 0; i < 70000; i++) {
    g_autofree char *name = g_strdup_printf("n%u.example", i);
    char text[BT_ADDR_TEXT_SIZE];
    ask(&fixture, i, BT_DNS_TYPE_A, name);
    bt_addr_format(&last(&fixture)->addrs[0], text);
    if (i == 0)
      strcpy(first, text);
    /* The last of them are all different and all known. */
    if (i >= 70000 - 4096)
      g_assert_true(g_hash_table_add(seen, g_strdup(text)));
    if (i % 1000 == 0) {
      g_assert_cmpint(flow(&fixture, text, 443, &words), ==, BT_ACTION_DENY);
      g_assert_cmpstr(words.name, ==, name);
    }
    if (i == 5000) {
      g_assert_cmpint(flow(&fixture, first, 443, &words), ==, BT_ACTION_DENY);
      g_assert_null(words.name);
    }
    g_array_set_size(fixture.answers, 0);
  }
  tear_down(&fixture);
}

static void
test_hosts_file(void)
{
  Fixture fixture;

  set_up(&fixture, "github.com,local.example");
  g_assert_true(g_file_set_contents(fixture.hosts,
                                    "# " PUBLIC " github.com\n"
                                    "203.0.113.9\tother GitHub.com # x\n",
                                    -1, NULL));
  ask(&fixture, 1, BT_DNS_TYPE_A, "github.com");
  assert_addrs(last(&fixture), "203.0.113.9");
  g_assert_cmpuint(last(&fixture)->n_rules, ==, 1);
  g_assert_cmpuint(n_started, ==, 0);
  tear_down(&fixture);
}

static void
test_reverse(void)
{
  Fixture fixture;

  set_up(&fixture, "github.com");
  ask(&fixture, 1, BT_DNS_TYPE_PTR, "5.113.0.203.in-addr.arpa");
  g_assert_cmpuint(last(&fixture)->rcode, ==, NXDOMAIN);
  ask(&fixture, 2, BT_DNS_TYPE_A, "github.com");
  finish(BT_LOOKUP_FOUND, PUBLIC);
  ask(&fixture, 3, BT_DNS_TYPE_PTR, "5.113.0.203.in-addr.arpa");
  g_assert_cmpuint(last(&fixture)->rcode, ==, NOERROR);
  g_assert_cmpstr(last(&fixture)->name, ==, "github.com");
  static const char *const none[] = { "6.113.0.203.in-addr.arpa", "5.113.0.203.in-addr.arpa.x",
                                      "5.113.0.in-addr.arpa", "5.113.0.999.in-addr.arpa",
                                      "99999999995.113.0.203.in-addr.arpa", "github.com" };
  for (gsize i = 0; i < G_N_ELEMENTS(none); i++) {
    ask(&fixture, 4, BT_DNS_TYPE_PTR, none[i]);
    g_assert_cmpuint(last(&fixture)->rcode, ==, NXDOMAIN);
  }
  /* A sinkhole's name is no answer either. */
  ask(&fixture, 5, BT_DNS_TYPE_A, "evil.example");
  char text[BT_ADDR_TEXT_SIZE];
  bt_addr_format(&last(&fixture)->addrs[0], text);
  g_auto(GStrv) parts = g_strsplit(text, ".", 4);
  g_autofree char *reverse =
    g_strdup_printf("%s.%s.%s.%s.in-addr.arpa", parts[3], parts[2], parts[1], parts[0]);
  ask(&fixture, 6, BT_DNS_TYPE_PTR, reverse);
  g_assert_cmpuint(last(&fixture)->rcode, ==, NXDOMAIN);
  g_assert_cmpuint(n_started, ==, 1);
  tear_down(&fixture);
}

/* ---- with IPv6 ---- */

#define PUBLIC6 "2001:db8:5::5"

static void
set_up6(Fixture *fixture, const char *allow)
{
  set_up(fixture, allow);
  bt_names_set_ipv6_func(fixture->names, with_ipv6);
}

static const BtNetMsgAnswer *
answer_at(Fixture *fixture, guint i)
{
  g_assert_cmpuint(fixture->answers->len, >, i);
  return &g_array_index(fixture->answers, BtNetMsgAnswer, i);
}

/* Where there is no IPv6 nobody is told of it, and nobody asks. */
static void
test_without_ipv6(void)
{
  Fixture fixture;

  set_up(&fixture, "github.com");
  ask(&fixture, 1, BT_DNS_TYPE_AAAA, "github.com");
  assert_addrs(last(&fixture), "");
  g_assert_cmpuint(n_started, ==, 0);
  ask(&fixture, 2, BT_DNS_TYPE_A, "github.com");
  g_assert_false(((FakeLookup *)lookups->pdata[0])->ipv6);
  finish(BT_LOOKUP_FOUND, PUBLIC);
  tear_down(&fixture);
}

/* One lookup for both questions; each pins what it was told, and no more. */
static void
test_both_kinds(void)
{
  Fixture fixture;
  BtFlowWords words;

  set_up6(&fixture, "github.com:443");
  ask(&fixture, 1, BT_DNS_TYPE_A, "github.com");
  ask(&fixture, 2, BT_DNS_TYPE_AAAA, "github.com");
  g_assert_cmpuint(n_started, ==, 1);
  g_assert_true(((FakeLookup *)lookups->pdata[0])->ipv6);
  finish(BT_LOOKUP_FOUND, PUBLIC6 " " PUBLIC " fd00::1 10.0.0.1");
  g_assert_cmpuint(fixture.answers->len, ==, 2);
  g_assert_cmpuint(answer_at(&fixture, 0)->header.id, ==, 1);
  assert_addrs(answer_at(&fixture, 0), PUBLIC);
  assert_addrs(answer_at(&fixture, 1), PUBLIC6);
  g_assert_cmpuint(answer_at(&fixture, 1)->n_rules, ==, 1);
  g_assert_cmpint(flow(&fixture, PUBLIC6, 443, &words), ==, BT_ACTION_ALLOW);
  g_assert_cmpstr(words.name, ==, "github.com");
  g_assert_true(words.several);
  g_assert_cmpint(flow(&fixture, PUBLIC6, 80, &words), ==, BT_ACTION_DENY);
  g_assert_cmpint(flow(&fixture, "fd00::1", 443, &words), ==, BT_ACTION_DENY);
  tear_down(&fixture);

  set_up6(&fixture, "github.com");
  ask(&fixture, 1, BT_DNS_TYPE_A, "github.com");
  finish(BT_LOOKUP_FOUND, PUBLIC6 " " PUBLIC);
  g_assert_cmpuint(fixture.answers->len, ==, 1);
  g_assert_cmpint(flow(&fixture, PUBLIC, 443, &words), ==, BT_ACTION_ALLOW);
  g_assert_cmpint(flow(&fixture, PUBLIC6, 443, &words), ==, BT_ACTION_DENY);
  tear_down(&fixture);
}

/* An answer serves later questions of both kinds; what of it is open is looked at each time. */
static void
test_answered_again(void)
{
  Fixture fixture;
  BtFlowWords words;
  BtAddr own;

  set_up6(&fixture, "github.com:443");
  ask(&fixture, 1, BT_DNS_TYPE_A, "github.com");
  finish(BT_LOOKUP_FOUND, PUBLIC6 " " PUBLIC);
  ask(&fixture, 2, BT_DNS_TYPE_AAAA, "github.com");
  ask(&fixture, 3, BT_DNS_TYPE_A, "GitHub.com");
  g_assert_cmpuint(n_started, ==, 1);
  assert_addrs(answer_at(&fixture, 1), PUBLIC6);
  assert_addrs(answer_at(&fixture, 2), PUBLIC);
  g_assert_cmpuint(answer_at(&fixture, 2)->ttl, >=, 1);
  g_assert_cmpuint(answer_at(&fixture, 2)->ttl, <=, 30);
  g_assert_cmpint(flow(&fixture, PUBLIC6, 443, &words), ==, BT_ACTION_ALLOW);

  g_assert_true(bt_addr_parse(PUBLIC, &own));
  bt_names_set_host_addrs(fixture.names, &own, 1);
  ask(&fixture, 4, BT_DNS_TYPE_A, "github.com");
  assert_addrs(last(&fixture), "");
  g_assert_cmpint(flow(&fixture, PUBLIC, 443, &words), ==, BT_ACTION_DENY);
  g_assert_cmpuint(n_started, ==, 1);
  tear_down(&fixture);

  /* What is not there, or leads nowhere, is asked for again. */
  static const struct {
    BtLookupResult result;
    const char *addresses;
  } cases[] = { { BT_LOOKUP_FOUND, "10.0.0.1" }, { BT_LOOKUP_NO_NAME, "" },
                { BT_LOOKUP_NO_DATA, "" }, { BT_LOOKUP_FAILED, "" } };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    set_up(&fixture, "github.com");
    ask(&fixture, 1, BT_DNS_TYPE_A, "github.com");
    finish(cases[i].result, cases[i].addresses);
    ask(&fixture, 2, BT_DNS_TYPE_A, "github.com");
    finish(BT_LOOKUP_FOUND, PUBLIC);
    g_assert_cmpuint(n_started, ==, 2);
    tear_down(&fixture);
  }
}

/* What is only of the other kind is no address, and no denial either. */
static void
test_one_kind(void)
{
  static const struct {
    const char *found, *ipv4, *ipv6;
  } cases[] = {
    { PUBLIC6, "", PUBLIC6 },
    { PUBLIC, PUBLIC, "" },
    { PUBLIC6 " 10.0.0.1", "", PUBLIC6 },
    { "fd00::1 " PUBLIC, PUBLIC, "" },
    { "64:ff9b::203.0.113.9", "", "64:ff9b::cb00:7109" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    Fixture fixture;
    g_test_message("%s", cases[i].found);
    set_up6(&fixture, "github.com");
    ask(&fixture, 1, BT_DNS_TYPE_A, "github.com");
    ask(&fixture, 2, BT_DNS_TYPE_AAAA, "github.com");
    finish(BT_LOOKUP_FOUND, cases[i].found);
    assert_addrs(answer_at(&fixture, 0), cases[i].ipv4);
    assert_addrs(answer_at(&fixture, 1), cases[i].ipv6);
    tear_down(&fixture);
  }
}

/* In whichever form: A leads to the sinkhole with the reason, AAAA nowhere. */
static void
test_closed6(void)
{
  static const char *const closed[] = {
    "::1", "::", "fe80::1", "fec0::1", "fd00::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
    "64:ff9b:1::1", "2002:7f00:1::1", "2002:a00:1::1", "2001::1", "::127.0.0.1", "4000::1",
    /* the machine's own, below: as it is, by NAT64, by 6to4 */
    PUBLIC6, "64:ff9b::cb00:7105", "2002:cb00:7105::1",
  };
  BtAddr own[2];

  g_assert_true(bt_addr_parse(PUBLIC, &own[0]) && bt_addr_parse(PUBLIC6, &own[1]));
  for (gsize i = 0; i < G_N_ELEMENTS(closed); i++) {
    Fixture fixture;
    BtFlowWords words;
    g_test_message("%s", closed[i]);
    set_up6(&fixture, "github.com");
    bt_names_set_host_addrs(fixture.names, own, G_N_ELEMENTS(own));
    ask(&fixture, 1, BT_DNS_TYPE_A, "github.com");
    ask(&fixture, 2, BT_DNS_TYPE_AAAA, "github.com");
    finish(BT_LOOKUP_FOUND, closed[i]);
    const BtNetMsgAnswer *answer = answer_at(&fixture, 0);
    char text[BT_ADDR_TEXT_SIZE];
    g_assert_cmpuint(answer->n_addrs, ==, 1);
    g_assert_cmpint(bt_addr_classify(&answer->addrs[0]), ==, BT_ADDR_SINKHOLE);
    g_assert_cmpint(flow(&fixture, bt_addr_format(&answer->addrs[0], text), 443, &words), ==,
                    BT_ACTION_DENY);
    g_assert_cmpstr(words.grant, ==, closed[i]);
    assert_addrs(answer_at(&fixture, 1), "");
    g_assert_cmpuint(answer_at(&fixture, 1)->n_rules, ==, 0);
    g_assert_cmpint(flow(&fixture, closed[i], 443, &words), ==, BT_ACTION_DENY);
    tear_down(&fixture);
  }
}

static void
test_denied6(void)
{
  Fixture fixture;

  set_up6(&fixture, "github.com");
  ask(&fixture, 1, BT_DNS_TYPE_AAAA, "evil.example");
  assert_addrs(last(&fixture), "");
  g_assert_cmpuint(n_started, ==, 0);
  ask(&fixture, 2, BT_DNS_TYPE_AAAA, "github.com");
  finish(BT_LOOKUP_NO_NAME, "");
  g_assert_cmpuint(last(&fixture)->rcode, ==, NXDOMAIN);
  tear_down(&fixture);
}

/* A file that knows the name knows all of it. */
static void
test_hosts_file6(void)
{
  Fixture fixture;

  set_up6(&fixture, "github.com,six.example");
  g_assert_true(g_file_set_contents(fixture.hosts,
                                    PUBLIC " github.com\n" PUBLIC6 " six.example\n", -1, NULL));
  ask(&fixture, 1, BT_DNS_TYPE_AAAA, "github.com");
  assert_addrs(last(&fixture), "");
  ask(&fixture, 2, BT_DNS_TYPE_AAAA, "six.example");
  assert_addrs(last(&fixture), PUBLIC6);
  g_assert_cmpuint(last(&fixture)->n_rules, ==, 1);
  ask(&fixture, 3, BT_DNS_TYPE_A, "six.example");
  assert_addrs(last(&fixture), "");
  g_assert_cmpuint(n_started, ==, 0);
  /* Without IPv6 a line about it says nothing. */
  bt_names_set_ipv6_func(fixture.names, NULL);
  ask(&fixture, 4, BT_DNS_TYPE_A, "six.example");
  g_assert_cmpuint(n_started, ==, 1);
  finish(BT_LOOKUP_FOUND, PUBLIC);
  assert_addrs(last(&fixture), PUBLIC);
  tear_down(&fixture);
}

static void
test_reverse6(void)
{
  const char *name = "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
  Fixture fixture;

  set_up6(&fixture, "github.com");
  ask(&fixture, 1, BT_DNS_TYPE_PTR, name);
  g_assert_cmpuint(last(&fixture)->rcode, ==, NXDOMAIN);
  ask(&fixture, 2, BT_DNS_TYPE_AAAA, "github.com");
  finish(BT_LOOKUP_FOUND, PUBLIC6);
  ask(&fixture, 3, BT_DNS_TYPE_PTR, name);
  g_assert_cmpuint(last(&fixture)->rcode, ==, NOERROR);
  g_assert_cmpstr(last(&fixture)->name, ==, "github.com");
  static const char *const none[] = {
    "0.0.0.0.5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
    "6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
    "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.x",
    "50.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
    "ip6.arpa",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(none); i++) {
    ask(&fixture, 4, BT_DNS_TYPE_PTR, none[i]);
    g_assert_cmpuint(last(&fixture)->rcode, ==, NXDOMAIN);
  }
  tear_down(&fixture);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/names/denied", test_denied);
  g_test_add_func("/names/granted", test_granted);
  g_test_add_func("/names/closed", test_closed);
  g_test_add_func("/names/localhost", test_localhost);
  g_test_add_func("/names/everything", test_everything);
  g_test_add_func("/names/ten-thousand", test_ten_thousand);
  g_test_add_func("/names/shared-address", test_shared_address);
  g_test_add_func("/names/name-and-range", test_name_and_range);
  g_test_add_func("/names/results", test_results);
  g_test_add_func("/names/odd", test_odd_names);
  g_test_add_func("/names/bounds", test_bounds);
  g_test_add_func("/names/sinkhole-bounded", test_sinkhole_bounded);
  g_test_add_func("/names/hosts-file", test_hosts_file);
  g_test_add_func("/names/reverse", test_reverse);
  g_test_add_func("/names/without-ipv6", test_without_ipv6);
  g_test_add_func("/names/both-kinds", test_both_kinds);
  g_test_add_func("/names/answered-again", test_answered_again);
  g_test_add_func("/names/one-kind", test_one_kind);
  g_test_add_func("/names/closed6", test_closed6);
  g_test_add_func("/names/denied6", test_denied6);
  g_test_add_func("/names/hosts-file6", test_hosts_file6);
  g_test_add_func("/names/reverse6", test_reverse6);
  return g_test_run();
}
