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
#include "policy/bt-net-item.h"
#include "policy/bt-path.h"
#include "policy/bt-policy-private.h"
#include "policy/bt-policy-vars.h"

#define MAX_ERRORS 20

static BtJsonReadFunc json_reader;

void
bt_policy_set_json_reader(BtJsonReadFunc reader)
{
  json_reader = reader;
}

typedef struct {
  BtPolicy *policy;
  const char *file;
  const char *home;
  char *folder;  /* of the file */
  GString *path; /* "net.rules[3]": where the reader is */
  GString *errors;
  guint n_errors;
  GPtrArray *fs_rules, *run_rules; /* BtPathRule; the policy's once all is read */
  GPtrArray *net_items;
  struct {
    BtAction action; /* BT_ACTION_NONE: absent */
    guint line;
  } defaults[BT_N_KINDS];
} Reader;

/* ---- errors ---- */

static void
complain_at(Reader *self, const BtJsonPosition *position, const char *reason, const char *cure)
{
  if (self->n_errors++ >= MAX_ERRORS)
    return;
  g_autofree char *text = g_strdup_printf(
    "%s:%u:%u: %s%s%s%s%s", self->file, position->line, position->column, self->path->str,
    self->path->len > 0 ? ": " : "", reason, cure != NULL ? "; " : "", cure != NULL ? cure : "");
  g_autofree char *safe = bt_text_neutralise(text, -1);
  if (self->errors->len > 0)
    g_string_append_c(self->errors, '\n');
  g_string_append(self->errors, safe);
}

static void
complain(Reader *self, const BtJsonNode *node, const char *reason, const char *cure)
{
  complain_at(self, &node->position, reason, cure);
}

/* Takes cause: "reason\ncure". */
static void
complain_because(Reader *self, const BtJsonNode *node, GError *cause)
{
  g_auto(GStrv) lines = g_strsplit(cause->message, "\n", 2);
  complain(self, node, lines[0], lines[0] != NULL ? lines[1] : NULL);
  g_error_free(cause);
}

static void G_GNUC_PRINTF(4, 5)
complain_choice(Reader *self, const BtJsonPosition *position, const char *nearest,
                const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *reason = g_strdup_vprintf(format, args);
  va_end(args);
  g_autofree char *cure =
    nearest != NULL ? g_strdup_printf(_("did you mean \"%s\"?"), nearest) : NULL;
  complain_at(self, position, reason, cure);
}

/* ---- walking ---- */

static gsize
enter_key(Reader *self, const char *key)
{
  gsize length = self->path->len;
  g_string_append_printf(self->path, "%s%s", length > 0 ? "." : "", key);
  return length;
}

static gsize
enter_index(Reader *self, guint index)
{
  gsize length = self->path->len;
  g_string_append_printf(self->path, "[%u]", index);
  return length;
}

static void
leave(Reader *self, gsize length)
{
  g_string_truncate(self->path, length);
}

static const char *
kind_word(BtJsonKind kind)
{
  switch (kind) {
  case BT_JSON_BOOLEAN:
    return _("true or false");
  case BT_JSON_NUMBER:
    return _("a number");
  case BT_JSON_STRING:
    return _("a string");
  case BT_JSON_ARRAY:
    return _("a list in [ ]");
  case BT_JSON_OBJECT:
    return _("an object in { }");
  case BT_JSON_NULL:
    break;
  }
  return "null";
}

static gboolean
has_kind(Reader *self, const BtJsonNode *node, BtJsonKind kind)
{
  if (node->kind == kind)
    return TRUE;
  g_autofree char *cure = g_strdup_printf(_("write %s"), kind_word(kind));
  complain(self, node, _("a value of the wrong type"), cure);
  return FALSE;
}

typedef struct {
  const char *name;
  BtJsonKind kind;
  void (*read)(Reader *self, const BtJsonNode *node); /* NULL: the type is all there is to check */
} Key;

static const Key *
find_key(const Key *keys, gsize n_keys, const char *name)
{
  for (gsize i = 0; i < n_keys; i++)
    if (strcmp(keys[i].name, name) == 0)
      return &keys[i];
  return NULL;
}

