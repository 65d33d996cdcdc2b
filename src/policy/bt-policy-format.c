/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A policy file of a policy. All rules become one layer's, which is what they
 * are when they came from one: of flags alone, or of files alone.
 */
#include "policy/bt-policy-format.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "policy/bt-json-writer.h"
#include "policy/bt-path.h"
#include "policy/bt-policy-private.h"

/* Files replace ${VAR}, and are UTF-8; flags neither. */
static gboolean
check_path(const BtPathRule *rule, GError **error)
{
  const char *path = bt_path_rule_get_path(rule);

  if (!g_utf8_validate(path, -1, NULL))
    return bt_fail(error, BUNTIME_ERROR_USAGE, path, _("a policy file cannot name it: no UTF-8"),
                   _("grant the directory, or rename it"));
  if (strstr(path, "${") != NULL)
    return bt_fail(error, BUNTIME_ERROR_USAGE, path,
                   _("a policy file cannot name it: \"${\" starts a variable there"),
                   _("grant the directory, or rename it"));
  return TRUE;
}

static gboolean
check_paths(GPtrArray *rules, GError **error)
{
  for (guint i = 0; i < rules->len; i++)
    if (!check_path(g_ptr_array_index(rules, i), error))
      return FALSE;
  return TRUE;
}

static gboolean
check(BtPolicy *policy, GError **error)
{
  return check_paths(policy->fs_rules, error) && check_paths(policy->run_rules, error) &&
         check_paths(policy->ffi_rules, error) && check_paths(policy->unix_rules, error);
}

static void
put_defaults(BtJsonWriter *json, BtPolicy *policy)
{
  /* One word for reading and writing: the stricter. */
  BtAction fs = MAX(policy->defaults[BT_KIND_READ], policy->defaults[BT_KIND_WRITE]);

  bt_json_begin_object(json, "defaults");
  bt_json_put_string(json, "fs", bt_action_word(fs));
  bt_json_put_string(json, "net", bt_action_word(policy->defaults[BT_KIND_NET]));
  bt_json_put_string(json, "exec", bt_action_word(policy->defaults[BT_KIND_RUN]));
  bt_json_end(json);
}

static void
begin_rules(BtJsonWriter *json, const char *section)
{
  bt_json_begin_object(json, section);
  bt_json_begin_array(json, "rules");
}

static void
end_rules(BtJsonWriter *json)
{
  bt_json_end(json);
  bt_json_end(json);
}

static void
put_fs(BtJsonWriter *json, BtPolicy *policy)
{
  if (policy->fs_rules->len == 0)
    return;
  begin_rules(json, "fs");
  for (guint i = 0; i < policy->fs_rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(policy->fs_rules, i);
    g_autoptr(GPtrArray) words = bt_fs_perms_words(rule->perms);
    bt_json_begin_object(json, NULL);
    bt_json_put_string(json, "action", bt_action_word(rule->rule.action));
    bt_json_put_string(json, "path", bt_path_rule_get_path(rule));
    bt_json_begin_array(json, "perms");
    for (guint k = 0; k < words->len; k++)
      bt_json_put_string(json, NULL, g_ptr_array_index(words, k));
    bt_json_end(json);
    bt_json_end(json);
  }
  end_rules(json);
}

static void
put_net_rule(BtJsonWriter *json, const BtNetItem *item, const char *cidr)
{
  g_autofree char *ports = bt_net_item_format_ports(item);

  bt_json_begin_object(json, NULL);
  bt_json_put_string(json, "action", bt_action_word(item->rule.action));
  bt_json_put_string(json, "proto", bt_net_item_proto_word(item));
  if (item->host != NULL) {
    g_autofree char *host = g_strconcat(item->below ? "*." : "", item->host, NULL);
    bt_json_put_string(json, "host", host);
  } else {
    bt_json_put_string(json, "cidr", cidr);
  }
  if (ports != NULL)
    bt_json_put_string(json, "ports", ports);
  if ((item->flags & BT_NET_RULE_PLAIN) != 0)
    bt_json_put_bool(json, "inspect", FALSE);
  bt_json_end(json);
}

static void
put_net(BtJsonWriter *json, BtPolicy *policy)
{
  if (policy->net_items->len == 0)
    return;
  begin_rules(json, "net");
  for (guint i = 0; i < policy->net_items->len; i++) {
    const BtNetItem *item = g_ptr_array_index(policy->net_items, i);
    g_autofree char *cidr = bt_net_item_format_cidr(item);
    if (item->everything) {
      put_net_rule(json, item, "0.0.0.0/0");
      put_net_rule(json, item, "::/0");
    } else {
      put_net_rule(json, item, cidr);
    }
  }
  end_rules(json);
}

static void
put_paths(BtJsonWriter *json, const char *section, GPtrArray *rules, gboolean programs)
{
  if (rules->len == 0)
    return;
  begin_rules(json, section);
  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    const char *path = bt_path_rule_get_path(rule);
    bt_json_begin_object(json, NULL);
    bt_json_put_string(json, "action", bt_action_word(rule->rule.action));
    bt_json_put_string(json, programs && bt_path_is_glob(path) ? "glob" : "path", path);
    if (rule->sha256 != NULL)
      bt_json_put_string(json, "sha256", rule->sha256);
    bt_json_end(json);
  }
  end_rules(json);
}

