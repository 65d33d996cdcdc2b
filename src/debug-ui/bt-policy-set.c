/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-policy-set.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "cli/bt-run.h"
#include "debug-ui/bt-fields.h"
#include "serve/bt-flags.h"

static BtPolicySet *
set_new(void)
{
  BtPolicySet *self = g_new0(BtPolicySet, 1);

  self->policy = buntime_policy_new();
  self->sandbox = buntime_sandbox_new(self->policy);
  self->problems = bt_problems_new();
  return self;
}

void
bt_policy_set_free(BtPolicySet *self)
{
  g_clear_pointer(&self->sandbox, buntime_sandbox_unref);
  g_clear_pointer(&self->policy, buntime_policy_unref);
  g_ptr_array_unref(self->problems);
  g_free(self);
}

/* ---- parts ---- */

/* What a preset is called: a path would name any file. */
static gboolean
is_preset_name(const char *name)
{
  return name[0] != '\0' && name[0] != '.' && name[0] != '-' && strchr(name, '/') == NULL &&
         !g_str_has_suffix(name, ".json");
}

/* What a text is called is a part of lines that are told apart by it. */
static gboolean
is_text_name(const char *name)
{
  if (name[0] == '\0' || strlen(name) > BT_POLICY_SET_MAX_NAME)
    return FALSE;
  for (; *name != '\0'; name++)
    if (g_ascii_iscntrl(*name))
      return FALSE;
  return TRUE;
}

static gboolean
fail_name(const char *name, GError **error)
{
  return bt_fail(error, BUNTIME_ERROR_USAGE, name, _("not a name for a policy"),
                 _("take a short one, without '/'"));
}

static gboolean
add_part(BtPolicySet *self, const BtNode *part, int index, GError **error)
{
  static const char *const preset_keys[] = { "preset", NULL }, *const text_keys[] = { "name", "text", NULL };
  const char *preset, *name, *text;
  GError *failure = NULL;

  if (part->kind == BT_NODE_OBJECT && bt_node_get(part, "preset") != NULL) {
    if (!bt_fields_check(part, preset_keys, error) ||
        !bt_field_text(part, "preset", BT_POLICY_SET_MAX_NAME, &preset, error))
      return FALSE;
    if (!is_preset_name(preset))
      return fail_name(preset, error);
    buntime_policy_add_file(self->policy, preset, &failure);
    name = NULL;
  } else {
    if (!bt_fields_check(part, text_keys, error) ||
        !bt_field_text(part, "name", BT_POLICY_SET_MAX_NAME, &name, error) ||
        !bt_field_text(part, "text", BT_FIELD_MAX_CODE, &text, error))
      return FALSE;
    if (!is_text_name(name))
      return fail_name(name, error);
    buntime_policy_add_json(self->policy, text, name, &failure);
  }
  if (failure == NULL)
    return TRUE;
  bt_problems_add(self->problems, failure, index, name);
  g_error_free(failure);
  return TRUE;
}

static gboolean
add_parts(BtPolicySet *self, const BtNode *policies, GError **error)
{
  if (policies->kind != BT_NODE_ARRAY || policies->children->len > BT_POLICY_SET_MAX_PARTS)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "policies", _("not an array of policies"), NULL);
  for (guint i = 0; i < policies->children->len; i++)
    if (!add_part(self, g_ptr_array_index(policies->children, i), (int)i, error))
      return FALSE;
  return TRUE;
}

/* ---- flags ---- */

static gboolean
add_flags(BtPolicySet *self, const BtNode *node, GError **error)
{
  g_auto(BtCommandLine) line = BT_COMMAND_LINE_INIT;
  g_autoptr(GError) failure = NULL;
  g_auto(GStrv) flags = NULL;

  if (!bt_field_texts(node, "flags", BT_POLICY_SET_MAX_FLAGS, &flags, error))
    return FALSE;
  if (!bt_flags_parse((const char *const *)flags, &line, &failure) ||
      !bt_apply_all(self->policy, self->sandbox, &line, &failure))
    bt_problems_add(self->problems, failure, -1, NULL);
  return TRUE;
}

/* ---- */

static gboolean
fill(BtPolicySet *self, const BtNode *policies, const BtNode *flags, GError **error)
{
  g_autoptr(GError) failure = NULL;

  if (!add_parts(self, policies, error) || !add_flags(self, flags, error))
    return FALSE;
  if (!buntime_policy_add_environment(self->policy, &failure))
    bt_problems_add(self->problems, failure, -1, NULL);
  return TRUE;
}

