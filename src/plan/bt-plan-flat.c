/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plan without namespaces (init/bt-flat.c carries it out).
 *
 * Nothing is mounted: the worker is in the host's own tree, and what elsewhere
 * becomes a mount is a Landlock rule here.  Paths, links and all, are the
 * host's, so nothing has to be made; "/" counts as a mount of the host, and
 * whatever would be made on a tmpfs is not.
 *
 * Landlock only adds rights, and a right at a directory reaches all below it.
 * So each spot is looked at with the rights that come to it from above:
 *
 *   more than it may have   a denial, or something that has to stay as it is
 *                           where writing is granted: refused with the reason,
 *                           since only a mount could hold it
 *   less                    a rule of its own
 *
 * What no rule of Landlock's can hold at all, and what the policy is therefore
 * not to ask for, is checked first.
 */
#include "plan/bt-plan-private.h"
#include "plan/bt-plan-sys.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

/* ---- what needs the layer ---- */

static const char *
needs_namespaces(void)
{
  return _("it needs the layer namespaces, which is off here");
}

static gboolean
is_denial(const BtRule *rule)
{
  return rule->action == BT_ACTION_DENY;
}

/* What is granted for UDP alone is not to be had; nothing opens by that. */
static void
note_net(BtCompile *self)
{
  GPtrArray *items = bt_policy_get_net_items(self->request->policy);

  for (guint i = 0; i < items->len; i++) {
    const BtNetItem *item = g_ptr_array_index(items, i);
    if (!is_denial(&item->rule) && item->proto == BT_PROTO_UDP)
      bt_compile_note(self, g_strdup_printf(_("%s: without namespaces there is no UDP"),
                                            item->rule.origin.text));
  }
}

static gboolean
check_run_and_ffi(BtCompile *self, GError **error)
{
  BtPolicy *policy = self->request->policy;
  GPtrArray *run = bt_policy_get_run_rules(policy), *ffi = bt_policy_get_ffi_rules(policy);

  for (guint i = 0; i < run->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(run, i);
    if (rule->sha256 != NULL)
      return bt_compile_refuse(self, &rule->rule.origin, needs_namespaces(), error);
  }
  if (ffi->len == 0)
    return TRUE;
  const BtPathRule *first = g_ptr_array_index(ffi, 0);
  return bt_compile_refuse(self, &first->rule.origin, needs_namespaces(), error);
}

/* The name that uname(2) tells is the host's. The other kinds stay hidden. */
static gboolean
check_sys(BtCompile *self, GError **error)
{
  GPtrArray *rules = bt_policy_get_sys_rules(self->request->policy);

  for (guint i = 0; i < rules->len; i++) {
    const BtSysRule *rule = g_ptr_array_index(rules, i);
    if (is_denial(&rule->rule) && (rule->kinds & BT_SYS_HOSTNAME) != 0)
      return bt_compile_refuse(self, &rule->rule.origin, needs_namespaces(), error);
  }
  return TRUE;
}

/* A rule for /tmp itself means the program's own, which there is not. */
static gboolean
check_tmp(BtCompile *self, GError **error)
{
  GPtrArray *rules = bt_policy_get_fs_rules(self->request->policy);

  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    if (!is_denial(&rule->rule) && rule->real != NULL && strcmp(rule->real, "/tmp") == 0)
      return bt_compile_refuse(self, &rule->rule.origin,
                               _("a /tmp of the program's own needs the layer namespaces, which "
                                 "is off here"),
                               error);
  }
  return TRUE;
}

/* Processes can be counted by a control group, too. */
static gboolean
check_limits(BtCompile *self, GError **error)
{
  static const BtLimit needed[] = { BT_LIMIT_PIDS, BT_LIMIT_TMP_SIZE, BT_LIMIT_SHM_SIZE,
                                    BT_LIMIT_NET_RATE, BT_LIMIT_NET_BYTES };

  for (gsize i = 0; i < G_N_ELEMENTS(needed); i++) {
    const BtOrigin *origin;
    guint64 value;
    if ((self->request->cgroup_limits & 1u << needed[i]) == 0 &&
        bt_policy_get_limit(self->request->policy, needed[i], &value, &origin))
      return bt_compile_refuse(self, origin, needs_namespaces(), error);
  }
  return TRUE;
}

