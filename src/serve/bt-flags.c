/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/bt-flags.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "lib/buntime.h"

/* What would be the server's own, or nobody's. */
static gboolean
check_flag(const BtGiven *given, GError **error)
{
  g_autofree char *flag = g_strconcat("--", given->option->name, NULL);

  switch (given->option->id) {
  case BT_OPTION_PERMISSION:
  case BT_OPTION_LIMIT:
  case BT_OPTION_ALLOW_ALL:
  case BT_OPTION_POLICY:
  case BT_OPTION_WORKER:
  case BT_OPTION_NET:
  case BT_OPTION_TIER:
  case BT_OPTION_PUBLISH:
    return TRUE;
  case BT_OPTION_AUDIT:
    return given->value == NULL ||
           bt_fail(error, BUNTIME_ERROR_USAGE, flag, _("takes no value here"),
                   _("events are notifications"));
  default:
    break;
  }
  return bt_fail(error, BUNTIME_ERROR_USAGE, flag, _("not a flag of a worker that is served"),
                 _("permissions, limits, --policy, --worker, --net, --tier, --publish and --audit are"));
}

/* Else it would be the program, or a command. */
static gboolean
is_flag(const char *word, GError **error)
{
  return (word[0] == '-' && word[1] != '\0' && strcmp(word, "--") != 0) ||
         bt_fail(error, BUNTIME_ERROR_USAGE, word, _("not a flag"),
                 _("write flags as for 'buntime run': --allow-net=github.com"));
}

gboolean
bt_flags_parse(const char *const *flags, BtCommandLine *line_out, GError **error)
{
  g_autoptr(GPtrArray) argv = g_ptr_array_new();

  *line_out = BT_COMMAND_LINE_INIT;
  g_ptr_array_add(argv, (gpointer) "buntime");
  g_ptr_array_add(argv, (gpointer)bt_commands[0].name);
  for (; flags != NULL && *flags != NULL; flags++) {
    if (!is_flag(*flags, error))
      return FALSE;
    g_ptr_array_add(argv, (gpointer)*flags);
  }
  g_ptr_array_add(argv, NULL);
  if (!bt_command_line_parse((const char *const *)argv->pdata, line_out, error))
    return FALSE;
  for (guint i = 0; i < line_out->given->len; i++)
    if (!check_flag(&g_array_index(line_out->given, BtGiven, i), error))
      return FALSE;
  return TRUE;
}
