/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What each method does.
 */

#include "serve/bt-client.h"

G_BEGIN_DECLS

/*
 * Adds the members of the result, unless the request is answered later. FALSE with error set:
 * whatever was added is of no use.
 */
gboolean bt_calls_run(BtClient *client, BtRequest *request, GString *result, GError **error);

/* Policies. (bt-calls-policy.c) */
gboolean bt_call_policy_load(BtClient *client, BtRequest *request, GString *result, GError **error);
gboolean bt_call_policy_merge(BtClient *client, BtRequest *request, GString *result,
                              GError **error);
gboolean bt_call_policy_check(BtClient *client, BtRequest *request, GString *result,
                              GError **error);
gboolean bt_call_policy_show(BtClient *client, BtRequest *request, GString *result, GError **error);
gboolean bt_call_policy_list(BtClient *client, BtRequest *request, GString *result, GError **error);
gboolean bt_call_policy_schema(BtClient *client, BtRequest *request, GString *result,
                               GError **error);
/* What the parameters policy and flags say (transfer full); policy_out is the sandbox's. */
BuntimeSandbox *bt_call_sandbox(const BtRequest *request, BuntimePolicy **policy_out,
                                GError **error);

/* Workers. (bt-calls-worker.c) */
gboolean bt_call_spawn(BtClient *client, BtRequest *request, GString *result, GError **error);
gboolean bt_call_run_code(BtClient *client, BtRequest *request, GString *result, GError **error);
gboolean bt_call_call(BtClient *client, BtRequest *request, GString *result, GError **error);
gboolean bt_call_send(BtClient *client, BtRequest *request, GString *result, GError **error);
gboolean bt_call_reply(BtClient *client, BtRequest *request, GString *result, GError **error);
gboolean bt_call_reply_error(BtClient *client, BtRequest *request, GString *result,
                             GError **error);
gboolean bt_call_cancel(BtClient *client, BtRequest *request, GString *result, GError **error);
gboolean bt_call_interrupt(BtClient *client, BtRequest *request, GString *result, GError **error);
gboolean bt_call_stop(BtClient *client, BtRequest *request, GString *result, GError **error);
gboolean bt_call_list(BtClient *client, BtRequest *request, GString *result, GError **error);

/* Pools. (bt-calls-pool.c) */
gboolean bt_call_pool_new(BtClient *client, BtRequest *request, GString *result, GError **error);
gboolean bt_call_pool_take(BtClient *client, BtRequest *request, GString *result, GError **error);
gboolean bt_call_pool_stop(BtClient *client, BtRequest *request, GString *result, GError **error);

G_END_DECLS
