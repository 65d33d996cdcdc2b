/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The order in which a plan is made:
 *
 *   1. the base view: the system without exec rights, made files, devices,
 *      and what of the machine is not told
 *   2. home and working directory, empty
 *   3. spots are collected: what rules speak of, where libraries may be mapped
 *      from, the interpreter, the entry, granted programs
 *   4. spots become mounts, parents before children, so that a later mount
 *      covers what lies above it and nothing else (bt-plan-fs.c)
 *   5. Landlock's rights, now that it is known what is visible
 *
 * Without namespaces there is nothing but 3 and 5, see bt-plan-flat.c.
 */
#include "plan/bt-plan-compile.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "plan/bt-plan-private.h"

/* Directories, links and made files; never what a worker writes, it is read-only then. */
#define ROOT_SIZE (80ull << 20)

void
bt_plan_free(BtPlan *plan)
{
  g_clear_pointer(&plan->bytes, g_bytes_unref);
  g_clear_pointer(&plan->notices, g_ptr_array_unref);
  g_clear_pointer(&plan->denied, g_ptr_array_unref);
  g_free(plan->program);
  g_free(plan->entry_path);
  g_free(plan->silent_limits);
  g_free(plan->hidden_folder);
  g_clear_pointer(&plan->places, bt_plan_places_free);
  g_free(plan);
}

static void
clear_mount(gpointer data)
{
  g_free(((BtMount *)data)->path);
}

static void
clear_spot(gpointer data)
{
  g_free(((BtSpot *)data)->path);
}

static void
clear_grant(gpointer data)
{
  g_free(((BtGrant *)data)->path);
}

static void
compile_init(BtCompile *self, const BtPlanRequest *request)
{
  self->request = request;
  self->builder = bt_plan_builder_new();
  self->notices = g_ptr_array_new_with_free_func(g_free);
  self->denied = g_ptr_array_new_with_free_func(g_free);
  self->lent = g_ptr_array_new_with_free_func(g_free);
  self->mounts = g_array_sized_new(FALSE, TRUE, sizeof(BtMount), 64);
  g_array_set_clear_func(self->mounts, clear_mount);
  self->spots = g_array_sized_new(FALSE, TRUE, sizeof(BtSpot), 32);
  g_array_set_clear_func(self->spots, clear_spot);
  self->grants = g_array_new(FALSE, TRUE, sizeof(BtGrant));
  g_array_set_clear_func(self->grants, clear_grant);
  self->made = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  self->shown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  self->plain = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  self->readable = g_ptr_array_new_with_free_func(g_free);
  bt_compile_run_init(self);
  self->flat = !bt_compile_has_plugin(self, BT_PLUGIN_NAMESPACES);
  bt_compile_add_mount(self, "/", self->flat ? BT_MOUNT_HOST : BT_MOUNT_OWN, 0, 0);
}

static void
compile_clear(BtCompile *self)
{
  bt_plan_builder_free(self->builder);
  g_ptr_array_unref(self->notices);
  g_ptr_array_unref(self->denied);
  g_ptr_array_unref(self->lent);
  g_array_unref(self->mounts);
  g_array_unref(self->spots);
  g_array_unref(self->grants);
  g_hash_table_unref(self->made);
  g_hash_table_unref(self->shown);
  g_hash_table_unref(self->plain);
  g_ptr_array_unref(self->readable);
  g_clear_pointer(&self->worker_program, g_array_unref);
  bt_compile_run_clear(self);
  g_free(self->executable);
  g_free(self->run_path);
  g_free(self->path_dir);
  g_free(self->program);
  g_free(self->entry_path);
  g_free(self->own_tmp);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BtCompile, compile_clear)

/* Empty, unless a grant shows the host's own; then that one comes later. */
static void
show_folder(BtCompile *self, const char *written, gboolean granted_too)
{
  g_autofree char *path = bt_compile_show(self, written);

  if (granted_too || !bt_compile_is_granted(self, path))
    bt_compile_empty_dir(self, path);
  if (!granted_too)
    bt_compile_readable(self, path);
}

static void
show_folders(BtCompile *self, gboolean granted_too)
{
  show_folder(self, self->request->home, granted_too);
  show_folder(self, self->request->cwd, granted_too);
}

static gboolean
fill_header(BtCompile *self, GError **error)
{
  BtPlanHeader *header = bt_plan_builder_header(self->builder);

  header->uid = self->request->uid;
  header->gid = self->request->gid;
  if (self->request->channel)
    header->flags |= BT_PLAN_CHANNEL;
  if (self->flat) {
    header->flags |= BT_PLAN_NO_NAMESPACES;
  } else {
    header->root_size += ROOT_SIZE;
    header->hostname = bt_plan_builder_string(self->builder, bt_compile_host_name(self));
  }
  header->executable = bt_plan_builder_string(self->builder, self->run_path);
  header->cwd = bt_plan_builder_string(self->builder, self->request->cwd);
  return bt_compile_filters(self, error);
}

