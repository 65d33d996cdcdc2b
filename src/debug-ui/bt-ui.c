/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-ui.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/random.h>

#include "debug-ui/bt-fields.h"
#include "debug-ui/bt-messages.h"
#include "debug-ui/bt-presets.h"

#define TOKEN_SIZE 32
/* How often what changes by itself is looked at. */
#define SAMPLE_MS 250
/* For workers that were killed. */
#define PATIENCE_SECONDS 10

struct _BtUi {
  char *token, *start;
  BtFolder *folder;
  BtPresets *presets;
  GPtrArray *pages; /* BtPage */
  GPtrArray *runs;  /* BtRun */
  guint last_run;
  guint sampling; /* source */
  guint samples;
  guint reading; /* source */
  BtUiFuncs funcs;
  gpointer data;
};

/* ---- the token ---- */

/* As a URL's fragment can have it. */
static char *
make_token(GError **error)
{
  guchar bytes[TOKEN_SIZE];

  if (getrandom(bytes, sizeof bytes, 0) != (gssize)sizeof bytes) {
    bt_fail(error, BUNTIME_ERROR_SETUP, "getrandom", g_strerror(errno), NULL);
    return NULL;
  }
  char *text = g_base64_encode(bytes, sizeof bytes);
  for (char *at = text; *at != '\0'; at++)
    *at = *at == '+' ? '-' : *at == '/' ? '_' : *at == '=' ? '\0' : *at;
  return text;
}

const char *
bt_ui_get_token(const BtUi *self)
{
  return self->token;
}

gboolean
bt_ui_is_token(const BtUi *self, const char *text)
{
  gsize length = strlen(self->token);
  guint differ = 0;

  if (strlen(text) != length)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    differ |= (guchar)self->token[i] ^ (guchar)text[i];
  return differ == 0;
}

/* ---- pages ---- */

static gboolean
is_watched(const BtUi *self)
{
  for (guint i = 0; i < self->pages->len; i++)
    if (bt_page_is_known(g_ptr_array_index(self->pages, i)))
      return TRUE;
  return FALSE;
}

static gboolean
is_running(const BtUi *self)
{
  for (guint i = 0; i < self->runs->len; i++)
    if (!bt_run_is_over(g_ptr_array_index(self->runs, i)))
      return TRUE;
  return FALSE;
}

static gboolean
on_sample(gpointer data)
{
  BtUi *self = data;

  /* While nothing runs, or nobody looks, nothing wakes us. */
  if (!is_watched(self) || !is_running(self)) {
    self->sampling = 0;
    return G_SOURCE_REMOVE;
  }
  self->samples++;
  for (guint i = 0; i < self->runs->len; i++)
    bt_run_sample(g_ptr_array_index(self->runs, i), self->samples % 2 == 0);
  return G_SOURCE_CONTINUE;
}

static void
start_sampling(BtUi *self)
{
  if (self->sampling == 0 && is_watched(self) && is_running(self))
    self->sampling = g_timeout_add(SAMPLE_MS, on_sample, self);
}

void
bt_ui_add_page(BtUi *self, SoupWebsocketConnection *socket, GSocketAddress *remote)
{
  g_ptr_array_add(self->pages, bt_page_new(self, socket, remote));
}

void
bt_ui_hang_up(BtUi *self, GSocketAddress *remote)
{
  self->funcs.hang_up(self->data, remote);
}

void
bt_ui_hold(BtUi *self, GSocketAddress *remote, gboolean held)
{
  self->funcs.hold(self->data, remote, held);
}

void
bt_ui_allow(BtUi *self, GSocketAddress *remote, gsize bytes)
{
  self->funcs.allow(self->data, remote, bytes);
}

static void
free_page(gpointer page)
{
  bt_page_free(page);
}

void
bt_ui_remove_page(BtUi *self, BtPage *page)
{
  /* It may be in the middle of something. */
  if (g_ptr_array_remove(self->pages, page))
    g_idle_add_once(free_page, page);
}