static gboolean
check_layers(BtCompile *self, GError **error)
{
  if (bt_compile_has_plugin(self, BT_PLUGIN_LANDLOCK) &&
      bt_compile_has_plugin(self, BT_PLUGIN_SECCOMP))
    return TRUE;
  return bt_fail(error, BUNTIME_ERROR_POLICY, "plugins",
                 _("without namespaces both other layers are needed: each alone holds nothing"),
                 _("leave landlock and seccomp on; or use --no-sandbox, if none is meant"));
}

/* Bytes have no place to be put. */
static gboolean
check_entry(BtCompile *self, GError **error)
{
  const BtPlanRequest *request = self->request;

  if (request->entry_bytes == NULL)
    return TRUE;
  return bt_fail(error, BUNTIME_ERROR_POLICY, request->entry,
                 _("a program that is not a file which its user can read needs the layer "
                   "namespaces, which is off here"),
                 _("put it into such a file, or leave the layer on"));
}

static void
note_weakness(BtCompile *self)
{
  BtPolicy *policy = self->request->policy;
  const char *who = bt_policy_has_weaker_tier(policy)
                      ? bt_policy_get_plugin_origin(policy, BT_PLUGIN_NAMESPACES)->text
                      : _("plugins.namespaces is off");

  bt_compile_note(self, g_strdup_printf(_("%s: Landlock and seccomp alone hold the program, which is "
                                          "weaker; it has TCP alone and cannot listen, it has no /tmp, "
                                          "no shared memory and no /proc but its own, and cannot "
                                          "change modes, owners or times"), who));
  bt_compile_note(self, g_strdup(_("not held without namespaces: the loader runs any program and "
                                   "loads any library that can be read; names, sizes and times of "
                                   "files, numbers of processes and the host's name can be found "
                                   "out; processes are not counted; the names that TLS and HTTP ask "
                                   "for are not looked at")));
}

gboolean
bt_compile_check_flat(BtCompile *self, GError **error)
{
  if (!check_layers(self, error) || !check_entry(self, error) || !check_run_and_ffi(self, error) ||
      !check_sys(self, error) || !check_tmp(self, error))
    return FALSE;
  /* Whether a group holds them is known at a start, and not to `check`. */
  if (self->request->entry != NULL && !check_limits(self, error))
    return FALSE;
  note_weakness(self);
  note_net(self);
  bt_compile_note_interfaces(self);
  return TRUE;
}

/* ---- rights ---- */

/* Programs are granted everywhere: so wherever something can be read, but for what is denied. */
static guint64
reading(const BtCompile *self, const char *path)
{
  BtPolicy *policy = self->request->policy;
  gboolean runs =
    self->run_everything && bt_policy_check_run(policy, path).action != BT_ACTION_DENY;

  return BT_FS_READ | (runs ? BT_FS_EXECUTE : 0);
}

void
bt_compile_flat_base(BtCompile *self, const char *path)
{
  g_autofree char *real = bt_compile_show(self, path);
  struct stat info;

  if (lstat(real, &info) == 0 && !bt_path_is_never(real) &&
      (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)))
    bt_compile_allow(self, real, reading(self, real), S_ISDIR(info.st_mode));
}

static void
add_base(BtCompile *self)
{
  static const char *const system[] = { "/usr",   "/bin",   "/sbin",  "/lib",
                                        "/lib64", "/lib32", "/libx32" };
  static const char *const devices[] = { "/dev/null",   "/dev/zero",    "/dev/full",
                                         "/dev/random", "/dev/urandom", "/dev/tty" };
  BtPolicy *policy = self->request->policy;
  struct stat info;

  for (gsize i = 0; i < G_N_ELEMENTS(system); i++)
    bt_compile_flat_base(self, system[i]);
  bt_compile_etc(self);
  for (gsize i = 0; i < G_N_ELEMENTS(devices); i++)
    if (lstat(devices[i], &info) == 0 && S_ISCHR(info.st_mode))
      bt_compile_allow(self, devices[i], BT_LANDLOCK_FILE & ~BT_FS_EXECUTE, FALSE);
  /* Of /proc init shows the worker itself. */
  if (bt_sys_is_shown(policy, BT_SYS_LOADAVG))
    bt_compile_allow(self, "/proc/loadavg", BT_FS_READ_FILE, FALSE);
  if (bt_sys_is_shown(policy, BT_SYS_SYSTEM_MEMORY_INFO))
    bt_compile_allow(self, "/proc/meminfo", BT_FS_READ_FILE, FALSE);
}

