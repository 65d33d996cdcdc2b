/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policy files, version 1 (DESIGN 4), read strictly: what is not understood is
 * an error with its place, and a file with an error adds nothing. All errors
 * of a file are told at once, up to a bound.
 */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "policy/bt-event.h"
#include "policy/bt-json.h"
#include "policy/bt-policy-private.h"
#include "policy/bt-policy-reader.h"

static BtJsonReadFunc json_reader;

void
bt_policy_set_json_reader(BtJsonReadFunc reader)
{
  json_reader = reader;
}

/* ---- sections ---- */

static void
read_fs_rules(BtPolicyReader *self, const BtJsonNode *node)
{
  bt_reader_read_list(self, node, bt_reader_read_fs_rule);
}

static void
read_net_rules(BtPolicyReader *self, const BtJsonNode *node)
{
  bt_reader_read_list(self, node, bt_reader_read_net_rule);
}

static void
read_exec_rules(BtPolicyReader *self, const BtJsonNode *node)
{
  bt_reader_read_list(self, node, bt_reader_read_exec_rule);
}

static void
read_ffi_rules(BtPolicyReader *self, const BtJsonNode *node)
{
  bt_reader_read_list(self, node, bt_reader_read_ffi_rule);
}

static void
read_ffi(BtPolicyReader *self, const BtJsonNode *node)
{
  static const BtReaderKey keys[] = { { "rules", BT_JSON_ARRAY, read_ffi_rules } };
  bt_reader_read_object(self, node, keys, G_N_ELEMENTS(keys));
}

static void
read_unix_rules(BtPolicyReader *self, const BtJsonNode *node)
{
  bt_reader_read_list(self, node, bt_reader_read_unix_rule);
}

static void
read_unix(BtPolicyReader *self, const BtJsonNode *node)
{
  static const BtReaderKey keys[] = { { "rules", BT_JSON_ARRAY, read_unix_rules } };
  bt_reader_read_object(self, node, keys, G_N_ELEMENTS(keys));
}

static void
read_fs(BtPolicyReader *self, const BtJsonNode *node)
{
  static const BtReaderKey keys[] = { { "rules", BT_JSON_ARRAY, read_fs_rules } };
  bt_reader_read_object(self, node, keys, G_N_ELEMENTS(keys));
}

static void
read_net(BtPolicyReader *self, const BtJsonNode *node)
{
  static const BtReaderKey keys[] = { { "rules", BT_JSON_ARRAY, read_net_rules } };
  bt_reader_read_object(self, node, keys, G_N_ELEMENTS(keys));
}

static void
read_exec(BtPolicyReader *self, const BtJsonNode *node)
{
  static const BtReaderKey keys[] = { { "rules", BT_JSON_ARRAY, read_exec_rules } };
  bt_reader_read_object(self, node, keys, G_N_ELEMENTS(keys));
}

static void
read_default(BtPolicyReader *self, const BtJsonNode *node)
{
  BtAction action;

  if (!bt_reader_read_action_word(self, node, FALSE, &action))
    return;
  static const struct {
    const char *name;
    BtKind kind;
  } kinds[] = {
    { "fs", BT_KIND_READ },
    { "fs", BT_KIND_WRITE },
    { "net", BT_KIND_NET },
    { "exec", BT_KIND_RUN },
  };
  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
    if (strcmp(kinds[i].name, node->name) != 0)
      continue;
    self->defaults[kinds[i].kind].action = action;
    self->defaults[kinds[i].kind].line = node->position.line;
  }
}

static void
read_defaults(BtPolicyReader *self, const BtJsonNode *node)
{
  static const BtReaderKey keys[] = {
    { "fs", BT_JSON_STRING, read_default },
    { "net", BT_JSON_STRING, read_default },
    { "exec", BT_JSON_STRING, read_default },
  };
  bt_reader_read_object(self, node, keys, G_N_ELEMENTS(keys));
}

void
bt_policy_extends_free(BtPolicyExtends *extends)
{
  g_free(extends->value);
  g_free(extends->where);
  g_free(extends);
}

