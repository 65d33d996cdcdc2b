/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A worker mapped to the host's uid 0 would, even without a capability, be
 * the owner of files such as /proc/sys/kernel/core_pattern (proven).  So root
 * never runs a worker as root: the whole supervisor changes its user, once,
 * early and for good.  What root may read and the other user may not is the
 * entry itself; root named it, so its bytes are read before the change.
 */
#include "lib/bt-root.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <grp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bt-account.h"

#define NOBODY 65534
#define MAX_ENTRY_BYTES (64u << 20)

void
bt_caller_clear(BtCaller *caller)
{
  g_free(caller->name);
  g_free(caller->home);
  g_clear_pointer(&caller->entry_bytes, g_bytes_unref);
}

static GBytes *
read_all(int fd)
{
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  guint8 buffer[65536];
  gssize got;

  while ((got = read(fd, buffer, sizeof buffer)) > 0) {
    g_byte_array_append(bytes, buffer, got);
    if (bytes->len > MAX_ENTRY_BYTES)
      return NULL;
  }
  return got < 0 ? NULL : g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

static gboolean
read_standard_input(BtCaller *caller_out, GError **error)
{
  caller_out->entry_bytes = read_all(STDIN_FILENO);
  if (caller_out->entry_bytes != NULL)
    return TRUE;
  return bt_fail(error, BUNTIME_ERROR_NOT_RUNNABLE, "-",
                 _("the program on standard input cannot be read or is larger than 64 MiB"), NULL);
}

static gboolean
give_up_root(uid_t uid, gid_t gid, GError **error)
{
  gid_t none = gid;

  if (setgroups(1, &none) == 0 && setresgid(gid, gid, gid) == 0 &&
      setresuid(uid, uid, uid) == 0 && getuid() == uid && geteuid() == uid) {
    /* Changing users made /proc/self root's; init's id maps are written there. */
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return TRUE;
  }
  g_autofree char *object = g_strdup_printf("uid %u", uid);
  return bt_fail(error, BUNTIME_ERROR_SETUP, object, g_strerror(errno),
                 _("run buntime as an ordinary user"));
}

/* The entry's owner if that is an ordinary user, else nobody. */
static void
choose_user(const struct stat *entry, BtCaller *caller_out)
{
  g_auto(BtAccount) account = BT_ACCOUNT_INIT;
  gboolean owner = entry != NULL && entry->st_uid != 0;

  caller_out->uid = owner ? entry->st_uid : NOBODY;
  caller_out->gid = owner ? entry->st_gid : NOBODY;
  gboolean known = bt_account_look_up(caller_out->uid, &account);
  if (known && account.gid != 0)
    caller_out->gid = account.gid;
  if (caller_out->gid == 0)
    caller_out->gid = NOBODY;
  caller_out->name = known ? g_steal_pointer(&account.name) : g_strdup("nobody");
  caller_out->home = known ? g_steal_pointer(&account.home) : g_strdup("/nonexistent");
}

static gboolean
settle_root(const char *entry, BtCaller *caller_out, BtExplainer *explainer, GError **error)
{
  g_autofree char *note = NULL;
  struct stat info;
  int fd = strcmp(entry, "-") == 0 ? -1 : open(entry, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  gboolean file = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode);

  choose_user(file ? &info : NULL, caller_out);
  if (!give_up_root(caller_out->uid, caller_out->gid, error)) {
    if (fd >= 0)
      close(fd);
    return FALSE;
  }
  /* By its whole path: a relative one leads through a working directory that root opened. */
  g_autofree char *path = g_canonicalize_filename(entry, NULL);
  if (file && access(path, R_OK) != 0)
    caller_out->entry_bytes = read_all(fd);
  if (fd >= 0)
    close(fd);
  note = g_strdup_printf(_("called by root: the program runs as %s"), caller_out->name);
  bt_explainer_note(explainer, note);
  return TRUE;
}

gboolean
bt_caller_settle(const char *entry, BtCaller *caller_out,
                 BtExplainer *explainer, GError **error)
{
  if (geteuid() == 0 || getuid() == 0) {
    if (!settle_root(entry, caller_out, explainer, error))
      return FALSE;
  } else {
    caller_out->uid = geteuid();
    caller_out->gid = getegid();
    /* The passwd file may be a network's; the variable costs nothing. */
    const char *name = g_getenv("USER");
    caller_out->name = g_strdup(name != NULL && name[0] != '\0' ? name : "user");
  }
  return strcmp(entry, "-") != 0 || read_standard_input(caller_out, error);
}
