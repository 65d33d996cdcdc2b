/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policies as text, for people and for files.
 */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "lib/bt-catalogues.h"
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
  g_autofree char *path = bt_policy_files_find(bt_policy_object_files(policy), value != NULL ? value : "",
                                              error);
  g_autoptr(GBytes) bytes = path != NULL ? bt_policy_file_read(path, error) : NULL;

  return bytes != NULL ? text_of(bytes) : NULL;
}

char *
buntime_policy_schema(GError **error)
{
  bt_catalogues_find();
  g_autofree char *path = bt_data_path("schema/policy.schema.json");
  g_autoptr(GBytes) bytes = bt_policy_file_read(path, error);

  return bytes != NULL ? text_of(bytes) : NULL;
}

/* error: why a file of the user's own tells nothing of itself; NULL: it does. */
static void
append_preset_json(GString *text, const BtPreset *preset, const char *description,
                   const char *error)
{
  BtJsonWriter writer = BT_JSON_WRITER_INIT(text, 0);

  bt_json_begin_object(&writer, NULL);
  bt_json_put_string(&writer, "name", preset->name);
  bt_json_put_string(&writer, "path", preset->path);
  bt_json_put_string(&writer, "description", description);
  bt_json_put_bool(&writer, "user", preset->own);
  if (error != NULL)
    bt_json_put_string(&writer, "error", error);
  bt_json_end(&writer);
  g_string_append_c(text, '\n');
}

/* Its first sentence says what it grants; those of buntime's own presets are in the catalogues. */
static char *
first_sentence(const char *description)
{
  const char *stop = strstr(description, ". ");
  char *sentence = stop != NULL ? g_strndup(description, (gsize)(stop + 1 - description))
                                : g_strdup(description);
  const char *translated =
    sentence[0] != '\0' ? g_dgettext(GETTEXT_PACKAGE, sentence) : sentence;

  if (translated == sentence)
    return sentence;
  g_free(sentence);
  return g_strdup(translated);
}

static void
append_preset(GString *text, const BtPreset *preset, const char *description, const char *error)
{
  g_autofree char *told =
    error != NULL ? g_strndup(error, strcspn(error, "\n")) : first_sentence(description);
  g_autofree char *safe = bt_text_neutralise(told, -1);
  g_autofree char *path = bt_text_neutralise(preset->path, -1);

  g_string_append_printf(text, preset->own ? _("%s (%s, your own)\n  %s\n") : "%s (%s)\n  %s\n",
                         preset->name, path, safe);
}

/* FALSE only for one that all have: a mistake of the user's hides no other preset. */
static gboolean
list_preset(GString *text, const BtPreset *preset, gboolean json, GError **error)
{
  g_autoptr(GError) mistake = NULL;
  g_autoptr(GBytes) bytes = bt_policy_file_read(preset->path, &mistake);
  g_autofree char *description =
    bytes != NULL ? bt_policy_json_describe(bytes, preset->path, &mistake) : NULL;

  if (description == NULL && !preset->own) {
    g_propagate_error(error, g_steal_pointer(&mistake));
    return FALSE;
  }
  (json ? append_preset_json : append_preset)(text, preset, description != NULL ? description : "",
                                              mistake != NULL ? mistake->message : NULL);
  return TRUE;
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

  for (guint i = 0; i < presets->len; i++)
    if (!list_preset(text, g_ptr_array_index(presets, i), json, error))
      return NULL;
  return g_string_free(g_steal_pointer(&text), FALSE);
}
