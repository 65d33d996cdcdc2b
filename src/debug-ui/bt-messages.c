/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-messages.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <locale.h>
#include <string.h>

#include "serve/bt-node.h"

/* What the page's sources have between _( and ), a line of JSON each. */
#define LIST "/io/github/buntime/debug-ui/page/messages.txt"

char *
bt_messages_locale(const char *name)
{
  static const struct {
    const char *modifier, *script;
  } scripts[] = { { "@latin", "-Latn" }, { "@cyrillic", "-Cyrl" } };
  gsize length = strcspn(name, ".@");
  const char *modifier = strchr(name, '@');

  if (length == 0 || strncmp(name, "C", length) == 0 || strncmp(name, "POSIX", length) == 0)
    return g_strdup("en");
  gsize language = MIN(strcspn(name, "_"), length);
  GString *text = g_string_new_len(name, (gssize)language);
  for (gsize i = 0; modifier != NULL && i < G_N_ELEMENTS(scripts); i++)
    if (strcmp(scripts[i].modifier, modifier) == 0)
      g_string_append(text, scripts[i].script);
  g_string_append_len(text, name + language, (gssize)(length - language));
  return g_strdelimit(g_string_free(text, FALSE), "_", '-');
}

/* As gettext chooses: LANGUAGE only where a locale is. */
static char *
locale_of_messages(void)
{
  const char *locale = setlocale(LC_MESSAGES, NULL);
  const char *const *names = g_get_language_names_with_category("LC_MESSAGES");
  gboolean english = locale == NULL || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0;

  return bt_messages_locale(english ? "C" : names[0]);
}

static void
put_message(GString *text, const char *line)
{
  g_autoptr(BtNode) node = bt_node_parse(line, strlen(line), NULL);

  /* An empty one asks for the catalogue's head. */
  if (node == NULL || node->kind != BT_NODE_STRING || node->length == 0 ||
      strlen(node->string) != node->length)
    return;
  const char *translated = g_dgettext(GETTEXT_PACKAGE, node->string);
  if (strcmp(translated, node->string) != 0)
    bt_put_string(text, node->string, translated, -1);
}

void
bt_messages_put(GString *text)
{
  g_autoptr(GBytes) list = g_resources_lookup_data(LIST, 0, NULL);
  g_autofree char *locale = locale_of_messages();
  gsize size = 0;
  const char *data = list != NULL ? g_bytes_get_data(list, &size) : NULL;
  g_autofree char *copy = g_strndup(data != NULL ? data : "", size);
  g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);

  bt_put_string(text, "locale", locale, -1);
  bt_put_name(text, "messages");
  g_string_append_c(text, '{');
  for (char **line = lines; *line != NULL; line++)
    put_message(text, *line);
  g_string_append_c(text, '}');
}