/* What comes to path from the rules for what is above it. */
static guint64
rights_from_above(const BtCompile *self, const char *path)
{
  g_autofree char *folder = g_path_get_dirname(path);
  return bt_plan_builder_rights(self->builder, folder);
}

/* Could the worker change it, where writing is granted? Modes it cannot change. */
static gboolean
is_changeable(const char *path)
{
  return access(path, W_OK) == 0;
}

static gboolean
refuse_change(const char *path, GError **error)
{
  return bt_fail(error, BUNTIME_ERROR_POLICY, path,
                 _("it has to stay as it is and lies where writing is granted, which needs the "
                   "layer namespaces, which is off here"),
                 _("grant writing to the directories beside it, or leave the layer on"));
}

/* What is run or loaded must not be what the worker wrote, by a grant for it or what is above. */
static gboolean
check_stays(BtCompile *self, const char *path, GError **error)
{
  if ((bt_plan_builder_rights(self->builder, path) & BT_FS_WRITE) == 0 || !is_changeable(path))
    return TRUE;
  return refuse_change(path, error);
}

/* ---- spots ---- */

static gboolean
refuse_denial(BtCompile *self, const char *path, guint64 lost, GError **error)
{
  BtVerdict verdict = bt_policy_check_path(self->request->policy, path, (BtFsPerms)lost);

  /* Nobody wrote that rule: it guards a policy's file. */
  if (strcmp(verdict.origin->source, BT_SOURCE_SELF) == 0)
    return refuse_change(path, error);
  return bt_compile_refuse(self, verdict.origin,
                           _("a denial below what is granted needs the layer namespaces, which "
                             "is off here"),
                           error);
}

static gboolean
place_point(BtCompile *self, const BtSpot *spot, GError **error)
{
  BtFsPerms denied;
  BtFsPerms granted = bt_policy_path_perms(self->request->policy, spot->path, &denied);
  BtFsPerms perms = granted & ~(BT_FS_EXECUTE | BT_FS_DEVICES);
  guint64 above = rights_from_above(self, spot->path);
  struct stat info;

  if (lstat(spot->path, &info) != 0)
    return TRUE; /* gone since it was resolved */
  /* What every program sees may be at the very path, too. */
  guint64 lost = bt_plan_builder_rights(self->builder, spot->path) & denied & BT_FS_ALL;
  if (lost != 0)
    return refuse_denial(self, spot->path, lost, error);
  /* A file that may be run has a spot of its own (bt-plan-exec.c). */
  gboolean runs = (granted & BT_FS_EXECUTE) != 0 && S_ISDIR(info.st_mode);
  guint64 taken = perms;
  if (runs && (perms & BT_FS_WRITE) != 0)
    runs = bt_compile_run_or_write(self, spot->path, &perms);
  taken &= ~perms;
  if ((perms & BT_FS_WRITE) != 0 && !runs && !self->run_everything)
    taken |= BT_FS_EXECUTE;
  if ((above & taken) != 0)
    return bt_fail(error, BUNTIME_ERROR_POLICY, spot->path,
                   _("it would be both written and run by a grant for what is above it, which "
                     "only the layer namespaces prevents, and that is off here"),
                   _("grant the directories beside it, or leave the layer on"));
  if (runs && (denied & BT_FS_READ) == 0)
    perms |= BT_FS_READ;
  bt_compile_allow(self, spot->path, perms | (runs ? BT_FS_EXECUTE : 0), S_ISDIR(info.st_mode));
  return TRUE;
}

