/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-net-words.h"

#include <glib/gi18n-lib.h>

#include "policy/bt-event.h"
#include "wire/bt-net-policy.h"

static const char *
protocol_name(guint proto)
{
  switch (proto) {
  case BT_PROTO_TCP:
    return "tcp";
  case BT_PROTO_UDP:
    return "udp";
  case BT_PROTO_ICMP:
    return "icmp";
  default:
    return NULL;
  }
}

char *
bt_net_describe_flow(const BtFlowWords *words, const BtAddr *addr, guint proto, guint16 port)
{
  const char *protocol = protocol_name(proto);
  char text[BT_ADDR_TEXT_SIZE];
  const char *host = words->name;
  gboolean brackets = host == NULL && !bt_addr_is_ipv4(addr);

  if (host == NULL)
    host = bt_addr_format(addr, text);
  if (protocol == NULL)
    return g_strdup(host);
  if (proto == BT_PROTO_ICMP)
    return g_strdup_printf("%s (%s)", host, protocol);
  return g_strdup_printf(brackets ? "[%s]:%u (%s)" : "%s:%u (%s)", host, port, protocol);
}

char *
bt_net_describe_host(const BtFlowWords *words, const BtAddr *addr)
{
  char text[BT_ADDR_TEXT_SIZE];
  return g_strdup(words->name != NULL ? words->name : bt_addr_format(addr, text));
}

char *
bt_net_suggest_flow(const BtFlowWords *words, const BtAddr *addr, guint proto, guint16 port)
{
  char text[BT_ADDR_TEXT_SIZE];

  if (words->grant != NULL)
    return bt_suggest_net(words->grant, proto, port);
  if (words->name != NULL)
    return bt_suggest_net(words->name, proto, port);
  /* An address of the sinkhole whose name is forgotten: nobody else lives there. */
  if (bt_addr_classify(addr) == BT_ADDR_SINKHOLE)
    return NULL;
  return bt_suggest_net(bt_addr_format(addr, text), proto, port);
}

const char *
bt_net_closed_reason(const BtPlanNet *net, const BtAddr *addr, guint proto, guint16 port)
{
  BtAddr gateway = bt_addr_from_ipv4(net->gateway);

  if (net->mode == BT_PLAN_NET_NONE)
    return NULL;
  if (bt_net_is_service(proto, port))
    return bt_net_reason_text(BT_NET_REASON_SERVICE);
  if (net->mode == BT_PLAN_NET_HOST)
    return bt_net_is_on_link(addr) ? N_("an address of the link, which is closed") : NULL;
  if (bt_addr_in(addr, &gateway, 96 + net->prefix_length) ||
      (bt_plan_net_has_ipv6(net) &&
       bt_addr_in(addr, &net->gateway6, BT_NET_PREFIX_LENGTH6)))
    return N_("the sandbox's own network, in which nobody else is");
  if (bt_net_is_on_link(addr))
    return N_("an address of the link, on which the sandbox is alone");
  return NULL;
}

const char *
bt_net_reason_text(guint32 reason)
{
  switch ((BtNetReason)reason) {
  case BT_NET_REASON_POLICY:
    return NULL;
  case BT_NET_REASON_FRAGMENT:
    return N_("a fragment of a packet, which cannot be checked");
  case BT_NET_REASON_SOURCE:
    return N_("a packet with another sender's address");
  case BT_NET_REASON_TYPE:
    return N_("neither TCP nor UDP, nor an echo over IPv4");
  case BT_NET_REASON_SERVICE:
    return N_("names are asked of the sandbox's own resolver; DHCP and TFTP are closed");
  case BT_NET_REASON_MULTICAST:
    return N_("multicast and broadcast are closed");
  case BT_NET_REASON_MALFORMED:
    return N_("a malformed packet, or one with IP options or extension headers");
  case BT_NET_REASON_RATE:
    return N_("more new connections than one second may have: they have to wait");
  case BT_NET_REASON_BYTES:
    return N_("all that may be sent and received is used up");
  case BT_NET_REASON_NAME:
    return N_("asked for by TLS or HTTP, at an address that is open for other names");
  case BT_NET_REASON_NO_NAME:
    return N_("TLS or HTTP that asks for no name, at an address that is open for a name; "
             "\"inspect\": false on its rule lets it pass");
  case BT_NET_REASON_TUNNEL:
    return N_("HTTP that turns into something else, in which names are not seen; "
             "\"inspect\": false on its rule lets it pass");
  case BT_NET_REASON_STREAM:
    return N_("TLS or HTTP that is malformed, too long or too slow to be sure of its name; "
             "\"inspect\": false on its rule lets it pass");
  case BT_NET_REASON_QUIC:
    return N_("QUIC hides the name; programs fall back to TCP");
  case BT_NET_REASON_QUERIES:
    return N_("more names are asked for than 1000 a second: the rest have to wait");
  case BT_NET_REASON_CAPTURE:
    return N_("not all packets are recorded: the file has 1 GiB, or takes them too slowly");
  }
  return N_("a packet that buntime does not know");
}
