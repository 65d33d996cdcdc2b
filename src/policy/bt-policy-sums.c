/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules that speak of a program by its SHA-256.
 *
 * A file is read once, when the run starts.  What was read is summed, and of a
 * granted program it is kept: these bytes are what runs (plan/bt-plan-exec.c),
 * whatever is at the path later.  A rule that other bytes made void is dropped
 * here, so that nothing behind has to know of sums.
 *
 * A denial holds for the path, if the bytes are there at the start.  Bytes that
 * come later are of no matter as long as the program cannot write them there.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/bt-event.h"
#include "policy/bt-policy-private.h"

#define MAX_PROGRAM_SIZE (128u << 20)

typedef struct {
  BtPolicy *policy;
  GPtrArray *notices; /* may be NULL */
  GPtrArray *kept;    /* BtPathRule: the new list */
  GPtrArray *void_denials; /* BtPathRule, not owned */
  GPtrArray *dropped; /* char *: an origin and its notice, in turn */
  GHashTable *used;   /* origins of rules that were kept */
  gsize total;
} Sums;

static gboolean
fail(const BtPathRule *rule, const char *reason, const char *cure, GError **error)
{
  g_autofree char *origin = bt_origin_format(&rule->rule.origin);
  g_autofree char *object = g_strdup_printf("%s: %s", origin, rule->real);
  g_autofree char *safe = bt_text_neutralise(object, -1);
  return bt_fail(error, BUNTIME_ERROR_POLICY, safe, reason, cure);
}

/* All bytes of a regular file; NULL with errno set, EFBIG if there are too many. */
static GBytes *
read_program(const char *path)
{
  struct stat info;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  gsize done = 0;
  gssize got = -1;
  g_autofree guint8 *bytes = NULL;

  if (fd < 0)
    return NULL;
  if (fstat(fd, &info) == 0) {
    errno = S_ISDIR(info.st_mode) ? EISDIR : !S_ISREG(info.st_mode) ? EACCES : EFBIG;
    if (S_ISREG(info.st_mode) && info.st_size <= MAX_PROGRAM_SIZE) {
      /* One more, to see it grow. */
      gsize size = info.st_size + 1;
      bytes = g_malloc(size);
      while ((got = read(fd, bytes + done, size - done)) > 0 && (done += got) < size)
        continue;
      if (got > 0)
        errno = ESTALE;
    }
  }
  int saved = errno;
  close(fd);
  errno = saved;
  return got == 0 ? g_bytes_new_take(g_steal_pointer(&bytes), done) : NULL;
}

/* ---- one rule ---- */

static void
keep(Sums *self, BtPathRule *rule)
{
  g_hash_table_add(self->used, bt_origin_format(&rule->rule.origin));
  g_ptr_array_add(self->kept, bt_path_rule_copy(rule));
}

/* Of a pattern with a sum most matches are other programs: one that fits is enough. */
static void
drop_grant(Sums *self, const BtPathRule *rule, const char *what)
{
  g_autofree char *origin = bt_origin_format(&rule->rule.origin);
  g_autofree char *text = g_strdup_printf("%s: %s is not granted to run: %s", origin, rule->real,
                                          what);

  g_ptr_array_add(self->dropped, g_steal_pointer(&origin));
  g_ptr_array_add(self->dropped, bt_text_neutralise(text, -1));
}

static gboolean
check_rule(Sums *self, BtPathRule *rule, GError **error)
{
  gboolean denies = rule->rule.action == BT_ACTION_DENY;
  g_autoptr(GBytes) bytes = NULL;

  /* A missing path keeps its rule: what comes later is decided elsewhere. */
  if (rule->sha256 == NULL || rule->real == NULL) {
    keep(self, rule);
    return TRUE;
  }
  bytes = read_program(rule->real);
  if (bytes == NULL && errno == EISDIR)
    return fail(rule, _("a sum is that of one program, and this is a directory"),
                _("name the program, or leave \"sha256\" out"), error);
  if (bytes == NULL && errno == EFBIG)
    return fail(rule, _("a program with a sum is at most 128 MiB"),
                _("leave \"sha256\" out"), error);
  if (bytes == NULL) {
    /* What cannot be read cannot be told from what is denied. */
    if (denies)
      keep(self, rule);
    else
      drop_grant(self, rule, g_strerror(errno));
    return TRUE;
  }
  g_autofree char *sum = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
  if (strcmp(sum, rule->sha256) != 0) {
    g_autofree char *what = g_strdup_printf(_("its SHA-256 is %s"), sum);
    if (denies)
      g_ptr_array_add(self->void_denials, rule);
    else
      drop_grant(self, rule, what);
    return TRUE;
  }
  if (!denies) {
    self->total += g_bytes_get_size(bytes);
    if (self->total > BT_SUMS_MAX_SIZE)
      return fail(rule, _("the programs with sums are together more than 256 MiB"),
                  _("leave \"sha256\" out of some"), error);
    rule->bytes = g_steal_pointer(&bytes);
  }
  keep(self, rule);
  return TRUE;
}

/* ---- all of them ---- */

/* What the program may write there it could make the denied one. */
static gboolean
check_void_denials(const Sums *self, GError **error)
{
  for (guint i = 0; i < self->void_denials->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(self->void_denials, i);
    BtFsPerms perms = bt_policy_path_perms(self->policy, rule->real, NULL);
    if ((perms & BT_FS_WRITE) != 0 &&
        bt_policy_check_run(self->policy, rule->real).action != BT_ACTION_DENY)
      return fail(rule, _("it may be written and run, so the denied bytes could be put there"),
                  _("leave \"sha256\" out, which denies the path"), error);
  }
  return TRUE;
}

static void
tell_of_dropped(const Sums *self)
{
  for (guint i = 0; self->notices != NULL && i < self->dropped->len; i += 2)
    if (g_hash_table_add(self->used, g_strdup(g_ptr_array_index(self->dropped, i))))
      g_ptr_array_add(self->notices, g_strdup(g_ptr_array_index(self->dropped, i + 1)));
}

static gboolean
has_sums(const BtPolicy *policy)
{
  for (guint i = 0; i < policy->run_rules->len; i++)
    if (((const BtPathRule *)g_ptr_array_index(policy->run_rules, i))->sha256 != NULL)
      return TRUE;
  return FALSE;
}

static gboolean
check_rules(Sums *self, GPtrArray *rules, GError **error)
{
  for (guint i = 0; i < rules->len; i++)
    if (!check_rule(self, g_ptr_array_index(rules, i), error))
      return FALSE;
  return TRUE;
}

gboolean
bt_policy_check_sums(BtPolicy *policy, GPtrArray *notices, GError **error)
{
  g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func((GDestroyNotify)bt_path_rule_free);
  g_autoptr(GPtrArray) void_denials = g_ptr_array_new();
  g_autoptr(GPtrArray) dropped = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GHashTable) used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  /* What void denials point into. */
  g_autoptr(GPtrArray) rules = g_ptr_array_ref(policy->run_rules);
  Sums self = { policy, notices, kept, void_denials, dropped, used, 0 };

  if (!has_sums(policy))
    return TRUE;
  if (!check_rules(&self, rules, error))
    return FALSE;
  g_ptr_array_unref(policy->run_rules);
  policy->run_rules = g_steal_pointer(&kept);
  bt_policy_drop_indexes(policy);
  tell_of_dropped(&self);
  return check_void_denials(&self, error);
}
