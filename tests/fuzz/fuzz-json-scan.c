/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scan, and that json-glib reads as many values where the scan passes a text. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>

#include "policy/bt-json.h"

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
  if (!ok)
    return 0;
  g_autoptr(GBytes) variant = bt_json_to_variant((const char *)data, size, &error);
  g_autoptr(BtJsonNode) root =
    variant != NULL ? bt_json_from_variant(variant, places, &error) : NULL;
  if ((root == NULL) == (error == NULL))
    abort();
  return 0;
}
