/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /etc: a directory of the sandbox's own with what a runtime reads.  Files
 * that tell of the host's users, names or network are made; the rest is the
 * host's, read-only.  A read grant for /etc shows all of it, but the made
 * files stay: name resolution inside goes through buntime.
 */
#include "plan/bt-plan-private.h"

#include <glib/gi18n-lib.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* Taken from the host where they exist; each costs a mount, so no more than is asked for. */
static const char *const taken[] = {
  "services",  "protocols",    "ld.so.cache", "ssl",        "pki",      "crypto-policies",
  "localtime", "alternatives", "mime.types",  "os-release", "gai.conf",
};

/* What programs other than Python and Bun look for. */
static const char *const taken_for_programs[] = {
  "terminfo", "fonts", "gitconfig", "java-11-openjdk", "java-17-openjdk", "java-21-openjdk",
};

static const char *const made[] = { "passwd", "group",    "hosts",      "nsswitch.conf",
                                    "resolv.conf", "hostname", "machine-id", "mtab" };

static void
make_text(BtCompile *self, const char *path, char *text)
{
  bt_compile_file(self, path, 0444, text, strlen(text));
  g_free(text);
}

/* A record's separator cannot be in a name or a path that is put into it. */
static char *
record_field(const char *text)
{
  char *copy = g_strdup(text);
  return g_strdelimit(copy, ":\n\r", '_');
}

static void
make_users(BtCompile *self)
{
  const BtPlanRequest *request = self->request;
  g_autofree char *name = record_field(request->user_name);
  g_autofree char *home = record_field(request->home);

  make_text(self, "/etc/passwd",
            g_strdup_printf("root:x:0:0:root:/root:/usr/sbin/nologin\n"
                            "%s:x:%u:%u::%s:/bin/sh\n"
                            "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
                            name, request->uid, request->gid, home));
  make_text(self, "/etc/group",
            g_strdup_printf("root:x:0:\n%s:x:%u:\nnogroup:x:65534:\n", name, request->gid));
}

/* The host's own names stay outside unless granted: they tell who the user is. */
static void
make_names(BtCompile *self)
{
  const char *name = bt_compile_host_name(self);

  make_text(self, "/etc/hosts",
            g_strdup_printf("127.0.0.1 localhost %s\n::1 localhost ip6-localhost\n", name));
  make_text(self, "/etc/nsswitch.conf",
            g_strdup("passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
                     "services: files\nprotocols: files\n"));
  make_text(self, "/etc/resolv.conf", g_strdup("nameserver " BT_PLAN_DNS_ADDRESS "\n"));
  make_text(self, "/etc/hostname", g_strconcat(name, "\n", NULL));
  make_text(self, "/etc/machine-id", g_strdup("00000000000000000000000000000001\n"));
  bt_compile_symlink(self, "/proc/self/mounts", "/etc/mtab");
}

static void
take(BtCompile *self, const char *name, guint attr, BtFsPerms perms)
{
  g_autofree char *path = g_strconcat("/etc/", name, NULL);
  char text[PATH_MAX];
  struct stat info;

  if (self->flat) {
    bt_compile_flat_base(self, path);
    return;
  }
  if (lstat(path, &info) != 0)
    return;
  if (S_ISLNK(info.st_mode)) {
    ssize_t length = readlink(path, text, sizeof text - 1);
    if (length <= 0)
      return;
    text[length] = '\0';
    bt_compile_symlink(self, text, path);
    return;
  }
  if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))
    bt_compile_bind(self, path, &info, attr, perms, NULL);
}

static gboolean
is_made(const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS(made); i++)
    if (strcmp(name, made[i]) == 0)
      return TRUE;
  return FALSE;
}

/* A read grant that covers /etc: each of its entries by itself. */
static void
take_all(BtCompile *self, BtFsPerms perms)
{
  GDir *folder = g_dir_open("/etc", 0, NULL);
  const char *name;
  guint attr = (perms & BT_FS_WRITE) != 0 ? self->noexec : BT_PLAN_RDONLY | self->map_noexec;

  if (folder == NULL)
    return;
  while ((name = g_dir_read_name(folder)) != NULL)
    if (!is_made(name))
      take(self, name, attr, perms);
  g_dir_close(folder);
}

static void
take_some(BtCompile *self)
{
  guint attr = BT_PLAN_RDONLY | BT_PLAN_NOEXEC;

  for (gsize i = 0; i < G_N_ELEMENTS(taken); i++)
    take(self, taken[i], attr, BT_FS_READ);
  if (self->run_everything || bt_policy_get_run_rules(self->request->policy)->len > 0 ||
      bt_request_kind(self->request) == BT_WORKER_EXEC)
    for (gsize i = 0; i < G_N_ELEMENTS(taken_for_programs); i++)
      take(self, taken_for_programs[i], attr, BT_FS_READ);
}

void
bt_compile_etc(BtCompile *self)
{
  BtFsPerms perms = bt_policy_path_perms(self->request->policy, "/etc", NULL);

  /* Nothing can be made: what tells of the host's users and network is not there, unless granted. */
  if (self->flat) {
    take_some(self);
    return;
  }
  bt_compile_dir(self, "/etc");
  make_users(self);
  make_names(self);
  /* A runtime reads some of it in any case, so it cannot be granted for writing alone. */
  gboolean granted = (perms & BT_FS_READ) == BT_FS_READ;
  if (granted)
    take_all(self, perms);
  else
    take_some(self);
  if (!granted && (perms & (BT_FS_READ | BT_FS_WRITE)) != 0)
    bt_compile_note(self, g_strdup(_("/etc is not granted: it can be written only where it may be "
                                     "read, too (--allow-read=/etc)")));
  bt_compile_readable(self, "/etc");
}
