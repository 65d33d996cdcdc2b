/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nothing is taken from buntime-net's word but what the worker did: which rule
 * decided, what a name leads to and what could be granted is looked up here.
 */
#include "lib/bt-net-events.h"

#include <glib/gi18n-lib.h>

#include "lib/bt-net-words.h"
#include "policy/bt-event.h"
#include "policy/bt-net-item.h"
#include "policy/bt-reason.h"

/* More than buntime-net has room for: the rest of those of whose end nobody was told. */
#define MAX_FLOW_NAMES 16384

static void
tell_denied(const BtNetParts *parts, const BtNetMsgDenied *message)
{
  BtFlowWords words;
  guint16 port = (guint16)message->port;
  gboolean policy = message->reason == BT_NET_REASON_POLICY;
  const char *closed = bt_net_closed_reason(parts->net, &message->addr, message->proto, port);
  BtEvent *event = bt_event_new(BT_EVENT_NET, BT_ACTION_DENY);

  bt_names_check_flow(parts->names, &message->addr, message->proto, port, &words);
  event->object = bt_net_describe_flow(&words, &message->addr, message->proto, port);
  event->host = bt_net_describe_host(&words, &message->addr);
  event->count = MAX(message->count, 1);
  event->reason =
    g_strdup(!policy          ? bt_net_reason_text(message->reason)
             : closed != NULL ? closed
                              : words.reason);
  if (policy) {
    const BtOrigin *origin = bt_policy_net_origin(parts->policy, message->rule);
    bt_event_set_rule(event, origin);
    if (closed == NULL && bt_origin_yields_to_flags(origin))
      event->suggestion = bt_net_suggest_flow(&words, &message->addr, message->proto, port);
  }
  bt_explainer_add(parts->explainer, event);
}

/* By a rule, but nothing has led to this address. */
static gboolean
is_granted(BtPolicy *policy, const char *name, guint proto, guint16 port)
{
  g_autoptr(BtNetItem) item = bt_net_item_new();
  char text[sizeof "65535"];

  g_snprintf(text, sizeof text, "%u", port);
  item->proto = proto;
  return bt_net_item_set_host(item, name, NULL) && item->host != NULL &&
         bt_net_item_add_ports(item, text, NULL) &&
         bt_policy_check_net_item(policy, item, &proto, &port).action != BT_ACTION_DENY;
}

/*
 * A flow that a name opened, and that asked for another name on the wire, or
 * whose name is not certain. Of another name the event is about that.
 */
static void
tell_wire_denied(const BtNetParts *parts, const BtNetMsgDenied *message)
{
  const BtOrigin *origin = bt_policy_net_origin(parts->policy, message->rule);
  guint16 port = (guint16)message->port;
  gboolean named = message->name[0] != '\0';
  gboolean granted =
    named && is_granted(parts->policy, message->name, message->proto, port);
  BtEvent *event = bt_event_new(BT_EVENT_NET, BT_ACTION_DENY);
  const char *reason = bt_net_reason_text(message->reason);
  BtFlowWords words, asked = { .name = message->name };

  bt_names_check_flow(parts->names, &message->addr, message->proto, port, &words);
  const BtFlowWords *shown = named ? &asked : &words;
  event->object = bt_net_describe_flow(shown, &message->addr, message->proto, port);
  event->host = bt_net_describe_host(shown, &message->addr);
  event->count = MAX(message->count, 1);
  if (named && words.name != NULL)
    event->reason =
      granted ? bt_reason_new(N_("granted, but not looked up: the address is open for %s"),
                              words.name, NULL)
              : bt_reason_new(N_("asked for by TLS or HTTP, at an address that is open for %s"),
                              words.name, NULL);
  else
    event->reason = g_strdup(reason);
  bt_event_set_rule(event, origin);
  if (named && !granted && bt_origin_yields_to_flags(origin))
    event->suggestion = bt_net_suggest_flow(&asked, &message->addr, message->proto, port);
  bt_explainer_add(parts->explainer, event);
}

gboolean
bt_net_event_accepted(const BtNetParts *parts, const BtNetMsgAccepted *message)
{
  const BtFlowWords words = { 0 };

  if (message->listener >= parts->published->len)
    return FALSE;
  const BtPublished *published = g_ptr_array_index(parts->published, message->listener);
  g_autofree char *place = bt_published_format(published);
  BtEvent *event = bt_event_new(BT_EVENT_NET, BT_ACTION_ALLOW);
  event->object =
    bt_net_describe_flow(&words, &message->addr, BT_PROTO_TCP, (guint16)message->port);
  event->host = bt_net_describe_host(&words, &message->addr);
  event->reason = g_strdup_printf("came to the published %s", place);
  bt_event_set_rule(event, &published->origin);
  bt_explainer_add(parts->explainer, event);
  return TRUE;
}