/* Of which the worker sees the entry and no more; NULL: it sees the host's own. */
static char *
hidden_folder(const BtCompile *self)
{
  if (self->entry_path == NULL)
    return NULL;
  g_autofree char *folder = g_path_get_dirname(self->entry_path);
  gboolean seen = self->flat
                    ? (bt_plan_builder_rights(self->builder, folder) & BT_FS_READ_DIR) != 0
                    : bt_compile_mount_at(self, folder)->kind == BT_MOUNT_HOST;
  return seen ? NULL : g_steal_pointer(&folder);
}

static BtPlan *
finish(BtCompile *self, GError **error)
{
  g_autofree char *hidden = hidden_folder(self);
  g_autoptr(BtPlanPlaces) places = self->request->channel ? bt_compile_places(self) : NULL;
  g_autoptr(GBytes) bytes = bt_plan_builder_finish(self->builder);

  if (bytes == NULL) {
    bt_fail(error, BUNTIME_ERROR_POLICY, "plan", _("the grants and denials are too many"),
            _("grant directories instead of what is in them"));
    return NULL;
  }
  BtPlan *plan = g_new0(BtPlan, 1);
  plan->bytes = g_steal_pointer(&bytes);
  plan->notices = g_ptr_array_ref(self->notices);
  plan->denied = g_ptr_array_ref(self->denied);
  plan->program = g_strdup(self->program);
  plan->entry_path = g_strdup(self->entry_path);
  plan->landlock_abi = self->landlock_abi;
  plan->network = !self->flat && bt_policy_grants_net(self->request->policy);
  plan->silent_limits = bt_compile_silent_limits(self);
  plan->hidden_folder = g_steal_pointer(&hidden);
  plan->places = g_steal_pointer(&places);
  return plan;
}

/* What lies where and who may do what with it; of the worker only if it is known. */
static gboolean
compile_places(BtCompile *self, GError **error)
{
  if (self->flat)
    return bt_compile_flat_places(self, error);
  bt_compile_base(self);
  bt_compile_sys(self);
  show_folders(self, FALSE);
  bt_compile_rules(self);
  bt_compile_libraries(self);
  bt_compile_clients(self);
  if (self->request->entry != NULL && !bt_compile_worker(self, error))
    return FALSE;
  bt_compile_run_rules(self);
  bt_compile_ffi(self);
  if (!bt_compile_spots(self, error) || !bt_compile_check_grants(self, error))
    return FALSE;
  show_folders(self, TRUE);
  if (!bt_compile_makes(self, error))
    return FALSE;
  if (!bt_compile_run_roots(self, error))
    return FALSE;
  bt_compile_landlock_rules(self);
  bt_compile_tmp_rules(self);
  return TRUE;
}

BtPlan *
bt_plan_compile(const BtPlanRequest *request, GError **error)
{
  g_auto(BtCompile) self = { .request = NULL };

  compile_init(&self, request);
  if (!bt_compile_plugins(&self, error) || !bt_compile_landlock(&self, error) ||
      !compile_places(&self, error))
    return NULL;
  bt_compile_env(&self);
  if (!bt_compile_limits(&self, error))
    return NULL;
  bt_compile_net(&self);
  if (!bt_compile_relays(&self, error))
    return NULL;
  return fill_header(&self, error) ? finish(&self, error) : NULL;
}

BtPlan *
bt_plan_compile_bare(const BtPlanRequest *request, GError **error)
{
  g_auto(BtCompile) self = { .request = NULL };

  compile_init(&self, request);
  /* Nobody carries it out, with namespaces or without. */
  self.flat = FALSE;
  if (!bt_compile_worker(&self, error))
    return NULL;
  return fill_header(&self, error) ? finish(&self, error) : NULL;
}

gboolean
bt_plan_look(const BtPlanRequest *request, const char *path, BtPlanLook *look_out, GError **error)
{
  g_auto(BtCompile) self = { .request = NULL };
  struct stat info;

  *look_out = (BtPlanLook){ .host = FALSE };
  compile_init(&self, request);
  if (!bt_compile_plugins(&self, error) || !bt_compile_landlock(&self, error) ||
      !compile_places(&self, error))
    return FALSE;
  bt_compile_net(&self);
  g_autoptr(BtPlanPlaces) places = bt_compile_places(&self);
  gboolean found = path != NULL && lstat(path, &info) == 0;
  bt_plan_places_look(places, path, found && S_ISDIR(info.st_mode), look_out);
  look_out->makeable = path != NULL && !found && !self.flat && bt_compile_can_make(&self, path);
  return TRUE;
}