static void
complain_unknown(Reader *self, const BtJsonNode *member, const Key *keys, gsize n_keys)
{
  g_autofree const char **names = g_new0(const char *, n_keys + 1);
  for (gsize i = 0; i < n_keys; i++)
    names[i] = keys[i].name;
  complain_choice(self, &member->name_position, bt_nearest(member->name, names),
                  _("an unknown key"));
}

/* Checks every member against the table and reads it. FALSE: node is no object. */
static gboolean
read_object(Reader *self, const BtJsonNode *node, const Key *keys, gsize n_keys)
{
  if (!has_kind(self, node, BT_JSON_OBJECT))
    return FALSE;
  for (guint i = 0; i < node->children->len; i++) {
    const BtJsonNode *member = g_ptr_array_index(node->children, i);
    const Key *key = find_key(keys, n_keys, member->name);
    gsize outside = enter_key(self, member->name);
    if (key == NULL)
      complain_unknown(self, member, keys, n_keys);
    else if (key->kind == BT_JSON_NULL || has_kind(self, member, key->kind))
      if (key->read != NULL)
        key->read(self, member);
    leave(self, outside);
  }
  return TRUE;
}

static const BtJsonNode *
get_member(const BtJsonNode *node, const char *name, BtJsonKind kind)
{
  for (guint i = 0; i < node->children->len; i++) {
    const BtJsonNode *member = g_ptr_array_index(node->children, i);
    if (strcmp(member->name, name) == 0)
      return member->kind == kind ? member : NULL;
  }
  return NULL;
}

static gboolean
has_member(const BtJsonNode *node, const char *name)
{
  for (guint i = 0; i < node->children->len; i++)
    if (strcmp(((BtJsonNode *)g_ptr_array_index(node->children, i))->name, name) == 0)
      return TRUE;
  return FALSE;
}

static const char *
get_string(const BtJsonNode *node, const char *name)
{
  const BtJsonNode *member = get_member(node, name, BT_JSON_STRING);
  return member != NULL ? member->string : NULL;
}

/* ---- rules ---- */

static gboolean
parse_action(Reader *self, const BtJsonNode *node, gboolean warn, BtAction *action_out)
{
  const char *words[] = { "allow", "deny", warn ? "warn" : NULL, NULL };
  static const BtAction actions[] = { BT_ACTION_ALLOW, BT_ACTION_DENY, BT_ACTION_WARN };

  for (gsize i = 0; words[i] != NULL; i++) {
    if (strcmp(node->string, words[i]) == 0) {
      *action_out = actions[i];
      return TRUE;
    }
  }
  const char *nearest = bt_nearest(node->string, words);
  complain_choice(self, &node->position, nearest,
                  warn ? _("\"%s\" is not allow, warn or deny") : _("\"%s\" is not allow or deny"),
                  node->string);
  return FALSE;
}

/* What every rule has. FALSE: told. */
static gboolean
read_action(Reader *self, const BtJsonNode *node, BtAction *action_out)
{
  const BtJsonNode *member = get_member(node, "action", BT_JSON_STRING);

  if (member == NULL) {
    /* A wrong type has been told already. */
    if (!has_member(node, "action"))
      complain(self, node, _("a rule without \"action\""), _("write allow, warn or deny"));
    return FALSE;
  }
  gsize outside = enter_key(self, "action");
  gboolean ok = parse_action(self, member, TRUE, action_out);
  leave(self, outside);
  return ok;
}

static void
init_rule(Reader *self, BtRule *rule, BtAction action, const BtJsonNode *node)
{
  bt_rule_init(rule, action, BT_LAYER_FILES, self->file, node->position.line, self->path->str);
}

/* Absolute, from a member that is a string; NULL: told. */
static char *
read_path(Reader *self, const BtJsonNode *member)
{
  g_autofree char *expanded = NULL;
  char *path = NULL;
  GError *cause = NULL;
  gsize outside = enter_key(self, member->name);

  expanded = bt_policy_expand_variables(member->string, self->home, &cause);
  if (expanded != NULL)
    path = bt_path_absolute(expanded, self->folder, self->home, &cause);
  if (path == NULL)
    complain_because(self, member, cause);
  leave(self, outside);
  return path;
}