/* FALSE: there is no such limit. */
static gboolean
tell_limit(const BtNetParts *parts, const BtNetMsgDenied *message)
{
  gboolean bytes = message->reason == BT_NET_REASON_BYTES;
  BtLimit limit = bytes ? BT_LIMIT_NET_BYTES : BT_LIMIT_NET_RATE;
  const BtOrigin *origin;
  guint64 value;

  if (!bt_policy_get_limit(parts->policy, limit, &value, &origin))
    return FALSE;
  BtEvent *event = bt_event_new_limit(parts->policy, limit, bt_net_reason_text(message->reason));
  event->count = MAX(message->count, 1);
  bt_explainer_add(parts->explainer, event);
  if (bytes)
    bt_names_set_spent(parts->names, origin);
  return TRUE;
}

/* A bound of buntime's own, so that no rule or flag has a part in it. */
static void
tell_own_limit(const BtNetParts *parts, const BtNetMsgDenied *message, const char *object)
{
  BtEvent *event = bt_event_new(BT_EVENT_LIMIT, BT_ACTION_DENY);

  event->object = g_strdup(object);
  event->reason = g_strdup(bt_net_reason_text(message->reason));
  event->count = MAX(message->count, 1);
  bt_explainer_add(parts->explainer, event);
}

GHashTable *
bt_net_flow_names_new(void)
{
  return g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
}

static void
remember_name(GHashTable *names, guint64 number, const char *name)
{
  if (g_hash_table_size(names) < MAX_FLOW_NAMES)
    g_hash_table_insert(names, g_memdup2(&number, sizeof number), g_strdup(name));
}

/* FALSE: it is not known how the flow was called. *name_out may be NULL: by no name. */
static gboolean
take_name(GHashTable *names, guint64 number, char **name_out)
{
  gpointer key = NULL, name = NULL;
  gboolean found = g_hash_table_steal_extended(names, &number, &key, &name);

  g_free(key);
  *name_out = name;
  return found;
}

static gint64
or_unknown(guint32 milliseconds)
{
  return milliseconds != BT_NET_MSG_NO_TIME ? (gint64)milliseconds : -1;
}

/* A flow is told of when it is swept, which is later than its last packet. */
static gint64
real_time_of(const BtNetParts *parts, gint64 monotonic)
{
  gint64 now = g_get_monotonic_time();
  return g_get_real_time() - (now - CLAMP(monotonic, MIN(parts->begun, now), now));
}

void
bt_net_event_flow(const BtNetParts *parts, const BtNetMsgFlow *message)
{
  guint16 port = (guint16)message->port;
  gboolean opened = message->state == BT_NET_FLOW_OPENED;
  BtEvent *event = bt_event_new(BT_EVENT_NET, BT_ACTION_ALLOW);
  g_autofree char *name = NULL;
  BtFlowWords words;

  bt_names_check_flow(parts->names, &message->addr, message->proto, port, &words);
  if (opened)
    remember_name(parts->flow_names, message->number, words.name);
  else if (take_name(parts->flow_names, message->number, &name))
    words.name = name;
  event->object = bt_net_describe_flow(&words, &message->addr, message->proto, port);
  event->host = bt_net_describe_host(&words, &message->addr);
  event->state = opened ? "opened" : "closed";
  event->flow = message->number;
  event->time = real_time_of(parts, message->time);
  if (!opened) {
    event->duration = message->milliseconds;
    event->times = (BtEventTimes){
      .connect = or_unknown(message->times.connect),
      .sent = or_unknown(message->times.sent),
      .tls = or_unknown(message->times.tls),
      .first_byte = or_unknown(message->times.first_byte),
    };
    event->bytes_out = message->bytes_out;
    event->bytes_in = message->bytes_in;
  }
  bt_explainer_record(parts->explainer, event);
}

gboolean
bt_net_event_denied(const BtNetParts *parts, const BtNetMsgDenied *message)
{
  switch (message->reason) {
  case BT_NET_REASON_RATE:
  case BT_NET_REASON_BYTES:
    return tell_limit(parts, message);
  case BT_NET_REASON_QUERIES:
    tell_own_limit(parts, message, "dns");
    return TRUE;
  case BT_NET_REASON_CAPTURE:
    tell_own_limit(parts, message, "pcap");
    return TRUE;
  default:
    if (message->reason >= BT_NET_REASON_NAME)
      tell_wire_denied(parts, message);
    else
      tell_denied(parts, message);
    return TRUE;
  }
}
