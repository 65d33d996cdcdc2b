/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scan, and that json-glib reads as many values where the scan passes a text. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>

#include "policy/bt-json.h"

/* json-glib reads as many values as the scan saw. */
static void
read_back(const char *text, gsize length, GArray *places)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) variant = bt_json_to_variant(text, length, &error);
  g_autoptr(BtJsonNode) root =
    variant != NULL ? bt_json_from_variant(variant, places, &error) : NULL;

  if ((root == NULL) == (error == NULL))
    abort();
}

/* A text without its faults is one that the strict scan takes, with the same places. */
static void
scan_all(const char *text, gsize length, gboolean strict)
{
  g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(BtJsonPlace));
  g_autoptr(GArray) again = g_array_new(FALSE, FALSE, sizeof(BtJsonPlace));
  g_autoptr(GPtrArray) faults = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) error = NULL;
  g_autofree char *mended = NULL;

  gboolean ok = bt_json_scan_all(text, length, places, faults, &mended, &error);
  if (ok != (error == NULL) || (mended != NULL) != (faults->len > 0) ||
      faults->len > BT_JSON_MAX_FAULTS || (ok && strict != (faults->len == 0)))
    abort();
  if (!ok || mended == NULL)
    return;
  if (!bt_json_scan(mended, length, again, NULL) || again->len != places->len)
    abort();
  read_back(mended, length, places);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(BtJsonPlace));
  g_autoptr(GError) error = NULL;

  gboolean ok = bt_json_scan((const char *)data, size, places, &error);
  if (ok != (error == NULL) || (ok && places->len == 0))
    abort();
  for (guint i = 1; i < places->len; i++) {
    const BtJsonPosition *a = &g_array_index(places, BtJsonPlace, i - 1).value;
    const BtJsonPosition *b = &g_array_index(places, BtJsonPlace, i).value;
    if (b->line < a->line || (b->line == a->line && b->column <= a->column))
      abort();
  }
  if (ok)
    read_back((const char *)data, size, places);
  scan_all((const char *)data, size, ok);
  return 0;
}
