/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-batch.h"

/* Of each kind at once; a piece more may come. */
#define PART (48u << 10)

/* Adds an item with its list, which it takes: "[…". */
static gboolean
put_item(GString *text, const BtRun *run, const char *type, const char *name, guint64 skipped,
         GString *list)
{
  gboolean any = list->len > 1 || skipped > 0;

  if (any) {
    bt_put_name(text, NULL);
    g_string_append_c(text, '{');
    bt_put_string(text, "type", type, -1);
    bt_put_int(text, "worker", run->number);
    bt_put_int(text, "skipped", (gint64)skipped);
    bt_put_name(text, name);
    g_string_append_len(text, list->str, (gssize)list->len);
    g_string_append(text, "]}");
  }
  g_string_free(list, TRUE);
  return any;
}

static gboolean
add_output(GString *text, const BtRun *run, BtView *view)
{
  GString *list = g_string_new("[");
  const char *data;
  guint stream;
  gsize size;
  guint64 skipped = 0;

  while (list->len < PART &&
         bt_scrollback_next(run->output, &view->output, &skipped, &stream, &data, &size)) {
    bt_put_name(list, NULL);
    g_string_append_c(list, '[');
    bt_put_int(list, NULL, stream);
    bt_put_string(list, NULL, data, (gssize)size);
    g_string_append_c(list, ']');
  }
  return put_item(text, run, "output", "chunks", skipped, list);
}

static gboolean
add_items(GString *text, const BtRun *run, const BtScrollback *scrollback, guint64 *cursor,
          const char *name)
{
  GString *list = g_string_new("[");
  const char *data;
  guint tag;
  gsize size;
  guint64 skipped = 0;

  while (list->len < PART &&
         bt_scrollback_next(scrollback, cursor, &skipped, &tag, &data, &size)) {
    bt_put_name(list, NULL);
    g_string_append_len(list, data, (gssize)size);
  }
  return put_item(text, run, name, name, skipped, list);
}

static gboolean
add_samples(GString *text, const BtRun *run, BtView *view)
{
  gboolean any = FALSE;

  for (guint i = 0; i < BT_N_SAMPLES; i++) {
    const BtSample *sample = &run->samples[i];
    if (view->samples[i] == sample->serial)
      continue;
    view->samples[i] = sample->serial;
    bt_put_json(text, NULL, sample->json);
    any = TRUE;
  }
  return any;
}

gboolean
bt_batch_add(GString *text, const BtRun *run, BtView *view)
{
  gboolean any = add_output(text, run, view);

  any = add_items(text, run, run->events, &view->events, "events") || any;
  any = add_items(text, run, run->messages, &view->messages, "messages") || any;
  return add_samples(text, run, view) || any;
}

gboolean
bt_batch_is_drained(const BtRun *run, const BtView *view)
{
  for (guint i = 0; i < BT_N_SAMPLES; i++)
    if (view->samples[i] != run->samples[i].serial)
      return FALSE;
  return view->output == bt_scrollback_get_end(run->output) &&
         view->events == bt_scrollback_get_end(run->events) &&
         view->messages == bt_scrollback_get_end(run->messages);
}