void
bt_ui_page_came(BtUi *self)
{
  start_sampling(self);
}

void
bt_ui_tell_presets(BtUi *self)
{
  g_autoptr(GString) text = bt_page_begin("presets");

  bt_presets_put(self->presets, text, "presets");
  for (guint i = 0; i < self->pages->len; i++) {
    BtPage *page = g_ptr_array_index(self->pages, i);
    if (bt_page_is_known(page))
      bt_page_send(page, g_string_new_len(text->str, (gssize)text->len));
  }
}

static void
put_languages(GString *text)
{
  g_autofree char *python = g_find_program_in_path("python3");
  g_autofree char *bun = g_find_program_in_path("bun");
  g_autofree char *own = g_build_filename(g_get_home_dir(), ".bun", "bin", "bun", NULL);

  bt_put_name(text, "languages");
  g_string_append_c(text, '[');
  if (python != NULL)
    bt_put_string(text, NULL, "python", -1);
  if (bun != NULL || g_file_test(own, G_FILE_TEST_IS_EXECUTABLE))
    bt_put_string(text, NULL, "bun", -1);
  g_string_append_c(text, ']');
}

GString *
bt_ui_hello(BtUi *self)
{
  GString *text = bt_page_begin("hello");

  bt_put_int(text, "version", BT_UI_PROTOCOL);
  bt_put_string(text, "buntime", BT_VERSION, -1);
  bt_messages_put(text);
  bt_presets_put(self->presets, text, "presets");
  bt_put_name(text, "workers");
  g_string_append_c(text, '[');
  for (guint i = 0; i < self->runs->len; i++) {
    bt_put_name(text, NULL);
    g_string_append_c(text, '{');
    bt_run_describe(g_ptr_array_index(self->runs, i), text);
    g_string_append_c(text, '}');
  }
  g_string_append_c(text, ']');
  put_languages(text);
  bt_put_json(text, "start", self->start != NULL ? self->start : "null");
  bt_put_name(text, "limits");
  g_string_append_c(text, '{');
  bt_put_int(text, "code", BT_FIELD_MAX_CODE);
  bt_put_int(text, "text", BT_FIELD_MAX_TEXT);
  bt_put_int(text, "workers", BT_UI_MAX_RUNS);
  g_string_append_c(text, '}');
  return text;
}

/* ---- runs ---- */

static void
on_changed(gpointer data, BtRun *run)
{
  BtUi *self = data;

  for (guint i = 0; i < self->pages->len; i++)
    bt_page_wake(g_ptr_array_index(self->pages, i));
}

GPtrArray *
bt_ui_get_runs(BtUi *self)
{
  return self->runs;
}

void
bt_ui_forget(BtUi *self, BtRun *run)
{
  for (guint i = 0; i < self->pages->len; i++)
    bt_page_forget(g_ptr_array_index(self->pages, i), run->number);
  bt_folder_remove(self->folder, run->number);
  g_ptr_array_remove(self->runs, run);
}

static gboolean
make_room(BtUi *self, GError **error)
{
  for (guint i = 0; i < self->runs->len && self->runs->len >= BT_UI_MAX_RUNS; i++)
    if (bt_run_is_over(g_ptr_array_index(self->runs, i))) {
      bt_ui_forget(self, g_ptr_array_index(self->runs, i));
      i--;
    }
  return self->runs->len < BT_UI_MAX_RUNS ||
         bt_fail(error, BUNTIME_ERROR_BUSY, "run", _("too many workers run"), _("stop some"));
}

char *
bt_ui_write_link(BtUi *self, const char *url, GError **error)
{
  g_autofree char *html = g_markup_printf_escaped(
    "<!doctype html>\n<meta charset=\"utf-8\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
    "<meta http-equiv=\"refresh\" content=\"0;url=%s\">\n<title>buntime</title>\n",
    url);

  /* No run has this number. */
  return bt_folder_write(self->folder, 0, "buntime.html", html, error);
}

