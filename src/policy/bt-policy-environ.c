/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/bt-policy-environ.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "policy/bt-event.h"
#include "policy/bt-json.h"
#include "policy/bt-path.h"
#include "policy/bt-policy-private.h"

/* Everything of a kind: a name that no host, path or variable is likely to have. */
#define EVERYTHING "all"
#define POLICY "POLICY_JSON"

/* The prototype's spelling, and ours. */
static const char *const prefixes[] = { "POD_", "BUNTIME_" };

static const struct {
  const char *word;
  BtAction action;
} actions[] = {
  { "ALLOW_", BT_ACTION_ALLOW },
  { "DENY_", BT_ACTION_DENY },
};

#define N_PERMISSIONS (G_N_ELEMENTS(actions) * BT_N_KINDS)

/* One of the environment's; both spellings share a place. */
typedef struct {
  char *name; /* NULL: not set */
  const char *value;
} Variable;

typedef struct {
  Variable permissions[N_PERMISSIONS]; /* those of actions[0] first */
  Variable policy;
} Variables;

static void
variables_clear(Variables *self)
{
  for (gsize i = 0; i < N_PERMISSIONS; i++)
    g_free(self->permissions[i].name);
  g_free(self->policy.name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Variables, variables_clear)

/* ---- names ---- */

/* What follows POD_ or BUNTIME_; NULL: neither. */
static const char *
skip_prefix(const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++)
    if (g_str_has_prefix(name, prefixes[i]))
      return name + strlen(prefixes[i]);
  return NULL;
}

gboolean
bt_policy_environ_is_own(const char *name)
{
  const char *rest = skip_prefix(name);
  return rest != NULL && (g_str_has_prefix(rest, actions[0].word) ||
                          g_str_has_prefix(rest, actions[1].word) || strcmp(rest, POLICY) == 0);
}

/* "ALLOW_NET" (transfer full) */
static char *
permission_name(gsize place)
{
  g_autofree char *kind = g_ascii_strup(bt_event_kind_word(place % BT_N_KINDS), -1);
  return g_strconcat(actions[place / BT_N_KINDS].word, kind, NULL);
}

static Variable *
find_place(Variables *self, const char *name)
{
  const char *rest = skip_prefix(name);

  if (strcmp(rest, POLICY) == 0)
    return &self->policy;
  for (gsize i = 0; i < N_PERMISSIONS; i++) {
    g_autofree char *known = permission_name(i);
    if (strcmp(rest, known) == 0)
      return &self->permissions[i];
  }
  return NULL;
}

/* A denial with a wrong letter would be one that does not hold. */
static gboolean
fail_unknown(const char *name, GError **error)
{
  const char *rest = skip_prefix(name);
  char *names[N_PERMISSIONS + 1] = { NULL };
  g_autofree char *cure = NULL;

  if (strcmp(rest, "ALLOW_ALL") == 0)
    return bt_fail(error, BUNTIME_ERROR_USAGE, name, _("no variable grants everything"),
                   _("give the flag --allow-all"));
  for (gsize i = 0; i < N_PERMISSIONS; i++)
    names[i] = permission_name(i);
  const char *nearest = bt_nearest(rest, (const char *const *)names);
  cure = nearest != NULL
           ? g_strdup_printf(_("did you mean %.*s%s?"), (int)(rest - name), name, nearest)
           : g_strdup(_("its last word is NET, READ, WRITE, RUN, ENV, FFI, SYS or UNIX"));
  for (gsize i = 0; i < N_PERMISSIONS; i++)
    g_free(names[i]);
  return bt_fail(error, BUNTIME_ERROR_USAGE, name, _("no such permission"), cure);
}

static gboolean
collect(Variables *self, const char *const *environment, GError **error)
{
  for (; *environment != NULL; environment++) {
    const char *equals = strchr(*environment, '=');
    g_autofree char *name =
      equals != NULL ? g_strndup(*environment, (gsize)(equals - *environment)) : NULL;
    if (name == NULL || !bt_policy_environ_is_own(name))
      continue;
    Variable *place = find_place(self, name);
    if (place == NULL)
      return fail_unknown(name, error);
    if (place->name != NULL && strcmp(place->value, equals + 1) != 0) {
      g_autofree char *reason = g_strdup_printf(_("%s has another value"), place->name);
      return bt_fail(error, BUNTIME_ERROR_USAGE, name, reason, _("unset one of the two"));
    }
    if (place->name == NULL)
      place->name = g_steal_pointer(&name);
    place->value = equals + 1;
  }
  return TRUE;
}

/* ---- values ---- */