static void
read_extended(BtPolicyReader *self, const BtJsonNode *node)
{
  if (!bt_reader_has_kind(self, node, BT_JSON_STRING))
    return;
  if (node->string[0] == '\0') {
    bt_reader_complain(self, node, _("an empty name"), _("write a preset's name or a path"));
    return;
  }
  BtPolicyExtends *extends = g_new0(BtPolicyExtends, 1);
  extends->value = g_strdup(node->string);
  extends->where = bt_reader_where(self, &node->position);
  g_ptr_array_add(self->extends, extends);
}

static void
read_extends(BtPolicyReader *self, const BtJsonNode *node)
{
  if (self->may_extend)
    bt_reader_read_list(self, node, read_extended);
  else
    bt_reader_complain_at(self, &node->name_position, _("other policies cannot be added here"),
                          _("leave it out, and name them by --policy"));
}

static void
read_version(BtPolicyReader *self, const BtJsonNode *node)
{
  if (node->number != 1)
    bt_reader_complain(self, node, _("an unknown version of policy files"),
                       _("this buntime reads 1"));
}

static void
read_root(BtPolicyReader *self, const BtJsonNode *root)
{
  static const BtReaderKey keys[] = {
    { "$schema", BT_JSON_STRING, NULL },
    { "version", BT_JSON_NUMBER, read_version },
    { "name", BT_JSON_STRING, NULL },
    { "description", BT_JSON_STRING, NULL },
    { "plugins", BT_JSON_OBJECT, bt_reader_read_plugins },
    { "defaults", BT_JSON_OBJECT, read_defaults },
    { "fs", BT_JSON_OBJECT, read_fs },
    { "net", BT_JSON_OBJECT, read_net },
    { "exec", BT_JSON_OBJECT, read_exec },
    { "antiEscape", BT_JSON_OBJECT, bt_reader_read_anti_escape },
    { "audit", BT_JSON_OBJECT, bt_reader_read_audit },
    { "extends", BT_JSON_ARRAY, read_extends },
    { "env", BT_JSON_OBJECT, bt_reader_read_env },
    { "ffi", BT_JSON_OBJECT, read_ffi },
    { "unix", BT_JSON_OBJECT, read_unix },
    { "sys", BT_JSON_OBJECT, bt_reader_read_sys },
    { "limits", BT_JSON_OBJECT, bt_reader_read_limits },
  };

  if (root->kind == BT_JSON_OBJECT && !bt_reader_has(root, "version")) {
    bt_reader_complain(
      self, root, _("no \"version\": this is no policy, or one of the prototype"),
      _("write \"version\": 1; for the prototype's own policies use a preset instead, and "
        "for its config.json the \"limits\" memory, cpu, pids, wallTime and output"));
    return;
  }
  bt_reader_read_object(self, root, keys, G_N_ELEMENTS(keys));
}

/* ---- files ---- */

static void
take_rules(GPtrArray *to, GPtrArray *from)
{
  for (guint i = 0; i < from->len; i++)
    g_ptr_array_add(to, bt_path_rule_copy(g_ptr_array_index(from, i)));
}

/* Of two values for one variable none is more restrictive: in one layer it is an error. */
static gboolean
check_sets(BtPolicy *policy, BtPolicy *found, GError **error)
{
  for (guint i = 0; i < found->env_set->len; i++) {
    const BtEnvSet *set = g_ptr_array_index(found->env_set, i);
    for (guint k = 0; k < policy->env_set->len; k++) {
      const BtEnvSet *other = g_ptr_array_index(policy->env_set, k);
      if (set->rule.layer != other->rule.layer || strcmp(set->name, other->name) != 0 ||
          strcmp(set->value, other->value) == 0)
        continue;
      g_autofree char *here = bt_origin_format(&set->rule.origin);
      g_autofree char *there = bt_origin_format(&other->rule.origin);
      g_autofree char *object = bt_text_neutralise(here, -1);
      g_autofree char *place = bt_text_neutralise(there, -1);
      g_autofree char *reason = g_strdup_printf(_("%s sets another value"), place);
      return bt_fail(error, BUNTIME_ERROR_POLICY, object, reason, _("leave one of the two out"));
    }
  }
  return TRUE;
}