gboolean
bt_ui_deny(BtUi *self, BuntimePolicy *policy, GError **error)
{
  return self->funcs.deny(self->data, policy, error);
}

BtRun *
bt_ui_run(BtUi *self, const BtRunRequest *request, BuntimePolicy *policy, BuntimeSandbox *sandbox,
          GError **error)
{
  guint number = self->last_run + 1;

  if (!make_room(self, error) || !bt_ui_deny(self, policy, error))
    return NULL;
  char *file = bt_folder_write(self->folder, number, request->name, request->code, error);
  if (file == NULL)
    return NULL;
  self->last_run = number;
  buntime_sandbox_set_worker(sandbox, strcmp(request->language, "bun") == 0
                                        ? BUNTIME_WORKER_BUN
                                        : BUNTIME_WORKER_PYTHON);
  buntime_sandbox_set_quiet(sandbox, TRUE);
  BtRun *run = bt_run_new(number, request, file, sandbox, on_changed, self);
  g_ptr_array_add(self->runs, run);
  for (guint i = 0; i < self->pages->len; i++)
    bt_page_introduce(g_ptr_array_index(self->pages, i), run);
  start_sampling(self);
  return run;
}

BtRun *
bt_ui_get_run(BtUi *self, const BtNode *message, GError **error)
{
  gint64 number;

  if (!bt_field_number(message, "worker", &number, error))
    return NULL;
  for (guint i = 0; i < self->runs->len; i++) {
    BtRun *run = g_ptr_array_index(self->runs, i);
    if (run->number == number)
      return run;
  }
  g_autofree char *object = g_strdup_printf(_("worker %d"), (int)number);
  bt_fail(error, BUNTIME_ERROR_USAGE, object, _("there is no such worker"), NULL);
  return NULL;
}

/* ---- */

/* Before the first page asks for them. */
static gboolean
on_idle(gpointer data)
{
  BtUi *self = data;

  self->reading = 0;
  bt_presets_put(self->presets, NULL, NULL);
  return G_SOURCE_REMOVE;
}

BtUi *
bt_ui_new(const char *start, const BtUiFuncs *funcs, gpointer data, GError **error)
{
  g_autoptr(BtUi) self = g_new0(BtUi, 1);

  self->presets = bt_presets_new();
  self->reading = g_idle_add(on_idle, self);
  self->pages = g_ptr_array_new();
  self->runs = g_ptr_array_new_with_free_func((GDestroyNotify)bt_run_free);
  self->start = g_strdup(start);
  self->funcs = *funcs;
  self->data = data;
  self->token = make_token(error);
  self->folder = self->token != NULL ? bt_folder_new(error) : NULL;
  return self->folder != NULL ? g_steal_pointer(&self) : NULL;
}

static gboolean
on_patience_over(gpointer data)
{
  *(gboolean *)data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Nothing of a worker outlives us, whatever happens; here it is given time for its end. */
static void
wait_for_workers(void)
{
  gboolean over = FALSE;
  guint patience = g_timeout_add_seconds(PATIENCE_SECONDS, on_patience_over, &over);

  while (!over && bt_run_count_dying() > 0)
    g_main_context_iteration(NULL, TRUE);
  if (!over)
    g_source_remove(patience);
}

void
bt_ui_free(BtUi *self)
{
  g_clear_handle_id(&self->sampling, g_source_remove);
  g_clear_handle_id(&self->reading, g_source_remove);
  while (self->pages->len > 0)
    bt_page_free(g_ptr_array_steal_index_fast(self->pages, 0));
  g_ptr_array_set_size(self->runs, 0);
  wait_for_workers();
  g_clear_pointer(&self->folder, bt_folder_free);
  bt_presets_free(self->presets);
  g_ptr_array_unref(self->pages);
  g_ptr_array_unref(self->runs);
  g_free(self->token);
  g_free(self->start);
  g_free(self);
}