static const struct {
  const char *name;
  BtFsPerms perms;
} perm_words[] = {
  { "read_file", BT_FS_READ_FILE },
  { "write_file", BT_FS_WRITE_FILE | BT_FS_TRUNCATE },
  { "execute", BT_FS_EXECUTE },
  { "read_dir", BT_FS_READ_DIR },
  { "write_dir", BT_FS_WRITE_DIR },
  { "remove_dir", BT_FS_REMOVE_DIR },
  { "remove_file", BT_FS_REMOVE_FILE },
  { "make_char", BT_FS_MAKE_CHAR },
  { "make_dir", BT_FS_MAKE_DIR },
  { "make_reg", BT_FS_MAKE_REG },
  { "make_sock", BT_FS_MAKE_SOCK },
  { "make_fifo", BT_FS_MAKE_FIFO },
  { "make_block", BT_FS_MAKE_BLOCK },
  { "make_sym", BT_FS_MAKE_SYM },
  { "truncate", BT_FS_TRUNCATE },
  { "refer", BT_FS_REFER },
};

static BtFsPerms
read_perm(Reader *self, const BtJsonNode *node)
{
  const char *names[G_N_ELEMENTS(perm_words) + 1] = { NULL };

  if (!has_kind(self, node, BT_JSON_STRING))
    return 0;
  for (gsize i = 0; i < G_N_ELEMENTS(perm_words); i++) {
    names[i] = perm_words[i].name;
    if (strcmp(node->string, names[i]) == 0)
      return perm_words[i].perms;
  }
  complain_choice(self, &node->position, bt_nearest(node->string, names),
                  _("\"%s\" is no permission"), node->string);
  return 0;
}

static BtFsPerms
read_perms(Reader *self, const BtJsonNode *rule)
{
  const BtJsonNode *list = get_member(rule, "perms", BT_JSON_ARRAY);
  BtFsPerms perms = 0;

  if (list == NULL || list->children->len == 0) {
    if (list != NULL || !has_member(rule, "perms"))
      complain(self, list != NULL ? list : rule, _("a rule without permissions"),
               _("write \"perms\": [\"read_file\", \"read_dir\"] or others"));
    return 0;
  }
  gsize outside = enter_key(self, "perms");
  for (guint i = 0; i < list->children->len; i++) {
    gsize list_length = enter_index(self, i);
    perms |= read_perm(self, g_ptr_array_index(list->children, i));
    leave(self, list_length);
  }
  leave(self, outside);
  return perms;
}

static void
read_fs_rule(Reader *self, const BtJsonNode *node)
{
  static const Key keys[] = {
    { "action", BT_JSON_STRING, NULL },
    { "path", BT_JSON_STRING, NULL },
    { "perms", BT_JSON_ARRAY, NULL },
  };
  g_autoptr(BtPathRule) rule = bt_path_rule_new(0);
  BtAction action;

  if (!read_object(self, node, keys, G_N_ELEMENTS(keys)))
    return;
  gboolean acts = read_action(self, node, &action);
  rule->perms = read_perms(self, node);
  const BtJsonNode *path = get_member(node, "path", BT_JSON_STRING);
  if (path != NULL)
    rule->path = read_path(self, path);
  else if (!has_member(node, "path"))
    complain(self, node, _("a rule without \"path\""), NULL);
  if (!acts || rule->perms == 0 || rule->path == NULL)
    return;
  rule->written = g_strdup(path->string);
  init_rule(self, &rule->rule, action, node);
  g_ptr_array_add(self->fs_rules, g_steal_pointer(&rule));
}

static gboolean
is_sha256(const char *text)
{
  return strlen(text) == 64 && text[strspn(text, "0123456789abcdefABCDEF")] == '\0';
}

static void
read_sha256(Reader *self, const BtJsonNode *node)
{
  if (!is_sha256(node->string))
    complain(self, node, _("no SHA-256 sum"), _("write its 64 hexadecimal digits"));
  else
    complain(self, node, _("sums of programs are not supported yet"),
             _("leave \"sha256\" out; the rule then allows whatever is at the path"));
}