/* Of one name the last counts: a higher layer's, in whatever order they were added. */
static int
compare_sets(gconstpointer a, gconstpointer b)
{
  const BtEnvSet *left = *(const BtEnvSet *const *)a, *right = *(const BtEnvSet *const *)b;
  return (int)right->rule.layer - (int)left->rule.layer;
}

static void
take_settings(BtPolicy *policy, BtPolicy *found)
{
  g_ptr_array_extend_and_steal(policy->ffi_rules, g_ptr_array_ref(found->ffi_rules));
  g_ptr_array_extend_and_steal(policy->unix_rules, g_ptr_array_ref(found->unix_rules));
  g_ptr_array_extend_and_steal(policy->env_rules, g_ptr_array_ref(found->env_rules));
  g_ptr_array_extend_and_steal(policy->env_set, g_ptr_array_ref(found->env_set));
  g_ptr_array_sort(policy->env_set, compare_sets);
  g_ptr_array_extend_and_steal(policy->sys_rules, g_ptr_array_ref(found->sys_rules));
  g_ptr_array_extend_and_steal(policy->deny_syscalls, g_ptr_array_ref(found->deny_syscalls));
  /* Who does not speak of layers has them on. */
  bt_policy_merge_plugins(policy, found->plugins, found->plugin_origins);
  for (guint i = 0; i < BT_N_AUDIT; i++)
    bt_policy_add_audit(policy, found->audit & (1u << i), &found->audit_origins[i]);
  for (guint i = 0; i < BT_N_LIMITS; i++)
    if (found->limits[i].set)
      bt_policy_set_limit(policy, found->limits[i].layer, i, found->limits[i].value,
                          &found->limits[i].origin);
}

static void
take_defaults(BtPolicyReader *self)
{
  static const BtKind kinds[] = { BT_KIND_READ, BT_KIND_WRITE, BT_KIND_NET, BT_KIND_RUN };

  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
    BtAction action = self->defaults[kinds[i]].action;
    guint line = self->defaults[kinds[i]].line;
    /* Absent means deny: in the first file that is the built-in word already. */
    if (action != BT_ACTION_NONE)
      bt_policy_set_default(self->policy, kinds[i], action, self->file, line);
    else if (self->policy->has_files)
      bt_policy_set_default(self->policy, kinds[i], BT_ACTION_DENY, self->file, 0);
  }
  self->policy->has_files = TRUE;
}

static gboolean
take(BtPolicyReader *self, GError **error)
{
  if (self->n_errors > BT_READER_MAX_ERRORS)
    g_string_append_printf(self->errors, _("\nand %u more errors"),
                           self->n_errors - BT_READER_MAX_ERRORS);
  if (self->n_errors > 0)
    return bt_fail(error, BUNTIME_ERROR_POLICY, NULL, self->errors->str, NULL);
  for (guint i = 0; i < self->net_items->len; i++)
    if (!bt_policy_take_net_item(self->policy,
                                 bt_net_item_copy(g_ptr_array_index(self->net_items, i))))
      return bt_fail(error, BUNTIME_ERROR_POLICY, self->file, _("too many hosts and ports"),
                     _("write address blocks and *.names instead of single ones"));
  if (!check_sets(self->policy, self->found, error))
    return FALSE;
  take_settings(self->policy, self->found);
  take_rules(self->policy->fs_rules, self->fs_rules);
  take_rules(self->policy->run_rules, self->run_rules);
  take_defaults(self);
  return TRUE;
}

static void
add_fault(GPtrArray *faults, const char *file, const char *text)
{
  g_autofree char *where = g_strconcat(file, ":", text, NULL);
  g_ptr_array_add(faults, bt_text_neutralise(where, -1));
}

/* The scan's own error is "LINE:COLUMN: reason\ncure", and comes after the faults it passed. */
static gboolean
scan(const char *text, gsize length, const char *file, GArray *places, GPtrArray *faults,
     char **mended_out)
{
  g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) cause = NULL;

  gboolean ok = bt_json_scan_all(text, length, places, found, mended_out, &cause);
  for (guint i = 0; i < found->len; i++)
    add_fault(faults, file, g_ptr_array_index(found, i));
  if (ok)
    return TRUE;
  g_auto(GStrv) lines = g_strsplit(cause->message, "\n", 2);
  g_autofree char *joined = g_strjoinv("; ", lines);
  add_fault(faults, file, joined);
  return FALSE;
}

