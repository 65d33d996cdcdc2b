/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/bt-rest.h"

#include <string.h>

/* How many bytes at the end are the beginning of a character. */
static gsize
unfinished(const guint8 *bytes, gsize size)
{
  for (gsize back = 1; back <= 3 && back <= size; back++) {
    guint8 byte = bytes[size - back];
    if ((byte & 0xc0) == 0x80)
      continue;
    gsize length = byte >= 0xf0 && byte < 0xf5 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
    return byte < 0xf5 && length > back ? back : 0;
  }
  return 0;
}

const guint8 *
bt_rest_add(BtRest *self, const guint8 *data, gsize *size, GByteArray **joined)
{
  /* Nothing at all: then there may be no bytes to point to. */
  if (*size == 0)
    return data;
  if (self->count > 0) {
    *joined = g_byte_array_new();
    g_byte_array_append(*joined, self->bytes, (guint)self->count);
    g_byte_array_append(*joined, data, (guint)*size);
    data = (*joined)->data;
    *size = (*joined)->len;
  }
  self->count = unfinished(data, *size);
  *size -= self->count;
  memcpy(self->bytes, data + *size, self->count);
  return data;
}