static void
read_exec_rule(Reader *self, const BtJsonNode *node)
{
  static const Key keys[] = {
    { "action", BT_JSON_STRING, NULL },
    { "path", BT_JSON_STRING, NULL },
    { "glob", BT_JSON_STRING, NULL },
    { "sha256", BT_JSON_STRING, read_sha256 },
  };
  g_autoptr(BtPathRule) rule = bt_path_rule_new(BT_FS_EXECUTE);
  BtAction action;

  if (!read_object(self, node, keys, G_N_ELEMENTS(keys)))
    return;
  gboolean acts = read_action(self, node, &action);
  const BtJsonNode *path = get_member(node, "path", BT_JSON_STRING);
  const BtJsonNode *glob = get_member(node, "glob", BT_JSON_STRING);
  if (has_member(node, "path") == has_member(node, "glob")) {
    complain(self, node, _("a rule needs \"path\" or \"glob\""), _("write one of them"));
    return;
  }
  const BtJsonNode *place = path != NULL ? path : glob;
  if (place == NULL)
    return;
  gboolean name = strchr(place->string, '/') == NULL && place->string[0] != '~';
  if (name && (glob != NULL || place->string[0] == '\0' || bt_path_is_glob(place->string))) {
    complain(self, place, _("programs on PATH cannot be a pattern"),
             _("write the pattern with its directory, like /usr/bin/git-*"));
    return;
  }
  /* A name alone is a program of PATH, as it is for --allow-run. */
  if (!name && (rule->path = read_path(self, place)) == NULL)
    return;
  if (!acts)
    return;
  rule->written = g_strdup(place->string);
  init_rule(self, &rule->rule, action, node);
  g_ptr_array_add(self->run_rules, g_steal_pointer(&rule));
}

/* One member of a net rule; a set function of bt-net-item.h does the work. */
static gboolean
set_part(Reader *self, BtNetItem *item, const BtJsonNode *rule, const char *name,
         gboolean (*set)(BtNetItem *, const char *, GError **))
{
  const BtJsonNode *member = get_member(rule, name, BT_JSON_STRING);
  GError *cause = NULL;

  if (member == NULL)
    return !has_member(rule, name);
  if (set(item, member->string, &cause))
    return TRUE;
  gsize outside = enter_key(self, name);
  complain_because(self, member, cause);
  leave(self, outside);
  return FALSE;
}

static void
read_net_rule(Reader *self, const BtJsonNode *node)
{
  static const Key keys[] = {
    { "action", BT_JSON_STRING, NULL }, { "proto", BT_JSON_STRING, NULL },
    { "cidr", BT_JSON_STRING, NULL },   { "host", BT_JSON_STRING, NULL },
    { "ports", BT_JSON_STRING, NULL },
  };
  g_autoptr(BtNetItem) item = bt_net_item_new();
  BtAction action = BT_ACTION_DENY;
  GError *cause = NULL;

  if (!read_object(self, node, keys, G_N_ELEMENTS(keys)))
    return;
  gboolean ok = read_action(self, node, &action);
  if (has_member(node, "cidr") == has_member(node, "host")) {
    complain(self, node, _("a rule needs \"cidr\" or \"host\""), _("write one of them"));
    return;
  }
  ok &= set_part(self, item, node, "cidr", bt_net_item_set_cidr);
  ok &= set_part(self, item, node, "host", bt_net_item_set_host);
  ok &= set_part(self, item, node, "ports", bt_net_item_add_ports);
  if (ok && !bt_net_item_set_proto(item, get_string(node, "proto"), action, &cause)) {
    gsize outside = enter_key(self, "proto");
    complain_because(self, get_member(node, "proto", BT_JSON_STRING), cause);
    leave(self, outside);
    return;
  }
  if (!ok)
    return;
  init_rule(self, &item->rule, action, node);
  const char *host = get_string(node, "host");
  if (host != NULL && g_ascii_strncasecmp(host, "localhost", 9) == 0 && item->host == NULL)
    g_ptr_array_add(self->net_items, bt_net_item_localhost_v6(item));
  g_ptr_array_add(self->net_items, g_steal_pointer(&item));
}

/* ---- sections ---- */

static void
read_list(Reader *self, const BtJsonNode *node, void (*read)(Reader *, const BtJsonNode *))
{
  for (guint i = 0; i < node->children->len; i++) {
    gsize outside = enter_index(self, i);
    read(self, g_ptr_array_index(node->children, i));
    leave(self, outside);
  }
}

