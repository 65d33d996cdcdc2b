/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names over a resolver that waits to be told, with all their answers kept. */

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/bt-names.h"

enum { NOERROR = 0, SERVFAIL = 2, NXDOMAIN = 3 };

/* ---- a resolver that waits to be told ---- */

typedef struct {
  char *name;
  gboolean ipv6;
  BtLookupDone done;
  gpointer data;
} FakeLookup;

static GPtrArray *lookups; /* FakeLookup started and not yet finished */
static guint n_started;    /* those for PROBE left out */

/* What names asks for by itself (bt-nat64.c): this network makes no addresses, if nothing else is set. */
#define PROBE "ipv4only.arpa"
static BtLookupResult probe_result;
static const char *probe_addresses;

static inline void
fake_free(gpointer data)
{
  FakeLookup *lookup = data;
  g_free(lookup->name);
  g_free(lookup);
}

static inline gpointer
fake_start(BtResolver *self, const char *name, gboolean ipv6, BtLookupDone done, gpointer data)
{
  FakeLookup *lookup = g_new(FakeLookup, 1);
  *lookup = (FakeLookup){ .name = g_strdup(name), .ipv6 = ipv6, .done = done, .data = data };
  g_ptr_array_add(lookups, lookup);
  n_started += strcmp(name, PROBE) != 0;
  return lookup;
}

static inline void
fake_cancel(BtResolver *self, gpointer lookup)
{
  g_assert_true(g_ptr_array_remove(lookups, lookup));
}

static BtResolver fake_resolver = { .start = fake_start, .cancel = fake_cancel };

/* Finishes the oldest lookup; addresses are parted by blanks. */
static inline void
finish_one(BtLookupResult result, const char *addresses)
{
  g_auto(GStrv) words = g_strsplit(addresses, " ", -1);
  BtAddr addrs[BT_NET_MSG_MAX_ADDRS];
  guint n_addrs = 0;

  g_assert_cmpuint(lookups->len, >, 0);
  FakeLookup *lookup = g_ptr_array_steal_index(lookups, 0);
  for (guint i = 0; words[i] != NULL && words[i][0] != '\0'; i++)
    g_assert_true(bt_addr_parse(words[i], &addrs[n_addrs++]));
  lookup->done(lookup->data, result, addrs, n_addrs);
  fake_free(lookup);
}

/* The same; what is asked for by the way is answered, too. */
static inline void
finish(BtLookupResult result, const char *addresses)
{
  finish_one(result, addresses);
  if (lookups->len == 1 && strcmp(((FakeLookup *)lookups->pdata[0])->name, PROBE) == 0)
    finish_one(probe_result, probe_addresses);
}

/* ---- the names under test ---- */

typedef struct {
  BtPolicy *policy;
  BtNames *names;
  GArray *answers; /* BtNetMsgAnswer */
  char *hosts;
} Fixture;

static inline void
on_answer(gpointer data, const BtNetMsgAnswer *answer)
{
  Fixture *fixture = data;
  g_assert_cmpuint(answer->header.kind, ==, BT_NET_MSG_ANSWER);
  g_array_append_val(fixture->answers, *answer);
}

static inline void
set_up(Fixture *fixture, const char *allow)
{
  g_autoptr(GError) error = NULL;

  lookups = g_ptr_array_new_with_free_func(fake_free);
  n_started = 0;
  probe_result = BT_LOOKUP_NO_DATA;
  probe_addresses = "";
  fixture->policy = bt_policy_new();
  if (allow != NULL) {
    bt_policy_add_flag(fixture->policy, BT_LAYER_FLAGS, BT_KIND_NET, BT_ACTION_ALLOW,
                       "--allow-net", allow[0] != '\0' ? allow : NULL, "/", "/", &error);
    g_assert_no_error(error);
  }
  fixture->hosts = g_build_filename(g_get_tmp_dir(), "bt-names-XXXXXX", NULL);
  close(g_mkstemp(fixture->hosts));
  fixture->answers = g_array_new(FALSE, FALSE, sizeof(BtNetMsgAnswer));
  fixture->names = bt_names_new(fixture->policy, NULL);
  bt_names_set_resolver(fixture->names, &fake_resolver, fixture->hosts);
  bt_names_set_answer_func(fixture->names, on_answer, fixture);
}

static inline void
tear_down(Fixture *fixture)
{
  bt_names_free(fixture->names);
  g_assert_cmpuint(lookups->len, ==, 0);
  g_ptr_array_unref(lookups);
  g_array_unref(fixture->answers);
  bt_policy_unref(fixture->policy);
  g_unlink(fixture->hosts);
  g_free(fixture->hosts);
}

static inline void
ask(Fixture *fixture, guint32 id, guint32 type, const char *name)
{
  BtNetMsgResolve query = { .header = { .kind = BT_NET_MSG_RESOLVE, .id = id }, .type = type };
  g_strlcpy(query.name, name, sizeof query.name);
  bt_names_query(fixture->names, &query);
}

/* The answer that came last. */
static inline const BtNetMsgAnswer *
last(Fixture *fixture)
{
  g_assert_cmpuint(fixture->answers->len, >, 0);
  return &g_array_index(fixture->answers, BtNetMsgAnswer, fixture->answers->len - 1);
}

static inline void
assert_addrs(const BtNetMsgAnswer *answer, const char *expected)
{
  GString *text = g_string_new(NULL);
  char buffer[BT_ADDR_TEXT_SIZE];

  g_assert_cmpuint(answer->rcode, ==, NOERROR);
  for (guint i = 0; i < answer->n_addrs; i++)
    g_string_append_printf(text, "%s%s", i > 0 ? " " : "",
                           bt_addr_format(&answer->addrs[i], buffer));
  g_assert_cmpstr(text->str, ==, expected);
  g_string_free(text, TRUE);
}

static inline BtAction
flow(Fixture *fixture, const char *address, guint16 port, BtFlowWords *words)
{
  BtAddr addr;
  g_assert_true(bt_addr_parse(address, &addr));
  BtVerdict verdict =
    bt_names_check_flow(fixture->names, &addr, BT_PROTO_TCP, port, words);
  g_assert_nonnull(verdict.origin);
  return verdict.action;
}

static inline gboolean
with_ipv6(void)
{
  return TRUE;
}

/* A public range that is nobody's (documentation). */
#define PUBLIC "203.0.113.5"
