/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What buntime-json could send: a tree of just the places there are, or an error. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>

#include "policy/bt-json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static guint
count(const BtJsonNode *node)
{
  guint n_nodes = 1;
  for (guint i = 0; node->children != NULL && i < node->children->len; i++)
    n_nodes += count(g_ptr_array_index(node->children, i));
  return n_nodes;
}

/* The first byte says how many values the scan counted. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(GArray) places = g_array_new(FALSE, TRUE, sizeof(BtJsonPlace));
  g_autoptr(GError) error = NULL;

  if (size == 0)
    return 0;
  g_array_set_size(places, data[0]);
  g_autoptr(GBytes) bytes = g_bytes_new(data + 1, size - 1);
  g_autoptr(BtJsonNode) root = bt_json_from_variant(bytes, places, &error);
  if ((root == NULL) == (error == NULL) || (root != NULL && count(root) != places->len))
    abort();
  return 0;
}
