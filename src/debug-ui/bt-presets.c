/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-presets.h"

#include <string.h>

#include "debug-ui/bt-fields.h"
#include "lib/buntime.h"

static void
put_preset(GString *text, const char *line, const char *own)
{
  g_autoptr(BtNode) node = bt_node_parse(line, strlen(line), NULL);
  const char *name, *path, *description;

  if (node == NULL || !bt_field_text(node, "name", G_MAXSIZE, &name, NULL) ||
      !bt_field_text(node, "path", G_MAXSIZE, &path, NULL) ||
      !bt_field_text(node, "description", G_MAXSIZE, &description, NULL))
    return;
  g_autofree char *policy = buntime_policy_show(path, NULL);
  if (policy == NULL)
    return;
  bt_put_name(text, NULL);
  g_string_append_c(text, '{');
  bt_put_string(text, "name", name, -1);
  bt_put_string(text, "description", description, -1);
  bt_put_bool(text, "user", g_str_has_prefix(path, own));
  bt_put_string(text, "text", policy, -1);
  g_string_append_c(text, '}');
}

void
bt_presets_put(GString *text, const char *name)
{
  g_autofree char *own = g_build_filename(g_get_user_config_dir(), "buntime", "policies", "/", NULL);
  g_autofree char *list = buntime_policy_list(TRUE, NULL);
  g_auto(GStrv) lines = g_strsplit(list != NULL ? list : "", "\n", -1);

  bt_put_name(text, name);
  g_string_append_c(text, '[');
  for (char **line = lines; *line != NULL; line++)
    if (**line != '\0')
      put_preset(text, *line, own);
  g_string_append_c(text, ']');
}
