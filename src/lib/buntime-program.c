/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/buntime-program.h"

#include <errno.h>
#include <unistd.h>

#include "lib/bt-helper-path.h"
#include "policy/buntime-error.h"

gboolean
bt_program_exec(const char *name, const char *const *args, GError **error)
{
  g_autofree char *path = bt_helper_path(name, error);
  g_autoptr(GPtrArray) argv = g_ptr_array_new();

  if (path == NULL)
    return FALSE;
  g_ptr_array_add(argv, (gpointer)name);
  for (; *args != NULL; args++)
    g_ptr_array_add(argv, (gpointer)*args);
  g_ptr_array_add(argv, NULL);
  execv(path, (char *const *)argv->pdata);
  return bt_fail(error, BUNTIME_ERROR_SETUP, path, g_strerror(errno), NULL);
}
