/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From written paths to the host's: once, when the run starts. What a rule
 * then covers is fixed; src/plan opens these paths and mounts what it opened.
 *
 * A rule for something that is not there is never dropped in silence: a flag
 * is refused, a file's grant is announced as skipped, and a denial stops the
 * run where the worker itself could make what is denied.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/bt-event.h"
#include "policy/bt-path.h"
#include "policy/bt-policy-private.h"

typedef struct {
  BtPolicy *policy;
  const char *search_path;
  GPtrArray *notices;  /* may be NULL */
  GPtrArray *resolved; /* the new list of rules */
} Resolver;

static gboolean
is_deny(const BtPathRule *rule)
{
  return rule->rule.action == BT_ACTION_DENY;
}

/* Or from a policy in the environment, which is read as one. */
static gboolean
is_from_file(const BtPathRule *rule)
{
  return rule->rule.origin.line > 0;
}

/* "--allow-read=x" for flags, "p.json:3: fs.rules[0]" for files; safe to print. */
static char *
describe(const BtPathRule *rule)
{
  g_autofree char *text =
    is_from_file(rule) ? bt_origin_format(&rule->rule.origin) : g_strdup(rule->rule.origin.text);
  return bt_text_neutralise(text, -1);
}

static gboolean
fail(const BtPathRule *rule, const char *reason, const char *cure, GError **error)
{
  g_autofree char *object = describe(rule);
  return bt_fail(error, is_from_file(rule) ? BUNTIME_ERROR_POLICY : BUNTIME_ERROR_USAGE, object,
                 reason, cure);
}

static void G_GNUC_PRINTF(3, 4)
  notice(Resolver *self, const BtPathRule *rule, const char *format, ...)
{
  g_autofree char *object = describe(rule);
  g_autofree char *text = NULL;
  va_list args;

  if (self->notices == NULL)
    return;
  va_start(args, format);
  text = g_strdup_vprintf(format, args);
  va_end(args);
  /* The path is a policy file's word. */
  g_autofree char *safe = bt_text_neutralise(text, -1);
  g_ptr_array_add(self->notices, g_strdup_printf("%s: %s", object, safe));
}

/* Is nothing there, or nothing that this user, and so a program of theirs, gets to? */
static gboolean
is_missing(int problem)
{
  return problem == ENOENT || problem == ENOTDIR || problem == EACCES || problem == ELOOP ||
         problem == ENAMETOOLONG;
}

/* Something may be there: what is not found cannot be denied. */
static gboolean
fail_unseen(const BtPathRule *rule, const char *reason, GError **error)
{
  g_autofree char *safe = bt_text_neutralise(reason, -1);
  return fail(rule, safe, _("see whether you may read the path yourself"), error);
}

static const char *
cure_for_missing(const BtPathRule *rule)
{
  if ((rule->perms & BT_FS_WRITE_FILE) != 0)
    return _("create it first, or grant the directory it will be made in");
  if (rule->perms == BT_FS_EXECUTE)
    return _("install it, or check the spelling");
  return _("check the spelling, or create it first");
}

/*
 * One file that is not there yet can be granted where the supervisor makes it for the program
 * (src/lib/bt-notify-make.c). Its name must be new: a link that leads nowhere is the host's.
 */
static gboolean
can_be_made(Resolver *self, const BtPathRule *rule, int problem)
{
  const BtFsPerms needed = BT_FS_WRITE_FILE | BT_FS_MAKE_REG;
  const BtPlugins layers = BT_PLUGIN_NAMESPACES | BT_PLUGIN_SECCOMP;
  g_autofree char *folder = g_path_get_dirname(rule->path);
  struct stat info;

  return problem == ENOENT && !is_deny(rule) && !rule->everything &&
         (rule->perms & needed) == needed && !g_str_has_suffix(rule->written, "/") &&
         (bt_policy_get_plugins(self->policy) & layers) == layers &&
         lstat(rule->path, &info) != 0 && stat(folder, &info) == 0 && S_ISDIR(info.st_mode);
}

