/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-presets.h"

#include <string.h>

#include "debug-ui/bt-fields.h"
#include "lib/buntime.h"
#include "serve/bt-node.h"

typedef struct {
  const char *name, *path, *description;
  gboolean user;
} Preset;

/* data: the caller's. */
typedef void (*PresetFunc)(const Preset *preset, gpointer data);

static void
for_each(PresetFunc func, gpointer data)
{
  g_autofree char *list = buntime_policy_list(TRUE, NULL);
  g_auto(GStrv) lines = g_strsplit(list != NULL ? list : "", "\n", -1);

  for (char **line = lines; *line != NULL; line++) {
    g_autoptr(BtNode) node = bt_node_parse(*line, strlen(*line), NULL);
    Preset preset = { .description = "" };
    if (node == NULL || !bt_field_text(node, "name", G_MAXSIZE, &preset.name, NULL) ||
        !bt_field_text(node, "path", G_MAXSIZE, &preset.path, NULL) ||
        !bt_field_boolean(node, "user", &preset.user, NULL))
      continue;
    /* One of the user's that cannot be read has none. */
    bt_field_text(node, "description", G_MAXSIZE, &preset.description, NULL);
    func(&preset, data);
  }
}

static void
put_preset(const Preset *preset, gpointer data)
{
  GString *text = data;
  g_autofree char *policy = buntime_policy_show(preset->path, NULL);

  if (policy == NULL)
    return;
  bt_put_name(text, NULL);
  g_string_append_c(text, '{');
  bt_put_string(text, "name", preset->name, -1);
  bt_put_string(text, "description", preset->description, -1);
  bt_put_bool(text, "user", preset->user);
  bt_put_string(text, "text", policy, -1);
  g_string_append_c(text, '}');
}

void
bt_presets_put(GString *text, const char *name)
{
  bt_put_name(text, name);
  g_string_append_c(text, '[');
  for_each(put_preset, text);
  g_string_append_c(text, ']');
}

typedef struct {
  const char *name;
  gboolean found;
} Wanted;

static void
compare_preset(const Preset *preset, gpointer data)
{
  Wanted *wanted = data;
  wanted->found = wanted->found || (!preset->user && strcmp(preset->name, wanted->name) == 0);
}

gboolean
bt_presets_is_common(const char *name)
{
  Wanted wanted = { .name = name };

  for_each(compare_preset, &wanted);
  return wanted.found;
}
