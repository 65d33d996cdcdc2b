/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Links in the way of a grant.
 *
 * A link that the user names is followed: it is the user's own word.  But where
 * the program may write it could have made that link itself, in an earlier run,
 * to be granted in this one what it leads to.  So a grant whose path goes
 * through a link there, and out of there, is refused: who means what the link
 * leads to can say so.  A denial takes nothing from the user by it.
 */
#include <glib/gi18n-lib.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "policy/bt-event.h"
#include "policy/bt-path.h"
#include "policy/bt-policy-private.h"

#define MAX_LINKS 40 /* the kernel's */
/* A link may be made, or brought. */
#define MAKES_LINKS (BT_FS_MAKE_SYM | BT_FS_REFER)

/*
 * The grant by which the program can make a link in the directory; NULL: it cannot. One for
 * everything leads nowhere else, and /tmp itself is the program's own.
 */
static const BtPathRule *
find_writing(BtPolicy *policy, const char *folder)
{
  if ((bt_policy_path_perms(policy, folder, NULL) & MAKES_LINKS) == 0 || access(folder, W_OK) != 0)
    return NULL;
  for (guint i = 0; i < policy->fs_rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(policy->fs_rules, i);
    if (rule->rule.action != BT_ACTION_DENY && (rule->perms & MAKES_LINKS) != 0 &&
        !rule->everything && rule->real != NULL && strcmp(rule->real, "/tmp") != 0 &&
        bt_path_is_below(folder, rule->real))
      return rule;
  }
  return NULL;
}

typedef struct {
  GString *at;   /* canonical, without a slash at its end */
  char *rest;
  guint n_links;
} Walk;

static void
drop_last(GString *path)
{
  const char *slash = strrchr(path->str, '/');
  if (slash != NULL)
    g_string_truncate(path, (gsize)(slash - path->str));
}

/* Goes on with what the link says that was entered last. */
static void
follow(Walk *walk, const char *text)
{
  char *rest = g_strconcat(text, "/", walk->rest, NULL);

  g_free(walk->rest);
  walk->rest = rest;
  walk->n_links++;
  if (text[0] == '/')
    g_string_truncate(walk->at, 0);
  else
    drop_last(walk->at);
}

/* Enters the next component; NULL: there is none. Of a link its text (transfer full), else "". */
static char *
enter(Walk *walk)
{
  char text[PATH_MAX];
  const char *name = walk->rest + strspn(walk->rest, "/");
  gsize length = strcspn(name, "/");
  ssize_t got = -1;

  if (length == 0)
    return NULL;
  if (length == 2 && strncmp(name, "..", 2) == 0) {
    drop_last(walk->at);
  } else if (length != 1 || name[0] != '.') {
    g_string_append_c(walk->at, '/');
    g_string_append_len(walk->at, name, (gssize)length);
    got = readlink(walk->at->str, text, sizeof text - 1);
  }
  memmove(walk->rest, name + length, strlen(name + length) + 1);
  return g_strndup(text, (gsize)MAX(got, 0));
}

/* The link that leads out of a place where it may have been made (transfer full); NULL: none. */
static char *
find_link(BtPolicy *policy, const BtPathRule *rule, const BtPathRule **by_out)
{
  Walk walk = { .at = g_string_new(NULL), .rest = g_strdup(rule->path) };
  char *found = NULL, *text;

  while (found == NULL && walk.n_links <= MAX_LINKS && (text = enter(&walk)) != NULL) {
    if (text[0] != '\0') {
      g_autofree char *folder = g_path_get_dirname(walk.at->str);
      *by_out = find_writing(policy, folder);
      if (*by_out != NULL && !bt_path_is_below(rule->real, (*by_out)->real))
        found = g_strdup(walk.at->str);
      else
        follow(&walk, text);
    }
    g_free(text);
  }
  g_string_free(walk.at, TRUE);
  g_free(walk.rest);
  return found;
}

static gboolean
check_rule(BtPolicy *policy, const BtPathRule *rule, GError **error)
{
  const BtPathRule *by;
  g_autofree char *link = find_link(policy, rule, &by);

  if (link == NULL)
    return TRUE;
  g_autofree char *reason =
    g_strdup_printf(_("%s is a link to %s, and lies where %s lets the program make links"), link,
                    rule->real, by->written);
  g_autofree char *safe = bt_text_neutralise(reason, -1);
  g_autofree char *object = bt_origin_format(&rule->rule.origin);
  return bt_fail(error, BUNTIME_ERROR_POLICY, object, safe,
                 _("grant what it leads to by its own path, if that is meant"));
}

gboolean
bt_policy_check_links(BtPolicy *policy, GError **error)
{
  GPtrArray *const lists[] = { policy->fs_rules, policy->run_rules, policy->unix_rules,
                               policy->ffi_rules };

  for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
    for (guint k = 0; k < lists[i]->len; k++) {
      const BtPathRule *rule = g_ptr_array_index(lists[i], k);
      if (rule->rule.action != BT_ACTION_DENY && rule->path != NULL && rule->real != NULL &&
          strcmp(rule->path, rule->real) != 0 && !check_rule(policy, rule, error))
        return FALSE;
    }
  return TRUE;
}