/* What keeps the user from it, whom no grant helps: errno; or 0. */
static int
try_to_make(const BtPathRule *rule)
{
  g_autofree char *folder = g_path_get_dirname(rule->path);
  return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

static void
add_to_make(Resolver *self, BtPathRule *rule)
{
  g_free(rule->real);
  rule->real = bt_path_real(rule->path);
  rule->to_make = TRUE;
  int refused = try_to_make(rule);
  if (refused != 0)
    notice(self, rule, _("nothing is there yet, and you cannot make it either: %s"),
           g_strerror(refused));
  else
    notice(self, rule, _("nothing is there yet: the file can be made by opening it, and written; grant its "
                         "directory for more"));
  g_ptr_array_add(self->resolved, bt_path_rule_copy(rule));
}

/* problem is errno of the look-up. */
static gboolean
add_missing(Resolver *self, BtPathRule *rule, int problem, GError **error)
{
  if (can_be_made(self, rule, problem)) {
    add_to_make(self, rule);
    return TRUE;
  }
  if (is_deny(rule) && !is_missing(problem))
    return fail_unseen(rule, g_strerror(problem), error);
  if (!is_deny(rule)) {
    if (!is_from_file(rule))
      return fail(rule, g_strerror(problem), cure_for_missing(rule), error);
    notice(self, rule, _("skipped %s: %s"), rule->written, g_strerror(problem));
  }
  if (rule->path != NULL) {
    /* Rules are compared by real paths, so a denial has to be one, too. */
    char *real = bt_path_real(rule->path);
    g_free(rule->path);
    rule->path = real;
  }
  g_ptr_array_add(self->resolved, bt_path_rule_copy(rule));
  return TRUE;
}

/* The file is a mount of its own: nothing can be renamed over it, as editors do to save. */
static void
tell_of_single_file(Resolver *self, const BtPathRule *rule)
{
  struct stat info;
  if (!is_deny(rule) && (rule->perms & BT_FS_WRITE_FILE) != 0 && stat(rule->real, &info) == 0 &&
      S_ISREG(info.st_mode))
    notice(self, rule,
           _("the file can be written but not replaced by renaming; grant its "
             "directory for that"));
}

static gboolean
add_path(Resolver *self, BtPathRule *rule, GError **error)
{
  char real[PATH_MAX];

  if (realpath(rule->path, real) == NULL)
    return add_missing(self, rule, errno, error);
  g_free(rule->real);
  rule->real = g_strdup(real);
  rule->to_make = FALSE;
  tell_of_single_file(self, rule);
  g_ptr_array_add(self->resolved, bt_path_rule_copy(rule));
  return TRUE;
}

/*
 * What a pattern finds may have been put there by whoever made the directory:
 * a link in it must not turn a grant of the directory's files into one of any
 * other. A link that is named, not found, is the user's own word.
 */
static gboolean
leads_elsewhere(const BtPathRule *rule, const char *real)
{
  g_autofree char *base = bt_glob_base(rule->path);
  char real_base[PATH_MAX];
  return !is_deny(rule) &&
         (realpath(base, real_base) == NULL || !bt_path_is_below(real, real_base));
}

static gboolean
add_glob(Resolver *self, BtPathRule *rule, GError **error)
{
  g_autoptr(GPtrArray) matches = g_ptr_array_new_with_free_func(g_free);
  guint before = self->resolved->len, elsewhere = 0;
  g_autofree char *unseen = NULL;

  /* As in a shell, a star grants no hidden file; but it hides and guards them. */
  if (!bt_glob_expand(rule->path, is_deny(rule), matches, is_deny(rule) ? &unseen : NULL))
    return unseen != NULL
             ? fail_unseen(rule, unseen, error)
             : fail(rule, _("the pattern matches too many files"),
                    _("name the directories instead: each covers what is below it"), error);
  for (guint i = 0; i < matches->len; i++) {
    const char *path = g_ptr_array_index(matches, i);
    char real[PATH_MAX];
    /* A dangling link, or gone meanwhile: the pattern does not promise any one of them. */
    if (realpath(path, real) == NULL) {
      if (is_deny(rule) && !is_missing(errno))
        return fail_unseen(rule, g_strerror(errno), error);
      continue;
    }
    if (leads_elsewhere(rule, real)) {
      elsewhere++;
      continue;
    }
    BtPathRule *match = bt_path_rule_copy(rule);
    g_free(match->path);
    match->path = g_strdup(path);
    match->real = g_strdup(real);
    g_ptr_array_add(self->resolved, match);
  }
  if (elsewhere > 0)
    notice(self, rule, _("%u matches are links to elsewhere and not granted; name them if meant"),
           elsewhere);
  if (self->resolved->len > before)
    return TRUE;
  if (is_deny(rule))
    notice(self, rule, _("%s matches nothing; what is made later is not guarded"), rule->written);
  else if (is_from_file(rule))
    notice(self, rule, _("skipped %s: it matches nothing"), rule->written);
  else
    return fail(rule, _("the pattern matches nothing"), cure_for_missing(rule), error);
  return TRUE;
}

static gboolean
is_program(const char *path)
{
  struct stat info;
  return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

char *
bt_program_find(const char *name, const char *search_path)
{
  g_auto(GStrv) folders = g_strsplit(search_path != NULL ? search_path : "", ":", -1);

  for (char **folder = folders; *folder != NULL; folder++) {
    char real[PATH_MAX];
    if ((*folder)[0] != '/')
      continue;
    g_autofree char *path = g_build_filename(*folder, name, NULL);
    if (is_program(path) && realpath(path, real) != NULL)
      return g_strdup(real);
  }
  return NULL;
}

/* A grant is for the one that would run; a denial for each of that name. */
static gboolean
add_program(Resolver *self, BtPathRule *rule, GError **error)
{
  g_auto(GStrv) folders = g_strsplit(self->search_path != NULL ? self->search_path : "", ":", -1);
  guint before = self->resolved->len;

  for (char **folder = folders; *folder != NULL; folder++) {
    char real[PATH_MAX];
    /* An empty or relative entry means the current directory, which nobody granted. */
    if ((*folder)[0] != '/')
      continue;
    g_autofree char *path = g_build_filename(*folder, rule->written, NULL);
    if (!is_program(path) || realpath(path, real) == NULL)
      continue;
    BtPathRule *found = bt_path_rule_copy(rule);
    g_free(found->path);
    found->path = g_steal_pointer(&path);
    found->real = g_strdup(real);
    g_ptr_array_add(self->resolved, found);
    if (!is_deny(rule))
      break;
  }
  if (self->resolved->len > before)
    return TRUE;
  if (is_deny(rule))
    notice(self, rule, _("no program %s on PATH; nothing to deny"), rule->written);
  else if (is_from_file(rule))
    notice(self, rule, _("skipped %s: no such program on PATH"), rule->written);
  else
    return fail(rule, _("no such program on PATH"), _("install it, or write its path with a slash"),
                error);
  return TRUE;
}

static gboolean
resolve_list(Resolver *self, GPtrArray **list, GError **error)
{
  g_autoptr(GPtrArray) resolved = g_ptr_array_new_with_free_func((GDestroyNotify)bt_path_rule_free);

  self->resolved = resolved;
  for (guint i = 0; i < (*list)->len; i++) {
    g_autoptr(BtPathRule) rule = bt_path_rule_copy(g_ptr_array_index(*list, i));
    gboolean ok;
    if (rule->path == NULL)
      ok = add_program(self, rule, error);
    else if (!rule->everything && bt_path_is_glob(rule->path) && rule->real == NULL)
      ok = add_glob(self, rule, error);
    else
      ok = add_path(self, rule, error);
    if (!ok)
      return FALSE;
  }
  bt_policy_drop_indexes(self->policy);
  g_ptr_array_unref(*list);
  *list = g_steal_pointer(&resolved);
  return TRUE;
}

/* ---- denials of what does not exist ---- */

/* A grant of any of perms that holds where path would be made; NULL: none. */
static const BtPathRule *
find_grant(BtPolicy *policy, const char *path, BtFsPerms perms)
{
  for (guint i = 0; i < policy->fs_rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(policy->fs_rules, i);
    if (!is_deny(rule) && (rule->perms & perms) != 0 && rule->real != NULL &&
        (rule->everything || bt_path_is_below(path, rule->real)))
      return rule;
  }
  return NULL;
}

static gboolean
check_missing_denies(Resolver *self, GPtrArray *rules, GError **error)
{
  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    if (!is_deny(rule) || rule->real != NULL || rule->path == NULL)
      continue;
    g_autofree char *object = describe(rule);
    const BtPathRule *grant = find_grant(self->policy, rule->path, BT_FS_WRITE_DIR);
    if (grant != NULL || bt_policy_get_default(self->policy, BT_KIND_WRITE) == BT_ACTION_ALLOW) {
      g_autofree char *by = grant != NULL
                              ? describe(grant)
                              : bt_origin_format(&self->policy->default_origins[BT_KIND_WRITE]);
      g_autofree char *reason =
        g_strdup_printf(_("does not exist, and %s would let the program make it"), by);
      return bt_fail(error, BUNTIME_ERROR_POLICY, object, reason,
                     _("create it before the run, or leave the denial out"));
    }
    if (find_grant(self->policy, rule->path, BT_FS_READ) != NULL ||
        bt_policy_get_default(self->policy, BT_KIND_READ) == BT_ACTION_ALLOW)
      notice(self, rule, _("%s does not exist: unguarded if it is made during the run"),
             rule->written);
  }
  return TRUE;
}

gboolean
bt_policy_resolve(BtPolicy *policy, const char *search_path, GPtrArray *notices, GError **error)
{
  Resolver self = { .policy = policy, .search_path = search_path, .notices = notices };

  return resolve_list(&self, &policy->fs_rules, error) &&
         resolve_list(&self, &policy->run_rules, error) &&
         resolve_list(&self, &policy->unix_rules, error) &&
         resolve_list(&self, &policy->ffi_rules, error) &&
         bt_policy_check_sums(policy, notices, error) && bt_policy_check_links(policy, error) &&
         check_missing_denies(&self, policy->fs_rules, error) &&
         check_missing_denies(&self, policy->run_rules, error);
}
