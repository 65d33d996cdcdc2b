/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/bt-plan-private.h"

#include <arpa/inet.h>
#include <glib/gi18n-lib.h>
#include <string.h>

/* libslirp's own network, as it is known everywhere. */
#define ADDRESS "10.0.2.15"
#define GATEWAY "10.0.2.2"
#define PREFIX_LENGTH 24
#define MTU 65520

/*
 * A network of our own for IPv6 (RFC 4193, the digits are "buntime"): fd00::/64 and
 * fec0::/64, which libslirp's users mostly take, exist where buntime itself runs in such a
 * network. From an address of this kind a program that leaves the order to the resolver
 * takes IPv4 where a name has both (RFC 6724, rule 5), and IPv6 where it has nothing else.
 */
#define NETWORK6 0xfd, 0x62, 0x75, 0x6e, 0x74, 0x69, 0x6d, 0x65
static const BtAddr address6 = { { NETWORK6, [15] = 15 } };
static const BtAddr gateway6 = { { NETWORK6, [15] = 2 } };

/* Locally administered; the second is the one libslirp answers with for its gateway. */
static const guint8 worker_mac[6] = { 0x02, 0x62, 0x74, 0x00, 0x02, 0x0f };
static const guint8 gateway_mac[6] = { 0x52, 0x55, 0x0a, 0x00, 0x02, 0x02 };

/* ::/0 stands beside 0.0.0.0/0 and means "wherever": who names a place is told. */
static gboolean
names_ipv6(const BtNetItem *item)
{
  return item->rule.action != BT_ACTION_DENY && item->host == NULL && !item->everything &&
         item->prefix > 0 && !bt_addr_is_ipv4(&item->addr) &&
         bt_addr_classify(&item->addr) != BT_ADDR_LOOPBACK;
}

static void
note_no_ipv6(BtCompile *self)
{
  GPtrArray *items = bt_policy_get_net_items(self->request->policy);

  for (guint i = 0; i < items->len; i++) {
    const BtNetItem *item = g_ptr_array_index(items, i);
    if (!names_ipv6(item))
      continue;
    bt_compile_note(self, g_strdup_printf(_("%s: this machine has no route for IPv6, so that the "
                                            "program has none either"),
                                          item->rule.origin.text));
    return;
  }
}

/*
 * Connections that are made outside (lib/bt-inject.c) pass nobody who could count or record
 * them.  Without seccomp nobody would hear of the connect().
 */
static gboolean
has_fast_path(BtCompile *self)
{
  BtPolicy *policy = self->request->policy;

  return self->request->fast_path && bt_compile_has_plugin(self, BT_PLUGIN_SECCOMP) &&
         !bt_policy_get_limit(policy, BT_LIMIT_NET_RATE, &(guint64){ 0 }, NULL) &&
         !bt_policy_get_limit(policy, BT_LIMIT_NET_BYTES, &(guint64){ 0 }, NULL) &&
         bt_policy_grants_plain_net(policy);
}

void
bt_compile_net(BtCompile *self)
{
  BtPlanHeader *header = bt_plan_builder_header(self->builder);
  BtPlanNet *net = &header->net;

  /* No namespace to put an interface into: the supervisor connects (lib/bt-notify-flat.c). */
  if (self->flat) {
    net->mode = BT_PLAN_NET_HOST;
    return;
  }
  if (has_fast_path(self))
    header->flags |= BT_PLAN_FAST_PATH;
  /* The resolver listens without any grant, too: so a denied name is explained. */
  net->mode = BT_PLAN_NET_NONE;
  net->dns = inet_addr(BT_PLAN_DNS_ADDRESS);
  if (!bt_policy_grants_net(self->request->policy))
    return;
  net->mode = self->request->net_mode;
  net->mtu = MTU;
  net->address = inet_addr(ADDRESS);
  net->gateway = inet_addr(GATEWAY);
  net->prefix_length = PREFIX_LENGTH;
  if (self->request->ipv6) {
    net->address6 = address6;
    net->gateway6 = gateway6;
  } else {
    note_no_ipv6(self);
  }
  memcpy(net->mac, worker_mac, sizeof worker_mac);
  memcpy(net->gateway_mac, gateway_mac, sizeof gateway_mac);
  net->interface = bt_plan_builder_string(self->builder, "eth0");
}