static void
put_env_list(BtJsonWriter *json, const char *name, BtPolicy *policy, BtAction action)
{
  bt_json_begin_array(json, name);
  for (guint i = 0; i < policy->env_rules->len; i++) {
    const BtEnvRule *rule = g_ptr_array_index(policy->env_rules, i);
    if (rule->rule.action == action)
      bt_json_put_string(json, NULL, rule->pattern);
  }
  bt_json_end(json);
}

static void
put_env(BtJsonWriter *json, BtPolicy *policy)
{
  if (policy->env_rules->len == 0 && policy->env_set->len == 0)
    return;
  bt_json_begin_object(json, "env");
  put_env_list(json, "allow", policy, BT_ACTION_ALLOW);
  put_env_list(json, "deny", policy, BT_ACTION_DENY);
  if (policy->env_set->len > 0) {
    bt_json_begin_object(json, "set");
    for (guint i = 0; i < policy->env_set->len; i++) {
      const BtEnvSet *set = g_ptr_array_index(policy->env_set, i);
      bt_json_put_string(json, set->name, set->value);
    }
    bt_json_end(json);
  }
  bt_json_end(json);
}

/* Those that cannot be hidden are not denied either: a file may not say so. */
static void
put_sys_list(BtJsonWriter *json, const char *name, BtPolicy *policy, BtAction action)
{
  BtSys kinds = 0;

  for (guint i = 0; i < policy->sys_rules->len; i++) {
    const BtSysRule *rule = g_ptr_array_index(policy->sys_rules, i);
    if (rule->rule.action == action)
      kinds |= rule->kinds;
  }
  if (action == BT_ACTION_DENY)
    kinds &= BT_SYS_HIDDEN;
  bt_json_begin_array(json, name);
  for (guint i = 0; i < BT_N_SYS; i++)
    if ((kinds & (1u << i)) != 0)
      bt_json_put_string(json, NULL, bt_sys_words[i]);
  bt_json_end(json);
}

static void
put_sys(BtJsonWriter *json, BtPolicy *policy)
{
  if (policy->sys_rules->len == 0)
    return;
  bt_json_begin_object(json, "sys");
  put_sys_list(json, "allow", policy, BT_ACTION_ALLOW);
  put_sys_list(json, "deny", policy, BT_ACTION_DENY);
  bt_json_end(json);
}

static void
put_plugins(BtJsonWriter *json, BtPolicy *policy)
{
  if (policy->plugins == BT_PLUGINS_ALL)
    return;
  bt_json_begin_object(json, "plugins");
  bt_json_put_bool(json, "namespaces", (policy->plugins & BT_PLUGIN_NAMESPACES) != 0);
  bt_json_put_bool(json, "landlock", (policy->plugins & BT_PLUGIN_LANDLOCK) != 0);
  bt_json_put_bool(json, "seccomp", (policy->plugins & BT_PLUGIN_SECCOMP) != 0);
  bt_json_end(json);
}

static void
put_anti_escape(BtJsonWriter *json, BtPolicy *policy)
{
  if (policy->deny_syscalls->len == 0)
    return;
  bt_json_begin_object(json, "antiEscape");
  bt_json_begin_array(json, "denySyscalls");
  for (guint i = 0; i < policy->deny_syscalls->len; i++)
    bt_json_put_string(json, NULL,
                       ((const BtDenySyscall *)g_ptr_array_index(policy->deny_syscalls, i))->name);
  bt_json_end(json);
  bt_json_end(json);
}

static void
put_audit(BtJsonWriter *json, BtPolicy *policy)
{
  if (policy->audit == 0)
    return;
  bt_json_begin_object(json, "audit");
  bt_json_put_bool(json, "enabled", TRUE);
  bt_json_begin_array(json, "events");
  for (guint i = 0; i < BT_N_AUDIT; i++)
    if ((policy->audit & (1u << i)) != 0)
      bt_json_put_string(json, NULL, bt_audit_words[i]);
  bt_json_end(json);
  bt_json_end(json);
}

static void
put_limits(BtJsonWriter *json, BtPolicy *policy)
{
  gboolean any = FALSE;

  for (guint i = 0; i < BT_N_LIMITS; i++) {
    guint64 value;
    if (!bt_policy_get_limit(policy, i, &value, NULL))
      continue;
    if (!any)
      bt_json_begin_object(json, "limits");
    any = TRUE;
    g_autofree char *word = bt_limit_format(i, value);
    if (bt_limit_is_count(i))
      bt_json_put_int(json, bt_limit_key(i), (gint64)value);
    else
      bt_json_put_string(json, bt_limit_key(i), word);
  }
  if (any)
    bt_json_end(json);
}

char *
bt_policy_format_json(BtPolicy *policy, GError **error)
{
  g_autoptr(GString) text = g_string_new(NULL);
  BtJsonWriter json = BT_JSON_WRITER_INIT(text, 2);

  if (!check(policy, error))
    return NULL;
  bt_json_begin_object(&json, NULL);
  bt_json_put_int(&json, "version", 1);
  put_plugins(&json, policy);
  put_defaults(&json, policy);
  put_fs(&json, policy);
  put_net(&json, policy);
  put_paths(&json, "exec", policy->run_rules, TRUE);
  put_env(&json, policy);
  put_paths(&json, "ffi", policy->ffi_rules, FALSE);
  put_paths(&json, "unix", policy->unix_rules, FALSE);
  put_sys(&json, policy);
  put_anti_escape(&json, policy);
  put_audit(&json, policy);
  put_limits(&json, policy);
  bt_json_end(&json);
  g_string_append_c(text, '\n');
  return g_string_free(g_steal_pointer(&text), FALSE);
}