/* The entry, and what a program or an interpreter brings. */
static gboolean
place_shown(BtCompile *self, const BtSpot *spot, GError **error)
{
  BtFsPerms denied;
  struct stat info;

  bt_policy_path_perms(self->request->policy, spot->path, &denied);
  if (lstat(spot->path, &info) != 0)
    return TRUE;
  if ((denied & BT_FS_READ) != 0) {
    if (spot->kind == BT_SPOT_LIBRARY)
      return TRUE;
    return bt_fail(error, BUNTIME_ERROR_POLICY, spot->path,
                   _("it is denied, and the program cannot be run without it"),
                   _("leave the denial out"));
  }
  if (spot->kind == BT_SPOT_LIBRARY && !check_stays(self, spot->path, error))
    return FALSE;
  if (spot->kind == BT_SPOT_SHOW && !self->run_everything && !check_stays(self, spot->path, error))
    return FALSE;
  /* A socket is connected to by the supervisor. */
  if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))
    bt_compile_allow(self, spot->path, reading(self, spot->path), S_ISDIR(info.st_mode));
  return TRUE;
}

/* The entry's own program and the loader are files, and run whatever is denied. */
static gboolean
check_norun(BtCompile *self, const BtSpot *spot, GError **error)
{
  struct stat info;
  gboolean folder = lstat(spot->path, &info) == 0 && S_ISDIR(info.st_mode);
  guint64 rights = folder ? bt_plan_builder_rights(self->builder, spot->path)
                          : rights_from_above(self, spot->path);

  return (rights & BT_FS_EXECUTE) == 0 || refuse_denial(self, spot->path, BT_FS_EXECUTE, error);
}

static gboolean
place_spot(BtCompile *self, const BtSpot *spot, GError **error)
{
  switch (spot->kind) {
  case BT_SPOT_POINT:
    return place_point(self, spot, error);
  case BT_SPOT_NORUN:
    return check_norun(self, spot, error);
  case BT_SPOT_LIBRARY:
  case BT_SPOT_UNSEEN:
  case BT_SPOT_SHOW:
    return place_shown(self, spot, error);
  case BT_SPOT_MASK:
    break;
  }
  return TRUE;
}

/* Are the kernel's own files, mounted somewhere once more, within what is granted, or around it? */
static gboolean
check_masks(BtCompile *self, GError **error)
{
  for (guint i = 0; i < self->spots->len; i++) {
    const BtSpot *spot = &g_array_index(self->spots, BtSpot, i);
    if (spot->kind == BT_SPOT_MASK && bt_plan_builder_touches(self->builder, spot->path))
      return bt_fail(error, BUNTIME_ERROR_POLICY, spot->path,
                     _("the kernel's own files are mounted there, within what is granted; keeping "
                       "them out needs the layer namespaces, which is off here"),
                     _("grant the directories beside it, or leave the layer on"));
  }
  return TRUE;
}

/* Bun looks into it before anything else, and only says that its program is not found. */
static gboolean
check_bun(BtCompile *self, GError **error)
{
  if (bt_request_kind(self->request) != BT_WORKER_BUN || self->entry_path == NULL)
    return TRUE;
  g_autofree char *folder = g_path_get_dirname(self->entry_path);
  if ((bt_plan_builder_rights(self->builder, folder) & BT_FS_READ_DIR) != 0)
    return TRUE;
  g_autofree char *cure =
    g_strdup_printf(_("--allow-read=%s grants it; or leave the layer on"), folder);
  return bt_fail(error, BUNTIME_ERROR_POLICY, folder,
                 _("without the layer namespaces, which is off here, Bun has to be able "
                   "to read the directory of its program"),
                 cure);
}

gboolean
bt_compile_flat_places(BtCompile *self, GError **error)
{
  add_base(self);
  bt_compile_rules(self);
  bt_compile_libraries(self);
  bt_compile_clients(self);
  if (self->request->entry != NULL && !bt_compile_worker(self, error))
    return FALSE;
  bt_compile_run_rules(self);
  bt_compile_sort_spots(self);
  for (guint i = 0; i < self->spots->len; i++)
    if (!place_spot(self, &g_array_index(self->spots, BtSpot, i), error))
      return FALSE;
  return check_masks(self, error) && (self->request->entry == NULL || check_bun(self, error));
}
