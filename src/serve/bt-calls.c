/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/bt-calls.h"

#include <string.h>

static gboolean
hello(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  bt_put_int(result, "protocol", BT_SERVE_PROTOCOL);
  bt_put_string(result, "version", BT_VERSION, -1);
  bt_put_name(result, "methods");
  g_string_append_c(result, '[');
  for (guint i = 0; i < bt_n_methods; i++)
    bt_put_string(result, NULL, bt_methods[i].name, -1);
  g_string_append_c(result, ']');
  bt_put_name(result, "notifications");
  g_string_append_c(result, '[');
  for (guint i = 0; i < bt_n_notifications; i++)
    bt_put_string(result, NULL, bt_notifications[i].name, -1);
  g_string_append_c(result, ']');
  bt_put_name(result, "limits");
  g_string_append_c(result, '{');
  bt_put_int(result, "line", BT_LINES_MAX_LINE);
  bt_put_int(result, "requests", BT_SERVE_MAX_REQUESTS);
  bt_put_int(result, "workers", BT_SERVE_MAX_WORKERS);
  bt_put_int(result, "pools", BT_SERVE_MAX_POOLS);
  g_string_append_c(result, '}');
  return TRUE;
}

static const struct {
  const char *name; /* of bt_methods */
  gboolean (*run)(BtClient *client, BtRequest *request, GString *result, GError **error);
} calls[] = {
  { "hello", hello },
  { "policy_load", bt_call_policy_load },
  { "policy_merge", bt_call_policy_merge },
  { "policy_check", bt_call_policy_check },
  { "policy_show", bt_call_policy_show },
  { "policy_list", bt_call_policy_list },
  { "policy_schema", bt_call_policy_schema },
  { "spawn", bt_call_spawn },
  { "run_code", bt_call_run_code },
  { "call", bt_call_call },
  { "send", bt_call_send },
  { "reply", bt_call_reply },
  { "reply_error", bt_call_reply_error },
  { "cancel", bt_call_cancel },
  { "interrupt", bt_call_interrupt },
  { "stop", bt_call_stop },
  { "list", bt_call_list },
  { "pool_new", bt_call_pool_new },
  { "pool_take", bt_call_pool_take },
  { "pool_stop", bt_call_pool_stop },
};

gboolean
bt_calls_run(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS(calls); i++)
    if (strcmp(calls[i].name, request->method->name) == 0)
      return calls[i].run(client, request, result, error);
  /* Tests call each method of the table. */
  g_assert_not_reached();
}
