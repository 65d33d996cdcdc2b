/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs at build time: prints buntime-serve(7), its tables filled in. */
#include <stdio.h>

#include "cli/bt-help.h"
#include "serve/bt-lines.h"
#include "serve/bt-methods.h"

static void
append_name(GString *text, const char *name, gboolean optional)
{
  g_string_append_printf(text, ".TP\n\\fI");
  bt_manual_append(text, name);
  g_string_append_printf(text, "\\fR%s\n", optional ? " (optional)" : "");
}

/* What a number can be is in no description. */
static void
append_bounds(GString *text, const BtParam *param)
{
  if (param->type != BT_PARAM_INTEGER)
    return;
  g_autofree char *bounds =
    g_strdup_printf(" (a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ")",
                    param->least, param->most);
  bt_manual_append(text, bounds);
}

static void
append_members(GString *text, const BtMember *members)
{
  for (; members->name != NULL; members++) {
    append_name(text, members->name, FALSE);
    bt_manual_append(text, members->help);
    g_string_append(text, ".\n");
  }
}

static void
append_methods(GString *text, const BtCommand *about)
{
  for (guint i = 0; i < bt_n_methods; i++) {
    const BtMethod *method = &bt_methods[i];
    g_string_append(text, ".SS ");
    bt_manual_append(text, method->name);
    g_string_append_c(text, '\n');
    bt_manual_append(text, method->help);
    g_string_append(text, ".\n");
    for (const BtParam *param = method->params; param->name != NULL; param++) {
      append_name(text, param->name, !param->needed);
      bt_manual_append(text, param->help);
      append_bounds(text, param);
      g_string_append(text, ".\n");
    }
    g_string_append(text, ".PP\n");
    if (method->result[0].name == NULL) {
      g_string_append(text, "Result: an empty object.\n");
      continue;
    }
    g_string_append(text, "Result:\n");
    append_members(text, method->result);
  }
}

static void
append_notifications(GString *text, const BtCommand *about)
{
  for (guint i = 0; i < bt_n_notifications; i++) {
    g_string_append(text, ".SS ");
    bt_manual_append(text, bt_notifications[i].name);
    g_string_append_c(text, '\n');
    bt_manual_append(text, bt_notifications[i].help);
    g_string_append(text, ".\n");
    append_members(text, bt_notifications[i].params);
  }
}

static void
append_limits(GString *text, const BtCommand *about)
{
  g_string_append_printf(text,
                         "A line of a client: %u bytes.\n"
                         "Requests of a client that wait for an answer: %d.\n"
                         "Workers of a client: %d.\n"
                         "Pools of a client: %d.\n"
                         "Clients of a server: %d.\n",
                         BT_LINES_MAX_LINE, BT_SERVE_MAX_REQUESTS, BT_SERVE_MAX_WORKERS,
                         BT_SERVE_MAX_POOLS, BT_SERVE_MAX_CLIENTS);
}

int
main(int argc, char **argv)
{
  static const BtManualPart parts[] = {
    { "@METHODS@", append_methods },
    { "@NOTIFICATIONS@", append_notifications },
    { "@LIMITS@", append_limits },
  };
  g_autofree char *source = NULL, *text = NULL;
  g_autoptr(GError) error = NULL;

  if (argc == 2 && g_file_get_contents(argv[1], &source, NULL, &error))
    text = bt_manual_fill(source, BT_VERSION, parts, G_N_ELEMENTS(parts), NULL, &error);
  if (text != NULL)
    return fputs(text, stdout) == EOF || fflush(stdout) != 0;
  fprintf(stderr, "%s\n", error != NULL ? error->message : "usage: buntime-gen-serve-manual SOURCE");
  return 2;
}