static void
read_fs_rules(Reader *self, const BtJsonNode *node)
{
  read_list(self, node, read_fs_rule);
}

static void
read_net_rules(Reader *self, const BtJsonNode *node)
{
  read_list(self, node, read_net_rule);
}

static void
read_exec_rules(Reader *self, const BtJsonNode *node)
{
  read_list(self, node, read_exec_rule);
}

static void
read_fs(Reader *self, const BtJsonNode *node)
{
  static const Key keys[] = { { "rules", BT_JSON_ARRAY, read_fs_rules } };
  read_object(self, node, keys, G_N_ELEMENTS(keys));
}

static void
read_net(Reader *self, const BtJsonNode *node)
{
  static const Key keys[] = { { "rules", BT_JSON_ARRAY, read_net_rules } };
  read_object(self, node, keys, G_N_ELEMENTS(keys));
}

static void
read_exec(Reader *self, const BtJsonNode *node)
{
  static const Key keys[] = { { "rules", BT_JSON_ARRAY, read_exec_rules } };
  read_object(self, node, keys, G_N_ELEMENTS(keys));
}

static void
read_default(Reader *self, const BtJsonNode *node)
{
  BtAction action;

  if (!parse_action(self, node, FALSE, &action))
    return;
  static const struct {
    const char *name;
    BtKind kind;
  } kinds[] = {
    { "fs", BT_KIND_READ }, { "fs", BT_KIND_WRITE }, { "net", BT_KIND_NET }, { "exec", BT_KIND_RUN },
  };
  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
    if (strcmp(kinds[i].name, node->name) != 0)
      continue;
    self->defaults[kinds[i].kind].action = action;
    self->defaults[kinds[i].kind].line = node->position.line;
  }
}

static void
read_defaults(Reader *self, const BtJsonNode *node)
{
  static const Key keys[] = {
    { "fs", BT_JSON_STRING, read_default },
    { "net", BT_JSON_STRING, read_default },
    { "exec", BT_JSON_STRING, read_default },
  };
  read_object(self, node, keys, G_N_ELEMENTS(keys));
}

static void
read_plugin(Reader *self, const BtJsonNode *node)
{
  if (!node->boolean)
    complain(self, node, _("turning a layer off is not supported yet"),
             _("leave it out: every layer is on"));
}

static void
read_plugins(Reader *self, const BtJsonNode *node)
{
  static const Key keys[] = {
    { "namespaces", BT_JSON_BOOLEAN, read_plugin },
    { "landlock", BT_JSON_BOOLEAN, read_plugin },
    { "seccomp", BT_JSON_BOOLEAN, read_plugin },
  };
  read_object(self, node, keys, G_N_ELEMENTS(keys));
}

/* A key that is passed over would be a restriction that is not there. */
static void
refuse_later_key(Reader *self, const BtJsonNode *node)
{
  complain_choice(self, &node->name_position, NULL, _("not supported by this version of buntime"));
}

static void
read_version(Reader *self, const BtJsonNode *node)
{
  if (node->number != 1)
    complain(self, node, _("an unknown version of policy files"), _("this buntime reads 1"));
}

static void
read_root(Reader *self, const BtJsonNode *root)
{
  static const Key keys[] = {
    { "$schema", BT_JSON_STRING, NULL },
    { "version", BT_JSON_NUMBER, read_version },
    { "name", BT_JSON_STRING, NULL },
    { "description", BT_JSON_STRING, NULL },
    { "plugins", BT_JSON_OBJECT, read_plugins },
    { "defaults", BT_JSON_OBJECT, read_defaults },
    { "fs", BT_JSON_OBJECT, read_fs },
    { "net", BT_JSON_OBJECT, read_net },
    { "exec", BT_JSON_OBJECT, read_exec },
    { "antiEscape", BT_JSON_NULL, refuse_later_key },
    { "audit", BT_JSON_NULL, refuse_later_key },
    { "extends", BT_JSON_NULL, refuse_later_key },
    { "env", BT_JSON_NULL, refuse_later_key },
    { "ffi", BT_JSON_NULL, refuse_later_key },
    { "sys", BT_JSON_NULL, refuse_later_key },
    { "limits", BT_JSON_NULL, refuse_later_key },
  };

  if (root->kind == BT_JSON_OBJECT && !has_member(root, "version")) {
    complain(self, root, _("no \"version\": this is no policy, or one of the prototype"),
             _("write \"version\": 1; for the prototype's own policies use a preset instead, and "
               "for its config.json the \"limits\" memory, cpu, pids, wallTime and output"));
    return;
  }
  read_object(self, root, keys, G_N_ELEMENTS(keys));
}