static gboolean
is_switch(const char *value)
{
  static const char *const words[] = { "1", "0", "true", "false", "yes", "no", "on", "off" };

  for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
    if (g_ascii_strcasecmp(words[i], value) == 0)
      return TRUE;
  return FALSE;
}

/* All that could be meant as another list than the one it would be read as. */
static gboolean
check_value(const Variable *variable, GError **error)
{
  const char *value = variable->value;
  const char *reason = NULL;

  if (value[0] == '\0')
    reason = _("an empty value");
  else if (is_switch(value))
    reason = _("a list is needed here, not a switch");
  else if (strcmp(value, "*") == 0)
    reason = _("\"*\" does not mean the same in every list");
  if (reason == NULL)
    return TRUE;
  g_autofree char *object = g_strconcat(variable->name, "=", value, NULL);
  return bt_fail(error, BUNTIME_ERROR_USAGE, object, reason,
                 _("unset it, write a list as for the flag, or \"all\" for everything"));
}

/* A value can be as long as the kernel lets it. */
#define MAX_SHOWN 200

static void
announce(GPtrArray *grants, const Variable *variable)
{
  g_autofree char *text = g_strconcat(variable->name, "=", variable->value, NULL);
  gboolean whole = strlen(text) <= MAX_SHOWN;
  g_autofree char *safe = bt_text_neutralise(text, whole ? -1 : MAX_SHOWN);

  if (grants != NULL)
    g_ptr_array_add(grants, g_strconcat(safe, whole ? NULL : "...", NULL));
}

static gboolean
add_permission(BtPolicy *policy, gsize place, const Variable *variable, const char *cwd,
               const char *home, GError **error)
{
  BtKind kind = place % BT_N_KINDS;
  BtAction action = actions[place / BT_N_KINDS].action;

  if (!check_value(variable, error))
    return FALSE;
  if (strcmp(variable->value, EVERYTHING) != 0)
    return bt_policy_add_flag(policy, BT_LAYER_VARIABLES, kind, action, variable->name,
                              variable->value, cwd, home, error);
  g_autofree char *text = g_strconcat(variable->name, "=" EVERYTHING, NULL);
  bt_policy_add_bare(policy, BT_LAYER_VARIABLES, kind, action, text);
  return TRUE;
}

/* GLib's decoder passes over what it does not know: what it made must give the same text again. */
static GBytes *
decode(const char *value)
{
  g_autofree char *text = g_strdup(value);
  gsize length, kept = 0;

  /* base64(1) breaks lines. */
  for (const char *c = value; *c != '\0'; c++)
    if (*c != '\n' && *c != '\r')
      text[kept++] = *c;
  text[kept] = '\0';
  g_autofree guchar *bytes = g_base64_decode(text, &length);
  g_autofree char *again = g_base64_encode(bytes, length);
  return length > 0 && strcmp(text, again) == 0 ? g_bytes_new(bytes, length) : NULL;
}

/* What base64 makes of the largest policy, with room for the ends of its lines. */
#define MAX_ENCODED (2 * (gsize)BT_JSON_MAX_SIZE)

static gboolean
add_policy(BtPolicy *policy, BtPolicyFiles *files, const Variable *variable, GError **error)
{
  gboolean fits = strlen(variable->value) <= MAX_ENCODED;
  g_autoptr(GBytes) bytes = fits ? decode(variable->value) : NULL;

  if (bytes == NULL)
    return bt_fail(error, BUNTIME_ERROR_USAGE, variable->name,
                   fits ? _("not a policy in base64") : _("larger than a policy may be"),
                   _("unset it, or set it to what 'base64 FILE' prints"));
  return bt_policy_files_add_bytes(files, policy, BT_LAYER_VARIABLES, bytes, variable->name, error);
}

gboolean
bt_policy_add_environment(BtPolicy *policy, BtPolicyFiles *files, const char *const *environment,
                          const char *cwd, const char *home, GPtrArray *grants, GError **error)
{
  g_auto(Variables) variables = { .policy = { NULL, NULL } };

  if (!collect(&variables, environment, error))
    return FALSE;
  for (gsize i = 0; i < N_PERMISSIONS; i++) {
    const Variable *variable = &variables.permissions[i];
    if (variable->name == NULL)
      continue;
    if (!add_permission(policy, i, variable, cwd, home, error))
      return FALSE;
    if (actions[i / BT_N_KINDS].action == BT_ACTION_ALLOW)
      announce(grants, variable);
  }
  if (variables.policy.name == NULL)
    return TRUE;
  if (!add_policy(policy, files, &variables.policy, error))
    return FALSE;
  if (grants != NULL)
    g_ptr_array_add(grants, g_strdup(variables.policy.name));
  return TRUE;
}
