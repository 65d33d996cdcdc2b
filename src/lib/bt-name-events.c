/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-name-events.h"

#include <glib/gi18n-lib.h>

#include "policy/bt-event.h"
#include "wire/bt-dns.h"

static BtEvent *
make_event(const char *name, BtAction action, const BtOrigin *origin)
{
  BtEvent *event = bt_event_new(BT_EVENT_DNS, action);

  event->object = g_strdup(name);
  event->host = g_strdup(name);
  bt_event_set_rule(event, origin);
  return event;
}

static gboolean
is_audited(BtExplainer *explainer, BtPolicy *policy)
{
  return explainer != NULL && (bt_policy_get_audit(policy) & BT_AUDIT_CONNECT) != 0;
}

void
bt_name_event_denied(BtExplainer *explainer, BtPolicy *policy, const char *name,
                     const BtVerdict *verdict)
{
  if (!is_audited(explainer, policy))
    return;
  BtEvent *event = make_event(name, verdict->action, verdict->origin);
  if (bt_origin_yields_to_flags(verdict->origin))
    event->suggestion = bt_suggest_net(name, BT_PROTO_TCP, 0);
  bt_explainer_add(explainer, event);
}

static const char *
describe_failure(const BtNameAnswer *answer)
{
  if (answer->ended)
    return N_("the run ended before there was an answer");
  if (answer->closed != NULL)
    return answer->closed;
  switch (answer->rcode) {
  case BT_DNS_RCODE_NOERROR:
    return N_("the name has no address");
  case BT_DNS_RCODE_NXDOMAIN:
    return N_("there is no such name");
  default:
    return N_("the name could not be looked up");
  }
}

static char **
format_addresses(const BtNameAnswer *answer)
{
  GPtrArray *texts = g_ptr_array_new();
  char text[BT_ADDR_TEXT_SIZE];

  for (gsize i = 0; i < G_N_ELEMENTS(answer->answers); i++)
    for (guint j = 0; answer->answers[i] != NULL && j < answer->answers[i]->n_addrs; j++)
      g_ptr_array_add(texts, g_strdup(bt_addr_format(&answer->answers[i]->addrs[j], text)));
  g_ptr_array_add(texts, NULL);
  return (char **)g_ptr_array_free(texts, FALSE);
}

void
bt_name_event_answered(BtExplainer *explainer, BtPolicy *policy, const char *name,
                       const BtNameAnswer *answer)
{
  if (!is_audited(explainer, policy))
    return;
  BtVerdict verdict = bt_policy_check_name(policy, name, NULL);
  BtEvent *event = make_event(name, verdict.action, verdict.origin);
  event->addresses = format_addresses(answer);
  if (event->addresses[0] == NULL)
    event->reason = g_strdup(describe_failure(answer));
  if (answer->ended)
    g_clear_pointer(&event->addresses, g_strfreev);
  else
    event->duration = answer->asked > 0 ? (g_get_monotonic_time() - answer->asked) / 1000 : 0;
  if (answer->asked > 0)
    bt_explainer_add_alone(explainer, event);
  else
    bt_explainer_add(explainer, event);
}

void
bt_name_event_closed(BtExplainer *explainer, BtPolicy *policy, const char *name, char *reason,
                     guint count)
{
  if (explainer == NULL) {
    g_free(reason);
    return;
  }
  BtEvent *event =
    make_event(name, BT_ACTION_DENY, bt_policy_net_origin(policy, BT_NET_RULE_CLOSURE));
  event->reason = reason;
  event->count = count;
  bt_explainer_add(explainer, event);
}
