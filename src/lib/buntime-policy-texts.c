/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policies as text, for people and for files.
 */
#include <string.h>

#include "lib/bt-helper-path.h"
#include "lib/bt-policy-object.h"
#include "policy/bt-event.h"
#include "policy/bt-json-writer.h"
#include "policy/bt-policy-format.h"

/* What is written has to be what this buntime reads, and then permits the same. */
static gboolean
can_be_read(BuntimePolicy *self, const char *text, GError **error)
{
  g_autoptr(BtPolicy) again = bt_policy_new();
  g_autoptr(GBytes) bytes = g_bytes_new_static(text, strlen(text));

  /* Sets the JSON reader. */
  bt_policy_object_files(self);
  return bt_policy_add_json(again, BT_LAYER_FILES, bytes, "policy", self->home, NULL, error);
}

char *
buntime_policy_to_json(BuntimePolicy *self, GError **error)
{
  g_autofree char *text = bt_policy_format_json(self->rules, error);
  return text != NULL && can_be_read(self, text, error) ? g_steal_pointer(&text) : NULL;
}

char **
buntime_policy_list_rules(BuntimePolicy *self)
{
  return bt_policy_format_lines(self->rules);
}

char *
buntime_policy_rules_to_json(BuntimePolicy *self)
{
  return bt_policy_format_rules_json(self->rules);
}

/* A file's text, which has no NUL: JSON has none. */
static char *
text_of(GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data(bytes, &size);
  return g_strndup(data, size);
}

char *
buntime_policy_show(const char *value, GError **error)
{
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  g_autofree char *path = bt_policy_files_find(bt_policy_object_files(policy), value, error);
  g_autoptr(GBytes) bytes = path != NULL ? bt_policy_file_read(path, error) : NULL;

  return bytes != NULL ? text_of(bytes) : NULL;
}

char *
buntime_policy_schema(GError **error)
{
  g_autofree char *path = bt_data_path("schema/policy.schema.json");
  g_autoptr(GBytes) bytes = bt_policy_file_read(path, error);

  return bytes != NULL ? text_of(bytes) : NULL;
}

static void
append_preset(GString *text, const BtPreset *preset, const char *description, gboolean json)
{
  if (json) {
    BtJsonWriter writer = BT_JSON_WRITER_INIT(text, 0);
    bt_json_begin_object(&writer, NULL);
    bt_json_put_string(&writer, "name", preset->name);
    bt_json_put_string(&writer, "path", preset->path);
    bt_json_put_string(&writer, "description", description);
    bt_json_end(&writer);
    g_string_append_c(text, '\n');
    return;
  }
  /* Its first sentence says what it grants. */
  const char *stop = strstr(description, ". ");
  g_autofree char *safe =
    bt_text_neutralise(description, stop != NULL ? stop + 1 - description : -1);
  g_autofree char *path = bt_text_neutralise(preset->path, -1);
  g_string_append_printf(text, "%s (%s)\n  %s\n", preset->name, path, safe);
}

char *
buntime_policy_list(gboolean json, GError **error)
{
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  g_auto(GStrv) folders = bt_policy_object_preset_folders(policy);
  /* Sets the JSON reader. */
  bt_policy_object_files(policy);
  g_autoptr(GPtrArray) presets = bt_presets_list((const char *const *)folders);
  g_autoptr(GString) text = g_string_new(NULL);

  for (guint i = 0; i < presets->len; i++) {
    const BtPreset *preset = g_ptr_array_index(presets, i);
    g_autoptr(GBytes) bytes = bt_policy_file_read(preset->path, error);
    g_autofree char *description =
      bytes != NULL ? bt_policy_json_describe(bytes, preset->path, error) : NULL;
    if (description == NULL)
      return NULL;
    append_preset(text, preset, description, json);
  }
  return g_string_free(g_steal_pointer(&text), FALSE);
}
