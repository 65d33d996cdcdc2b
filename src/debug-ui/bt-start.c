/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-start.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "debug-ui/bt-fields.h"
#include "lib/buntime.h"
#include "serve/bt-flags.h"
#include "serve/bt-node.h"

/* ---- the program ---- */

#define ROOM (BT_FIELD_MAX_CODE + 1)

/* -1, with errno set, or how much there is, up to ROOM. */
static gssize
read_all(const char *entry, char *text)
{
  int fd = strcmp(entry, "-") == 0 ? dup(0) : open(entry, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  gsize size = 0;
  gssize got = fd >= 0 ? 1 : -1;

  while (got > 0 && size < ROOM) {
    got = read(fd, text + size, ROOM - size);
    size += (gsize)MAX(got, 0);
  }
  int number = errno;
  if (fd >= 0)
    close(fd);
  errno = number;
  return got < 0 ? -1 : (gssize)size;
}

/* text: has ROOM. */
static gboolean
read_into(const char *entry, char *text, GError **error)
{
  gssize size = read_all(entry, text);

  if (size < 0)
    return bt_fail(error,
                   errno == ENOENT ? BUNTIME_ERROR_NOT_FOUND : BUNTIME_ERROR_NOT_RUNNABLE, entry,
                   g_strerror(errno), NULL);
  if (size == ROOM || !g_utf8_validate_len(text, (gsize)size, NULL))
    return bt_fail(error, BUNTIME_ERROR_NOT_RUNNABLE, entry,
                   size == ROOM ? _("larger than 1 MiB") : _("not text"),
                   _("the debug UI is for programs in Python, JavaScript and TypeScript"));
  text[size] = '\0';
  return TRUE;
}

static char *
read_text(const char *entry, GError **error)
{
  char *text = g_malloc(ROOM);

  if (read_into(entry, text, error))
    return text;
  g_free(text);
  return NULL;
}

static const char *
language_of(const BtCommandLine *line)
{
  static const char *const suffixes[] = { ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts" };

  for (guint i = 0; i < line->given->len; i++) {
    const BtGiven *given = &g_array_index(line->given, BtGiven, i);
    if (given->option->id == BT_OPTION_WORKER)
      return strcmp(given->value, "bun") == 0 ? "bun" : "python";
  }
  for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++)
    if (g_str_has_suffix(line->entry, suffixes[i]))
      return "bun";
  return "python";
}

/* A page's program has a name of simple letters. */
static char *
name_of(const BtCommandLine *line, const char *language)
{
  g_autofree char *base = g_path_get_basename(line->entry);
  char *name = strcmp(base, "-") == 0 || base[0] == '.'
                 ? g_strdup(strcmp(language, "bun") == 0 ? "main.ts" : "main.py")
                 : g_strndup(base, 64);

  for (char *at = name; *at != '\0'; at++)
    if (!g_ascii_isalnum(*at) && strchr("._-", *at) == NULL)
      *at = '_';
  return name;
}

/* ---- flags ---- */

/* As the page can give them back; those of this program are no worker's. */
static GPtrArray *
list_flags(const BtCommandLine *line)
{
  GPtrArray *flags = g_ptr_array_new_with_free_func(g_free);

  for (guint i = 0; i < line->given->len; i++) {
    const BtGiven *given = &g_array_index(line->given, BtGiven, i);
    if (given->option->id == BT_OPTION_DEBUG_UI || given->option->id == BT_OPTION_QUIET ||
        given->option->id == BT_OPTION_WORKER)
      continue;
    g_ptr_array_add(flags, g_strconcat("--", given->option->name,
                                       given->value != NULL ? "=" : NULL, given->value, NULL));
  }
  g_ptr_array_add(flags, NULL);
  return flags;
}

static char *
describe(const BtCommandLine *line, const GPtrArray *flags, const char *code)
{
  const char *language = language_of(line);
  g_autofree char *name = name_of(line, language);
  GString *text = g_string_new("{");

  bt_put_string(text, "name", name, -1);
  bt_put_string(text, "language", language, -1);
  bt_put_string(text, "code", code, -1);
  bt_put_name(text, "args");
  g_string_append_c(text, '[');
  for (const char *const *arg = line->args; *arg != NULL; arg++)
    bt_put_string(text, NULL, *arg, -1);
  g_string_append_c(text, ']');
  bt_put_name(text, "flags");
  g_string_append_c(text, '[');
  for (guint i = 0; i + 1 < flags->len; i++)
    bt_put_string(text, NULL, g_ptr_array_index(flags, i), -1);
  g_string_append(text, "]}");
  return g_string_free(text, FALSE);
}

gboolean
bt_start_read(const BtCommandLine *line, char **json_out, GError **error)
{
  g_auto(BtCommandLine) checked = BT_COMMAND_LINE_INIT;

  if (line->entry == NULL)
    return TRUE;
  g_autoptr(GPtrArray) flags = list_flags(line);
  if (!bt_flags_parse((const char *const *)flags->pdata, &checked, error))
    return FALSE;
  char *code = read_text(line->entry, error);
  if (code == NULL)
    return FALSE;
  *json_out = describe(line, flags, code);
  g_free(code);
  return TRUE;
}
