/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Flows in words, for the events of connect() and of the gate.
 */

#include "lib/bt-names.h"
#include "wire/bt-plan.h"

G_BEGIN_DECLS

/* "api.example.com:443 (tcp)", "[2001:db8::1]:53 (udp)" (transfer full) */
char *bt_net_describe_flow(const BtFlowWords *words, const BtAddr *addr, guint proto,
                           guint16 port);
/* The name, else the address, by itself (transfer full). */
char *bt_net_describe_host(const BtFlowWords *words, const BtAddr *addr);
/* The narrowest flag; NULL if no flag permits it (transfer full). */
char *bt_net_suggest_flow(const BtFlowWords *words, const BtAddr *addr, guint proto,
                          guint16 port);
/* Why the gate lets nothing there whatever a rule says; NULL if the policy decides. */
const char *bt_net_closed_reason(const BtPlanNet *net, const BtAddr *addr, guint proto,
                                 guint16 port);
/* What the gate says by a BtNetReason; NULL for POLICY, where a rule says it. */
const char *bt_net_reason_text(guint32 reason);

G_END_DECLS
