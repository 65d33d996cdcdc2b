/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A stream of characters in UTF-8, of which each part is to be shown when it comes: a part that
 * ends within a character keeps its first bytes for the next one.
 */

#include <glib.h>

G_BEGIN_DECLS

/* The first bytes of a character whose others have not come yet. */
typedef struct {
  guint8 bytes[4];
  gsize count;
} BtRest;

/*
 * What can be shown with this part: whole characters, and what is none in any case. Its size is
 * put into *size; it is in data, or in a new array that *joined is set to.
 */
const guint8 *bt_rest_add(BtRest *rest, const guint8 *data, gsize *size, GByteArray **joined);

G_END_DECLS