/*
 * Scan and tree. faults (element-type utf8) receives what the scan found: with a
 * tree these are told with the tree's own errors, without one they are the error.
 */
static BtJsonNode *
parse(GBytes *bytes, const char *file, GPtrArray *faults, GError **error)
{
  g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(BtJsonPlace));
  g_autofree char *mended = NULL;
  GError *cause = NULL;
  gsize length;
  const char *text = g_bytes_get_data(bytes, &length);

  if (!scan(text, length, file, places, faults, &mended)) {
    g_ptr_array_add(faults, NULL);
    g_autofree char *all = g_strjoinv("\n", (char **)faults->pdata);
    bt_fail(error, BUNTIME_ERROR_POLICY, NULL, all, NULL);
    return NULL;
  }
  if (json_reader == NULL) {
    bt_fail(error, BUNTIME_ERROR_SETUP, file, "no JSON reader is set", NULL);
    return NULL;
  }
  g_autoptr(GBytes) variant = json_reader(mended != NULL ? mended : text, length, &cause);
  BtJsonNode *root = variant != NULL ? bt_json_from_variant(variant, places, &cause) : NULL;
  if (root == NULL)
    bt_fail_for(error, BUNTIME_ERROR_POLICY, file, cause);
  return root;
}

gboolean
bt_policy_add_json(BtPolicy *policy, BtLayer layer, GBytes *bytes, const char *file_path,
                   const char *home, GPtrArray *extends_out, GError **error)
{
  /* "/a/./p.json" is how the file was found, not what it is called. */
  g_autofree char *file =
    g_path_is_absolute(file_path) ? g_canonicalize_filename(file_path, "/") : g_strdup(file_path);
  g_autoptr(GPtrArray) faults = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(BtJsonNode) root = parse(bytes, file, faults, error);
  if (root == NULL)
    return FALSE;

  GDestroyNotify free_path = (GDestroyNotify)bt_path_rule_free;
  g_autofree char *folder = g_path_get_dirname(file);
  g_autofree char *absolute = g_canonicalize_filename(folder, NULL);
  g_autoptr(GString) path = g_string_new(NULL);
  g_autoptr(GString) errors = g_string_new(NULL);
  g_autoptr(GPtrArray) fs_rules = g_ptr_array_new_with_free_func(free_path);
  g_autoptr(GPtrArray) run_rules = g_ptr_array_new_with_free_func(free_path);
  g_autoptr(GPtrArray) net_items = g_ptr_array_new_with_free_func((GDestroyNotify)bt_net_item_free);
  g_autoptr(BtPolicy) found = bt_policy_new();
  g_autoptr(GPtrArray) extends =
    g_ptr_array_new_with_free_func((GDestroyNotify)bt_policy_extends_free);
  BtPolicyReader reader = {
    .policy = policy,
    .layer = layer,
    .file = file,
    .home = home,
    .folder = absolute,
    .path = path,
    .errors = errors,
    .fs_rules = fs_rules,
    .run_rules = run_rules,
    .net_items = net_items,
    .found = found,
    .extends = extends,
    .may_extend = extends_out != NULL,
  };

  for (guint i = 0; i < faults->len; i++)
    bt_reader_take_fault(&reader, g_ptr_array_index(faults, i));
  read_root(&reader, root);
  /* Also of a file with errors: those of its base are told with them. */
  while (extends->len > 0)
    g_ptr_array_add(extends_out, g_ptr_array_steal_index(extends, 0));
  return take(&reader, error);
}

char *
bt_policy_json_describe(GBytes *bytes, const char *file_path, GError **error)
{
  g_autoptr(GPtrArray) faults = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(BtJsonNode) root = parse(bytes, file_path, faults, error);
  if (root == NULL)
    return NULL;
  const char *description =
    root->kind == BT_JSON_OBJECT ? bt_reader_get_string(root, "description") : NULL;
  return g_strdup(description != NULL ? description : "");
}
