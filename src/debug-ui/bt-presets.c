/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-presets.h"

#include <string.h>
#include <sys/stat.h>

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

/* ---- what was read ---- */

struct _BtPresets {
  char *stamp; /* of the user's folder; NULL: nothing was read */
  char *json;
};

char *
bt_presets_folder(void)
{
  return g_build_filename(g_get_user_config_dir(), "buntime", "policies", NULL);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Differs where a file came, went or was written. */
static char *
make_stamp(void)
{
  g_autofree char *folder = bt_presets_folder();
  g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    struct stat status;
    if (stat(path, &status) == 0)
      g_ptr_array_add(lines, g_strdup_printf("%s %lu %ld %ld.%ld", name,
                                             (gulong)status.st_ino, (glong)status.st_size,
                                             (glong)status.st_mtim.tv_sec,
                                             (glong)status.st_mtim.tv_nsec));
  }
  g_ptr_array_sort(lines, compare_names);
  g_ptr_array_add(lines, NULL);
  return g_strjoinv("\n", (char **)lines->pdata);
}

static void
read_again(BtPresets *self)
{
  g_autofree char *stamp = make_stamp();

  if (g_strcmp0(stamp, self->stamp) == 0)
    return;
  GString *json = g_string_new("[");
  for_each(put_preset, json);
  g_string_append_c(json, ']');
  g_free(self->stamp);
  g_free(self->json);
  self->stamp = g_steal_pointer(&stamp);
  self->json = g_string_free(json, FALSE);
}

void
bt_presets_put(BtPresets *self, GString *text, const char *name)
{
  read_again(self);
  if (text != NULL)
    bt_put_json(text, name, self->json);
}

BtPresets *
bt_presets_new(void)
{
  return g_new0(BtPresets, 1);
}

void
bt_presets_free(BtPresets *self)
{
  g_free(self->stamp);
  g_free(self->json);
  g_free(self);
}

/* ---- */

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
