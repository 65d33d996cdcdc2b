/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ports of the host's loopback that rules open.
 *
 * Inside, 127.0.0.1 and ::1 are the sandbox's own, so a port of the host's can
 * be reached only where a socket of buntime's listens in its place: each one
 * must be named, and they must be few.  Rules say which ports could be meant;
 * the matcher says of each address whether it is allowed, as it does again in
 * buntime-net for every connection.
 *
 * What cannot be had this way is said once a rule, with what can: a whole
 * loopback without a port, where there is no fast path (lib/bt-inject.c), loopback addresses other than the two, UDP (whose
 * datagrams have no end, so nobody could tell when a relay's port may go), and
 * port 53, where the sandbox's own resolver answers.
 *
 * A published port must lead to the program: where it leads to one of these, or
 * to the resolver, others would be served by the host's loopback.
 */
#include "plan/bt-plan-private.h"

#include <glib/gi18n-lib.h>

/* IPv4 and IPv6, as the bits of BT_PLAN_RELAY_*. */
static const BtAddr loopbacks[] = {
  { { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 } },
  { { [15] = 1 } },
};

typedef struct {
  BtCompile *compile;
  GArray *relays; /* BtPlanRelay */
} Relays;

static void
note(Relays *self, const BtNetItem *item, const char *text)
{
  bt_compile_note(self->compile, g_strdup_printf("%s: %s", item->rule.origin.text, text));
}

/* The addresses of the two that a rule covers. */
static guint
families_of(const BtNetItem *item)
{
  guint families = 0;

  for (guint i = 0; i < G_N_ELEMENTS(loopbacks); i++)
    if (bt_addr_in(&loopbacks[i], &item->addr, item->prefix))
      families |= 1u << i;
  return families;
}

/* Those of the families that all rules together let the port have. */
static guint
allowed_families(Relays *self, guint families, guint16 port)
{
  guint allowed = 0;

  for (guint i = 0; i < G_N_ELEMENTS(loopbacks); i++) {
    if ((families & 1u << i) == 0)
      continue;
    BtVerdict verdict = bt_policy_check_flow(self->compile->request->policy, NULL, &loopbacks[i],
                                             BT_PROTO_TCP, port, NULL, NULL);
    if (verdict.action != BT_ACTION_DENY)
      allowed |= 1u << i;
  }
  return allowed;
}

static BtPlanRelay *
find(Relays *self, guint port)
{
  for (guint i = 0; i < self->relays->len; i++) {
    BtPlanRelay *relay = &g_array_index(self->relays, BtPlanRelay, i);
    if (relay->port == port)
      return relay;
  }
  return NULL;
}

/* FALSE: they are too many. */
static gboolean
add_port(Relays *self, const BtNetItem *item, guint16 port)
{
  guint families = allowed_families(self, families_of(item), port);
  BtPlanRelay *known = find(self, port);

  if (families == 0)
    return TRUE;
  if (known != NULL) {
    known->families |= (guint16)families;
    return TRUE;
  }
  const BtPlanRelay relay = { .port = port, .families = (guint16)families };
  if (self->relays->len >= BT_PLAN_MAX_RELAYS)
    return FALSE;
  g_array_append_val(self->relays, relay);
  return TRUE;
}

static gboolean
add_item(Relays *self, const BtNetItem *item, GError **error)
{
  g_autofree char *object = NULL;

  for (guint i = 0; i < item->ports->len; i++) {
    const BtPortRange *range = &g_array_index(item->ports, BtPortRange, i);
    for (guint port = range->first; port <= range->last; port++) {
      if (bt_net_is_service(BT_PROTO_TCP, (guint16)port)) {
        note(self, item, _("port 53 is the sandbox's own resolver's"));
        continue;
      }
      if (add_port(self, item, (guint16)port))
        continue;
      object = bt_origin_format(&item->rule.origin);
      return bt_fail(error, BUNTIME_ERROR_POLICY, object,
                     _("more than 64 ports of the host's loopback"),
                     _("name the ports that the program needs"));
    }
  }
  return TRUE;
}

/* localhost is two items of one text: what is said of the one is true of the other. */
static gboolean
is_said(const BtNetItem *before, const BtNetItem *item)
{
  return before != NULL && before->rule.layer == item->rule.layer &&
         g_strcmp0(before->rule.origin.text, item->rule.origin.text) == 0;
}

static gboolean
judge_item(Relays *self, const BtNetItem *item, gboolean said, GError **error)
{
  if (families_of(item) == 0) {
    note(self, item, _("of the host's loopback only 127.0.0.1 and ::1 are reached: write "
                       "localhost and the port"));
    return TRUE;
  }
  if ((item->proto & BT_PROTO_UDP) != 0 && !said)
    note(self, item, _("the host's loopback is reached by TCP alone"));
  if ((item->proto & BT_PROTO_TCP) == 0)
    return TRUE;
  if (item->ports->len > 0)
    return add_item(self, item, error);
  /* Without a port it is only opened by the fast path. */
  if (!said && (bt_plan_builder_header(self->compile->builder)->flags & BT_PLAN_FAST_PATH) == 0)
    note(self, item, _("name the ports of the host's loopback, like localhost:5432; inside, "
                       "localhost is the program's own"));
  return TRUE;
}

static gboolean
check_published(Relays *self, const BtPlanPublished *published, GError **error)
{
  g_autofree char *reason = NULL;

  if (find(self, published->port) != NULL)
    reason = g_strdup_printf(_("port %u inside is granted as the host's own"), published->port);
  else if (bt_net_is_service(BT_PROTO_TCP, published->port))
    reason = g_strdup_printf(_("port %u inside is the sandbox's own resolver's"), published->port);
  else
    return TRUE;
  return bt_fail(error, BUNTIME_ERROR_POLICY, published->flag, reason,
                 _("publish another port, and let the program listen there"));
}

gboolean
bt_compile_relays(BtCompile *self, GError **error)
{
  g_autoptr(GArray) relays = g_array_new(FALSE, FALSE, sizeof(BtPlanRelay));
  GPtrArray *items = bt_policy_get_net_items(self->request->policy);
  Relays state = { .compile = self, .relays = relays };
  const BtNetItem *before = NULL;

  if (self->flat)
    return TRUE;
  if (self->request->n_published > 0)
    bt_plan_builder_header(self->builder)->dialers = BT_PLAN_MAX_DIALERS;
  for (guint i = 0; i < items->len; i++) {
    const BtNetItem *item = g_ptr_array_index(items, i);
    if ((item->flags & BT_NET_RULE_LOOPBACK) == 0 || item->rule.action == BT_ACTION_DENY)
      continue;
    if (!judge_item(&state, item, is_said(before, item), error))
      return FALSE;
    before = item;
  }
  for (guint i = 0; i < self->request->n_published; i++)
    if (!check_published(&state, &self->request->published[i], error))
      return FALSE;
  for (guint i = 0; i < relays->len; i++) {
    const BtPlanRelay *relay = &g_array_index(relays, BtPlanRelay, i);
    bt_plan_builder_relay(self->builder, relay->port, relay->families);
  }
  return TRUE;
}
