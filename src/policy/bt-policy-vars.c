/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ${VAR} in the paths of policy files. The list is fixed: a file that someone
 * else wrote must not read the environment at large.
 */
#include "policy/bt-policy-vars.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "policy/bt-policy-private.h"

/* Followed by the user's number. */
#define RUNTIME "/run/user/"

static const struct {
  const char *name;
  const char *otherwise; /* what it is when unset; below home where it starts with "~" */
} variables[] = {
  { "HOME", "~" },
  { "XDG_CONFIG_HOME", "~/.config" },
  { "XDG_DATA_HOME", "~/.local/share" },
  { "XDG_CACHE_HOME", "~/.cache" },
  { "XDG_RUNTIME_DIR", RUNTIME },
  { "TMPDIR", "/tmp" },
  { "PWD", "." },
};

static char *
value_of(gsize index, const char *home)
{
  const char *otherwise = variables[index].otherwise;

  if (strcmp(otherwise, ".") == 0)
    return g_get_current_dir();
  if (strcmp(otherwise, "~") != 0) {
    const char *value = g_getenv(variables[index].name);
    /* The XDG specification: relative values are to be ignored. */
    if (value != NULL && value[0] == '/')
      return g_strdup(value);
  }
  if (strcmp(otherwise, RUNTIME) == 0)
    return g_strdup_printf(RUNTIME "%u", (guint)getuid());
  return otherwise[0] == '~' ? g_strconcat(home, otherwise + 1, NULL) : g_strdup(otherwise);
}

static gboolean
append_variable(GString *out, const char *name, const char *home, GError **error)
{
  const char *names[G_N_ELEMENTS(variables) + 1] = { NULL };

  for (gsize i = 0; i < G_N_ELEMENTS(variables); i++) {
    names[i] = variables[i].name;
    if (strcmp(name, variables[i].name) != 0)
      continue;
    g_autofree char *value = value_of(i, home);
    g_string_append(out, value);
    return TRUE;
  }
  const char *nearest = bt_nearest(name, names);
  g_autofree char *reason = g_strdup_printf(_("\"${%s}\" is not replaced in policies"), name);
  g_autofree char *cure =
    nearest != NULL ? g_strdup_printf(_("did you mean ${%s}?"), nearest)
                    : g_strdup(_("write the path out, or use HOME, XDG_CONFIG_HOME, XDG_DATA_HOME, "
                                 "XDG_CACHE_HOME, XDG_RUNTIME_DIR, TMPDIR or PWD"));
  return bt_fail(error, BUNTIME_ERROR_POLICY, NULL, reason, cure);
}

char *
bt_policy_expand_variables(const char *text, const char *home, GError **error)
{
  g_autoptr(GString) out = g_string_new(NULL);

  for (const char *c = text; *c != '\0'; c++) {
    if (c[0] != '$' || c[1] != '{') {
      g_string_append_c(out, *c);
      continue;
    }
    const char *end = strchr(c, '}');
    if (end == NULL) {
      bt_fail(error, BUNTIME_ERROR_POLICY, NULL, _("\"${\" without \"}\""), NULL);
      return NULL;
    }
    g_autofree char *name = g_strndup(c + 2, (gsize)(end - c - 2));
    if (!append_variable(out, name, home, error))
      return NULL;
    c = end;
  }
  return g_string_free(g_steal_pointer(&out), FALSE);
}
