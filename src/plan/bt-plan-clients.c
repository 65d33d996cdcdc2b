/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a program with a channel uses it by: the packages for Python and Bun, and
 * libbuntime-worker, which Bun and a Python other than CPython load.
 *
 * They are shown where the host has them, read-only and to be mapped, without any
 * grant: they are buntime's own, and known to everybody.  Two variables lead there,
 * before what the caller grants: whoever imports buntime means this one.
 */
#include "plan/bt-plan-private.h"

#include <unistd.h>

#include "wire/bt-channel.h"

/* In the folder as it is built, beside it as it is installed. */
#define LIBRARY "libbuntime-worker.so.1"

void
bt_compile_clients(BtCompile *self)
{
  if (self->request->clients == NULL)
    return;
  g_autofree char *folder = bt_compile_show(self, self->request->clients);
  g_autofree char *above = g_path_get_dirname(folder);
  g_autofree char *beside = g_build_filename(above, LIBRARY, NULL);

  bt_compile_spot(self, folder, BT_SPOT_LIBRARY, 0);
  if (access(beside, R_OK) == 0) {
    g_autofree char *library = bt_compile_show(self, beside);
    bt_compile_spot(self, library, BT_SPOT_LIBRARY, 0);
  }
}

static void
lead_to(BtCompile *self, const char *name, const char *package)
{
  const char *others = bt_plan_builder_get_env(self->builder, name);
  g_autofree char *folder = g_build_filename(self->request->clients, package, NULL);
  /* An empty part would mean the working directory. */
  g_autofree char *value = others != NULL && others[0] != '\0' ? g_strconcat(folder, ":", others, NULL)
                                                               : g_strdup(folder);
  bt_plan_builder_env(self->builder, name, value);
}

/* Last: nobody else says where the channel is. */
void
bt_compile_channel_env(BtCompile *self)
{
  if (!self->request->channel)
    return;
  g_autofree char *value = g_strdup_printf("%d,%d,%d", BT_INIT_CHANNEL_FD, BT_INIT_CHANNEL_FD + 1,
                                           BT_INIT_CHANNEL_FD + 2);
  bt_plan_builder_env(self->builder, BT_CHANNEL_VARIABLE, value);
  if (self->request->clients == NULL)
    return;
  lead_to(self, "PYTHONPATH", "python");
  lead_to(self, "NODE_PATH", "bun");
}