/* ---- files ---- */

static void
take_rules(GPtrArray *to, GPtrArray *from)
{
  for (guint i = 0; i < from->len; i++)
    g_ptr_array_add(to, bt_path_rule_copy(g_ptr_array_index(from, i)));
}

static void
take_defaults(Reader *self)
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
take(Reader *self, GError **error)
{
  if (self->n_errors > MAX_ERRORS)
    g_string_append_printf(self->errors, _("\nand %u more errors"), self->n_errors - MAX_ERRORS);
  if (self->n_errors > 0)
    return bt_fail(error, BUNTIME_ERROR_POLICY, NULL, self->errors->str, NULL);
  for (guint i = 0; i < self->net_items->len; i++)
    if (!bt_policy_take_net_item(self->policy,
                                 bt_net_item_copy(g_ptr_array_index(self->net_items, i))))
      return bt_fail(error, BUNTIME_ERROR_POLICY, self->file, _("too many hosts and ports"),
                     _("write address blocks and *.names instead of single ones"));
  take_rules(self->policy->fs_rules, self->fs_rules);
  take_rules(self->policy->run_rules, self->run_rules);
  take_defaults(self);
  return TRUE;
}

/* Scan and tree; the scan's error is "LINE:COLUMN: reason\ncure". */
static BtJsonNode *
parse(GBytes *bytes, const char *file, GError **error)
{
  g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(BtJsonPlace));
  GError *cause = NULL;
  gsize length;
  const char *text = g_bytes_get_data(bytes, &length);

  if (!bt_json_scan(text, length, places, &cause)) {
    g_auto(GStrv) lines = g_strsplit(cause->message, "\n", 2);
    g_autofree char *joined = g_strjoinv("; ", lines);
    g_autofree char *where = g_strconcat(file, ":", joined, NULL);
    g_autofree char *safe = bt_text_neutralise(where, -1);
    bt_fail(error, BUNTIME_ERROR_POLICY, NULL, safe, NULL);
    g_error_free(cause);
    return NULL;
  }
  if (json_reader == NULL) {
    bt_fail(error, BUNTIME_ERROR_SETUP, file, "no JSON reader is set", NULL);
    return NULL;
  }
  BtJsonNode *root = json_reader(text, length, places, &cause);
  if (root == NULL)
    bt_fail_for(error, BUNTIME_ERROR_POLICY, file, cause);
  return root;
}

gboolean
bt_policy_add_json(BtPolicy *policy, GBytes *bytes, const char *file_path, const char *home,
                   GError **error)
{
  g_autoptr(BtJsonNode) root = parse(bytes, file_path, error);
  if (root == NULL)
    return FALSE;

  GDestroyNotify free_path = (GDestroyNotify)bt_path_rule_free;
  g_autofree char *folder = g_path_get_dirname(file_path);
  g_autofree char *absolute = g_canonicalize_filename(folder, NULL);
  g_autoptr(GString) path = g_string_new(NULL);
  g_autoptr(GString) errors = g_string_new(NULL);
  g_autoptr(GPtrArray) fs_rules = g_ptr_array_new_with_free_func(free_path);
  g_autoptr(GPtrArray) run_rules = g_ptr_array_new_with_free_func(free_path);
  g_autoptr(GPtrArray) net_items =
    g_ptr_array_new_with_free_func((GDestroyNotify)bt_net_item_free);
  Reader reader = {
    .policy = policy,
    .file = file_path,
    .home = home,
    .folder = absolute,
    .path = path,
    .errors = errors,
    .fs_rules = fs_rules,
    .run_rules = run_rules,
    .net_items = net_items,
  };

  read_root(&reader, root);
  return take(&reader, error);
}
