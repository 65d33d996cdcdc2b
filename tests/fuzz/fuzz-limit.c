/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of limits: what is taken is written again as the same value. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/bt-policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(gboolean holds)
{
  if (!holds)
    abort();
}

static void
check_value(BtLimit limit, guint64 value)
{
  g_autofree char *word = bt_limit_format(limit, value);
  g_autofree char *larger = bt_suggest_limit(limit, value);
  guint64 again = 0;

  check(value > 0);
  check(bt_limit_parse(limit, word, &again, NULL) && again == value);
  check(larger == NULL || bt_limit_parse(limit, strchr(larger, '=') + 1, &again, NULL));
  check(larger == NULL || again > value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  /* The first byte is the limit; the rest is a word, or the bytes of a number. */
  if (size < 1 || size > 4096)
    return 0;
  BtLimit limit = data[0] % BT_N_LIMITS;
  g_autofree char *word = g_strndup((const char *)data + 1, size - 1);
  g_autoptr(GError) error = NULL;
  guint64 value = 0;
  double number;

  gboolean ok = bt_limit_parse(limit, word, &value, &error);
  check(ok == (error == NULL));
  if (ok)
    check_value(limit, value);
  if (size < 1 + sizeof number)
    return 0;
  memcpy(&number, data + 1, sizeof number);
  if (bt_limit_from_number(limit, number, &value, NULL))
    check_value(limit, value);
  return 0;
}
