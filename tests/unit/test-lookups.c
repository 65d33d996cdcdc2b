/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the DNS responder's transports share: bounds, sharing, time and pins. */
#include <glib.h>
#include <string.h>

#include "net/bt-lookups.h"

#define T0 ((gint64)1000 * G_USEC_PER_SEC)
#define SECOND ((gint64)G_USEC_PER_SEC)

typedef struct {
  BtPins *pins;
  BtLookups *lookups;
  gboolean deaf; /* the supervisor takes nothing */
  guint asked, floods;
  BtNetMsgResolve last;
  guint replies, freed;
  guint32 rcode; /* the last reply's */
  gboolean pinned; /* the answer's address was, when the reply was made */
} Fixture;

static BtAddr public_address;

static gboolean
on_ask(gpointer data, const BtNetMsgResolve *resolve)
{
  Fixture *f = data;
  if (f->deaf)
    return FALSE;
  f->asked++;
  f->last = *resolve;
  return TRUE;
}

static void
on_flood(gpointer data, gint64 now)
{
  ((Fixture *)data)->floods++;
}

static void
on_reply(gpointer client, const BtDnsQuery *query, const BtDnsReply *reply)
{
  Fixture *f = client;
  f->replies++;
  f->rcode = reply->rcode;
  f->pinned = bt_pins_has(f->pins, &public_address, 3);
}

static void
on_freed(gpointer client)
{
  ((Fixture *)client)->freed++;
}

static void
set_up(Fixture *f, gconstpointer data)
{
  g_assert_true(bt_addr_parse("203.0.113.5", &public_address));
  f->pins = bt_pins_new(60 * SECOND, NULL, NULL);
  f->lookups = bt_lookups_new(f->pins, on_ask, on_flood, f);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
  bt_lookups_free(f->lookups);
  bt_pins_free(f->pins);
}

static void
ask(Fixture *f, guint number, gint64 now)
{
  guint8 bytes[64] = { 0, 1, 1, 0, 0, 1 };
  g_autofree char *label = g_strdup_printf("n%05u", number);

  bytes[12] = 6;
  memcpy(bytes + 13, label, 6);
  bytes[21] = BT_DNS_TYPE_A;
  bytes[23] = 1;
  g_assert_true(bt_lookups_query(f->lookups, bytes, 24, on_reply, f, on_freed, now));
}

static void
answer(Fixture *f, guint32 id)
{
  BtNetMsgAnswer message = { .header = { BT_NET_MSG_ANSWER, id },
                             .ttl = 30,
                             .n_addrs = 1,
                             .n_rules = 1,
                             .addrs = { public_address },
                             .rules = { 3 } };
  bt_lookups_answer(f->lookups, &message, T0);
}

static void
test_shared(Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 5; i++)
    ask(f, 1, T0);
  g_assert_cmpuint(f->asked, ==, 1);
  g_assert_cmpstr(f->last.name, ==, "n00001");
  g_assert_cmpuint(f->replies, ==, 0);
  answer(f, f->last.header.id);
  g_assert_cmpuint(f->replies, ==, 5);
  g_assert_cmpuint(f->freed, ==, 5);
  g_assert_cmpuint(f->rcode, ==, BT_DNS_RCODE_NOERROR);
  g_assert_true(f->pinned);
  g_assert_false(bt_lookups_sweep(f->lookups, T0));
  /* A second answer of the same id, and one nobody asked for. */
  answer(f, f->last.header.id);
  answer(f, 12345);
  g_assert_cmpuint(f->replies, ==, 5);
  ask(f, 1, T0);
  g_assert_cmpuint(f->asked, ==, 2);
}

static void
test_bounds(Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < BT_LOOKUPS_MAX; i++)
    ask(f, i, T0);
  g_assert_cmpuint(f->replies, ==, 0);
  ask(f, 9999, T0);
  g_assert_cmpuint(f->replies, ==, 1);
  g_assert_cmpuint(f->rcode, ==, BT_DNS_RCODE_SERVFAIL);
  g_assert_cmpuint(f->asked, ==, BT_LOOKUPS_MAX);
  for (guint i = BT_LOOKUPS_MAX; i < BT_LOOKUPS_WAITING; i++)
    ask(f, 1, T0);
  g_assert_cmpuint(f->replies, ==, 1);
  ask(f, 1, T0); /* even one that could be shared */
  g_assert_cmpuint(f->replies, ==, 2);
  /* Room again. */
  answer(f, f->last.header.id);
  ask(f, 9999, T0);
  g_assert_cmpuint(f->asked, ==, BT_LOOKUPS_MAX + 1);
}

/* A second's worth, then as many as time brings; shared ones are counted, too. */
static void
test_rate(Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < BT_LOOKUPS_RATE + 10; i++) {
    ask(f, i % 7, T0);
    answer(f, f->last.header.id);
  }
  g_assert_cmpuint(f->asked, ==, BT_LOOKUPS_RATE);
  g_assert_cmpuint(f->floods, ==, 10);
  g_assert_cmpuint(f->replies, ==, BT_LOOKUPS_RATE + 10);
  g_assert_cmpuint(f->freed, ==, BT_LOOKUPS_RATE + 10);
  g_assert_cmpuint(f->rcode, ==, BT_DNS_RCODE_SERVFAIL);
  ask(f, 1, T0 + SECOND / BT_LOOKUPS_RATE);
  ask(f, 1, T0 + SECOND / BT_LOOKUPS_RATE);
  g_assert_cmpuint(f->asked, ==, BT_LOOKUPS_RATE + 1);
  g_assert_cmpuint(f->floods, ==, 11);
}

static void
test_silence(Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 10; i++)
    ask(f, i, T0 + i * SECOND);
  g_assert_true(bt_lookups_sweep(f->lookups, T0 + 29 * SECOND));
  g_assert_cmpuint(f->replies, ==, 0);
  g_assert_true(bt_lookups_sweep(f->lookups, T0 + 34 * SECOND));
  g_assert_cmpuint(f->replies, ==, 5);
  g_assert_cmpuint(f->rcode, ==, BT_DNS_RCODE_SERVFAIL);
  g_assert_false(bt_lookups_sweep(f->lookups, T0 + 60 * SECOND));
  g_assert_cmpuint(f->replies, ==, 10);
  g_assert_cmpuint(f->freed, ==, 10);
}

static void
test_deaf(Fixture *f, gconstpointer data)
{
  f->deaf = TRUE;
  ask(f, 1, T0);
  g_assert_cmpuint(f->rcode, ==, BT_DNS_RCODE_SERVFAIL);
  g_assert_cmpuint(f->freed, ==, 1);
  g_assert_false(bt_lookups_sweep(f->lookups, T0));
}

static void
test_not_a_query(Fixture *f, gconstpointer data)
{
  g_assert_false(
    bt_lookups_query(f->lookups, (const guint8 *)"x", 1, on_reply, f, on_freed, T0));
  g_assert_cmpuint(f->replies, ==, 0);
  g_assert_cmpuint(f->freed, ==, 1);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add("/lookups/" name, Fixture, NULL, set_up, function, tear_down)
  ADD("shared", test_shared);
  ADD("bounds", test_bounds);
  ADD("rate", test_rate);
  ADD("silence", test_silence);
  ADD("deaf", test_deaf);
  ADD("not-a-query", test_not_a_query);
  return g_test_run();
}
