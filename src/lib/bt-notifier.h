/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Answering the worker's notified system calls. See bt-notifier.c for what is
 * decided where and why nothing opens by an answer.
 */

#include "lib/bt-explain.h"
#include "lib/bt-names.h"
#include "wire/bt-plan.h"

G_BEGIN_DECLS

typedef struct _BtNotifier BtNotifier;

/* Takes the listener; borrows the others, which must outlive it. */
BtNotifier *bt_notifier_new(int listener, BtPolicy *policy, const BtPlanView *plan,
                            BtNames *names, BtExplainer *explainer);
void bt_notifier_free(BtNotifier *notifier);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtNotifier, bt_notifier_free)

G_END_DECLS