BtPolicySet *
bt_policy_set_new(const BtNode *policies, const BtNode *flags, GError **error)
{
  BtPolicySet *self = set_new();

  if (fill(self, policies, flags, error))
    return self;
  bt_policy_set_free(self);
  return NULL;
}

BtPolicySet *
bt_policy_set_new_for_part(const BtNode *part, GError **error)
{
  BtPolicySet *self = set_new();

  if (add_part(self, part, 0, error))
    return self;
  bt_policy_set_free(self);
  return NULL;
}

/* ---- what it comes to ---- */

typedef enum { LEVEL_STRICT, LEVEL_SCOPED, LEVEL_OPEN, LEVEL_UNRESTRICTED } Level;

typedef struct {
  Level level;
  guint allow, warn, deny;
} Summary;

/* Is what is granted, "fs: allow / read_dir" say, this object, and not one that begins so? */
static gboolean
is_about(const char *text, const char *object)
{
  const char *colon = strstr(text, ": "), *at = colon != NULL ? strchr(colon + 2, ' ') : NULL;
  gsize length = strlen(object);

  return at != NULL && strncmp(at + 1, object, length) == 0 &&
         (at[1 + length] == '\0' || at[1 + length] == ' ');
}

/* Of a rule that grants. */
static Level
level_of(const char *kind, const char *text)
{
  static const char *const addresses[] = { "everything", "0.0.0.0/0", "::/0", "[::]/0" };

  if (strcmp(kind, "defaults") == 0)
    return LEVEL_OPEN;
  for (gsize i = 0; strcmp(kind, "net") == 0 && i < G_N_ELEMENTS(addresses); i++)
    if (is_about(text, addresses[i]))
      return LEVEL_OPEN;
  return is_about(text, "/") || is_about(text, "*") ? LEVEL_UNRESTRICTED : LEVEL_SCOPED;
}

static void
count_rule(Summary *self, const BtNode *rule)
{
  const char *kind, *action, *text;

  /* A setting has none. */
  if (!bt_field_text(rule, "kind", G_MAXSIZE, &kind, NULL) ||
      !bt_field_text(rule, "action", G_MAXSIZE, &action, NULL) ||
      !bt_field_text(rule, "text", G_MAXSIZE, &text, NULL))
    return;
  gboolean counted = strcmp(kind, "defaults") != 0;
  if (strcmp(action, "deny") == 0) {
    self->deny += counted;
    return;
  }
  if (strcmp(action, "warn") == 0)
    self->warn += counted;
  else
    self->allow += counted;
  self->level = MAX(self->level, level_of(kind, text));
}

static void
put_summary(GString *text, const char *rules)
{
  static const char *const levels[] = { "strict", "scoped", "open", "unrestricted" };
  g_autoptr(BtNode) node = bt_node_parse(rules, strlen(rules), NULL);
  Summary summary = { 0 };

  for (guint i = 0; node != NULL && i < node->children->len; i++)
    count_rule(&summary, g_ptr_array_index(node->children, i));
  bt_put_name(text, "summary");
  g_string_append_c(text, '{');
  bt_put_string(text, "level", levels[summary.level], -1);
  bt_put_int(text, "allow", summary.allow);
  bt_put_int(text, "deny", summary.deny);
  bt_put_int(text, "warn", summary.warn);
  g_string_append_c(text, '}');
}

/* What only a run would find: rules that contradict each other, or that nothing here can hold. */
static void
look_at_enforcement(BtPolicySet *self)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(BuntimeVerdict) verdict =
    buntime_policy_check(self->policy, BUNTIME_PERMISSION_ENV, "PATH", &failure);

  if (verdict == NULL)
    bt_problems_add(self->problems, failure, -1, NULL);
}

void
bt_policy_set_put(GString *text, BtPolicySet *self, gboolean merged)
{
  g_autoptr(GError) failure = NULL;
  g_autofree char *rules = buntime_policy_rules_to_json(self->policy);

  if (merged && self->problems->len == 0)
    look_at_enforcement(self);
  g_autofree char *json =
    merged && self->problems->len == 0 ? buntime_policy_to_json(self->policy, &failure) : NULL;

  if (failure != NULL)
    bt_problems_add(self->problems, failure, -1, NULL);
  bt_put_json(text, "rules", rules);
  put_summary(text, rules);
  if (json != NULL)
    bt_put_string(text, "policy", json, -1);
  else if (merged)
    bt_put_json(text, "policy", "null");
  bt_problems_put(text, "problems", self->problems);
}
