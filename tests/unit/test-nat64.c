/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a network's own NAT64 prefix is told by, and what stands behind it. */
#include "lib/bt-nat64.h"

/* ---- a resolver that waits to be told ---- */

static BtLookupDone waiting;
static gpointer waiting_data;
static guint n_asked, n_cancelled;

static gpointer
fake_start(BtResolver *self, const char *name, gboolean ipv6, BtLookupDone done, gpointer data)
{
  g_assert_cmpstr(name, ==, "ipv4only.arpa");
  g_assert_true(ipv6);
  waiting = done;
  waiting_data = data;
  n_asked++;
  return self;
}

static void
fake_cancel(BtResolver *self, gpointer lookup)
{
  n_cancelled++;
}

static BtResolver resolver = { .start = fake_start, .cancel = fake_cancel };

static int n_ready; /* -1: it was not known */

static void
on_ready(gpointer data, gboolean known)
{
  n_ready = known ? n_ready + 1 : -1;
}

static BtAddr
addr(const char *text)
{
  BtAddr parsed;
  g_assert_true(bt_addr_parse(text, &parsed));
  return parsed;
}

static void
answer(BtLookupResult result, const char *const *texts)
{
  BtAddr addrs[8];
  guint n_addrs = 0;

  for (; texts != NULL && texts[n_addrs] != NULL; n_addrs++)
    addrs[n_addrs] = addr(texts[n_addrs]);
  waiting(waiting_data, result, addrs, n_addrs);
}

static BtNat64 *
learn(const char *const *texts)
{
  BtNat64 *nat64 = bt_nat64_new();

  n_ready = 0;
  g_assert_false(bt_nat64_is_known(nat64, g_get_monotonic_time()));
  bt_nat64_ask(nat64, &resolver, on_ready, NULL);
  answer(BT_LOOKUP_FOUND, texts);
  g_assert_cmpint(n_ready, ==, 1);
  g_assert_true(bt_nat64_is_known(nat64, g_get_monotonic_time()));
  return nat64;
}

/* The places of RFC 6052, 2.4, with 10.1.2.3 where the answers have 192.0.0.170. */
static void
test_lengths(void)
{
  static const struct {
    const char *answers[4], *sent, *carried;
  } table[] = {
    { { "2001:db8:c000:aa::" }, "2001:db8:a01:203::", "10.1.2.3" },
    { { "2001:db8:1c0:0:aa::" }, "2001:db8:10a:102:3::1", "10.1.2.3" },
    { { "2001:db8:122:c000:0:aa00::" }, "2001:db8:122:a01:2:300::", "10.1.2.3" },
    { { "2001:db8:122:3c0:0:aa::" }, "2001:db8:122:30a:1:203::", "10.1.2.3" },
    { { "2001:db8:122:344:c0:0:aa00:0" }, "2001:db8:122:344:a:102:300:0", "10.1.2.3" },
    { { "2001:db8:122:344::192.0.0.170" }, "2001:db8:122:344::10.1.2.3", "10.1.2.3" },
    { { "192.0.0.170", "192.0.0.171", "2001:db8::192.0.0.171" }, "2001:db8::10.1.2.3",
      "10.1.2.3" },
    { { "64:ff9b::192.0.0.170" }, "64:ff9b::10.1.2.3", "10.1.2.3" },
    /* Another network's, none at all, and an answer that nobody made of these addresses. */
    { { "2001:db8:122:344::192.0.0.170" }, "2001:db8:122:345::10.1.2.3", NULL },
    { { "192.0.0.170", "192.0.0.171" }, "2001:db8::10.1.2.3", NULL },
    { { "2001:db8::192.0.0.172" }, "2001:db8::10.1.2.3", NULL },
    { { "2001:db8:122:344:1c0:0:aa00:0" }, "2001:db8:122:344:10a:102:300:0", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
    BtAddr carried[BT_NAT64_MAX], sent = addr(table[i].sent);
    char text[BT_ADDR_TEXT_SIZE];
    g_test_message("%s", table[i].sent);
    BtNat64 *nat64 = learn(table[i].answers);
    g_assert_cmpuint(bt_nat64_get_carried(nat64, &sent, carried), ==, table[i].carried != NULL);
    if (table[i].carried != NULL)
      g_assert_cmpstr(bt_addr_format(&carried[0], text), ==, table[i].carried);
    bt_nat64_free(nat64);
  }
}

/* A network may have several; of more than are kept the first count, each once. */
static void
test_several(void)
{
  static const char *const answers[] = {
    "2001:db8:1::192.0.0.170", "2001:db8:1::192.0.0.171", "2001:db8:2::192.0.0.170",
    "2001:db8:3::192.0.0.170", "2001:db8:4::192.0.0.170", "2001:db8:5::192.0.0.170", NULL,
  };
  BtNat64 *nat64 = learn(answers);

  for (guint i = 1; i <= 5; i++) {
    g_autofree char *text = g_strdup_printf("2001:db8:%u::10.0.0.1", i);
    BtAddr carried[BT_NAT64_MAX], sent = addr(text);
    g_assert_cmpuint(bt_nat64_get_carried(nat64, &sent, carried), ==, i <= 4);
  }
  bt_nat64_free(nat64);
}

/* One question at a time; a failure leaves it unknown; what is known is so for a while. */
static void
test_asking(void)
{
  BtNat64 *nat64 = bt_nat64_new();
  gint64 now = g_get_monotonic_time();

  n_asked = n_cancelled = 0;
  n_ready = 0;
  for (guint i = 0; i < 3; i++)
    bt_nat64_ask(nat64, &resolver, on_ready, NULL);
  g_assert_cmpuint(n_asked, ==, 1);
  answer(BT_LOOKUP_FAILED, NULL);
  g_assert_cmpint(n_ready, ==, -1);
  g_assert_false(bt_nat64_is_known(nat64, now));
  n_ready = 0;
  bt_nat64_ask(nat64, &resolver, on_ready, NULL);
  answer(BT_LOOKUP_NO_NAME, NULL);
  g_assert_cmpint(n_ready, ==, 1);
  g_assert_cmpuint(n_asked, ==, 2);
  g_assert_true(bt_nat64_is_known(nat64, now + 200 * G_USEC_PER_SEC));
  g_assert_false(bt_nat64_is_known(nat64, now + 400 * G_USEC_PER_SEC));
  bt_nat64_ask(nat64, &resolver, on_ready, NULL);
  bt_nat64_free(nat64);
  g_assert_cmpuint(n_cancelled, ==, 1);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/nat64/lengths", test_lengths);
  g_test_add_func("/nat64/several", test_several);
  g_test_add_func("/nat64/asking", test_asking);
  return g_test_run();
}
