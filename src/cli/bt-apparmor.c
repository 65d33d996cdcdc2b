/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The profile that `buntime doctor --print-apparmor` prints, and that is installed (data/apparmor). */
#include "cli/bt-apparmor.h"

#include <string.h>

/* As its parser reads it between quotation marks (transfer full); NULL: it cannot have such a one.
 */
static char *
quote_for_apparmor(const char *path)
{
  GString *quoted = g_string_new("\"");

  for (const char *p = path; *p != '\0'; p++) {
    if (g_ascii_iscntrl(*p) || *p == '"') {
      g_string_free(quoted, TRUE);
      return NULL;
    }
    if (strchr("*?[]{}^,\\", *p) != NULL)
      g_string_append_c(quoted, '\\');
    g_string_append_c(quoted, *p);
  }
  g_string_append_c(quoted, '"');
  return g_string_free(quoted, FALSE);
}

/* As the profiles of Ubuntu for browsers: it confines nothing, and permits the namespace. */
char *
bt_apparmor_profile_of(const char *program)
{
  g_autofree char *quoted = quote_for_apparmor(program);

  return quoted == NULL ? NULL
                        : g_strdup_printf("# buntime makes its sandboxes in user namespaces.\n"
                                          "abi <abi/4.0>,\n"
                                          "include <tunables/global>\n"
                                          "\n"
                                          "profile buntime %s flags=(unconfined) {\n"
                                          "  userns,\n"
                                          "\n"
                                          "  include if exists <local/buntime>\n"
                                          "}\n",
                                          quoted);
}
