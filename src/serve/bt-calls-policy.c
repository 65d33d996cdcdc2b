/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "cli/bt-run.h"
#include "serve/bt-calls.h"
#include "serve/bt-flags.h"

/* ---- from parameters ---- */

/* A string, an object, or an array of those. */
static gboolean
add_policy(BuntimePolicy *policy, const BtNode *node, GError **error)
{
  if (node->kind == BT_NODE_STRING)
    return buntime_policy_add_file(policy, node->string, error);
  if (node->kind == BT_NODE_OBJECT) {
    /* As it was written: the library reads it as strictly as a file. */
    g_autofree char *json = g_strndup(node->text, node->size);
    return buntime_policy_add_json(policy, json, "policy", error);
  }
  for (guint i = 0; i < node->children->len; i++)
    if (!add_policy(policy, g_ptr_array_index(node->children, i), error))
      return FALSE;
  return TRUE;
}

BuntimeSandbox *
bt_call_sandbox(const BtRequest *request, BuntimePolicy **policy_out, GError **error)
{
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  g_autoptr(BuntimeSandbox) sandbox = buntime_sandbox_new(policy);
  g_auto(GStrv) flags = bt_request_texts(request, "flags");
  g_auto(BtCommandLine) line = BT_COMMAND_LINE_INIT;
  const BtNode *node = bt_request_node(request, "policy");

  if ((node != NULL && !add_policy(policy, node, error)) ||
      !bt_flags_parse((const char *const *)flags, &line, error) ||
      !bt_apply_all(policy, sandbox, &line, error))
    return NULL;
  *policy_out = policy;
  return g_steal_pointer(&sandbox);
}

/* ---- methods ---- */

static gboolean
put_policy(GString *result, BuntimePolicy *policy, GError **error)
{
  g_autofree char *json = buntime_policy_to_json(policy, error);
  g_auto(GStrv) rules = buntime_policy_list_rules(policy);

  if (json == NULL)
    return FALSE;
  bt_put_json(result, "policy", json);
  bt_put_name(result, "rules");
  g_string_append_c(result, '[');
  for (char **rule = rules; *rule != NULL; rule++)
    bt_put_string(result, NULL, *rule, -1);
  g_string_append_c(result, ']');
  return TRUE;
}

gboolean
bt_call_policy_load(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  BuntimePolicy *policy;
  g_autoptr(BuntimeSandbox) sandbox = bt_call_sandbox(request, &policy, error);

  return sandbox != NULL && put_policy(result, policy, error);
}

gboolean
bt_call_policy_merge(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  const BtNode *policies = bt_request_node(request, "policies");
  g_autoptr(BuntimePolicy) merged = buntime_policy_new();

  for (guint i = 0; i < policies->children->len; i++) {
    g_autoptr(BuntimePolicy) policy = buntime_policy_new();
    if (!add_policy(policy, g_ptr_array_index(policies->children, i), error) ||
        !buntime_policy_merge(merged, policy, error))
      return FALSE;
  }
  return put_policy(result, merged, error);
}

static gboolean
find_permission(const char *word, BuntimePermission *permission_out, GError **error)
{
  static const char *const words[] = {
    [BUNTIME_PERMISSION_NET] = "net",   [BUNTIME_PERMISSION_READ] = "read",
    [BUNTIME_PERMISSION_WRITE] = "write", [BUNTIME_PERMISSION_RUN] = "run",
    [BUNTIME_PERMISSION_ENV] = "env",   [BUNTIME_PERMISSION_UNIX] = "unix",
    [BUNTIME_PERMISSION_FFI] = "ffi",   [BUNTIME_PERMISSION_SYS] = "sys",
  };

  for (guint i = 0; i < G_N_ELEMENTS(words); i++)
    if (strcmp(words[i], word) == 0) {
      *permission_out = (BuntimePermission)i;
      return TRUE;
    }
  return bt_fail(error, BUNTIME_ERROR_USAGE, word, _("no kind of permission"),
                 _("write one of net, read, write, run, env, ffi, sys and unix"));
}

gboolean
bt_call_policy_check(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  BuntimePolicy *policy;
  BuntimePermission permission = BUNTIME_PERMISSION_NET;

  if (!find_permission(bt_request_text(request, "permission"), &permission, error))
    return FALSE;
  g_autoptr(BuntimeSandbox) sandbox = bt_call_sandbox(request, &policy, error);
  g_autoptr(BuntimeVerdict) verdict =
    sandbox != NULL
      ? buntime_policy_check(policy, permission, bt_request_text(request, "value"), error)
      : NULL;
  if (verdict == NULL)
    return FALSE;
  g_autofree char *json = buntime_verdict_to_json(verdict);
  bt_put_json(result, "verdict", json);
  return TRUE;
}

gboolean
bt_call_policy_show(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  g_autofree char *text = buntime_policy_show(bt_request_text(request, "name"), error);

  if (text == NULL)
    return FALSE;
  bt_put_string(result, "text", text, -1);
  return TRUE;
}

gboolean
bt_call_policy_list(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  g_autofree char *text = buntime_policy_list(TRUE, error);

  if (text == NULL)
    return FALSE;
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  bt_put_name(result, "presets");
  g_string_append_c(result, '[');
  for (char **line = lines; *line != NULL; line++)
    if (**line != '\0')
      bt_put_json(result, NULL, *line);
  g_string_append_c(result, ']');
  return TRUE;
}

gboolean
bt_call_policy_schema(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  g_autofree char *text = buntime_policy_schema(error);

  if (text == NULL)
    return FALSE;
  bt_put_json(result, "schema", text);
  return TRUE;
}
