/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client's line as a request; and any bytes in a line to a client, which come back whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "serve/bt-request.h"

static void
read_back(const uint8_t *data, size_t size)
{
  g_autoptr(GString) line = g_string_new("{");

  bt_put_bytes(line, data, size);
  bt_put_string(line, "string", (const char *)data, (gssize)size);
  g_string_append_c(line, '}');
  if (memchr(line->str, '\n', line->len) != NULL || line->len > 2 * 7 * size + 200)
    abort();
  g_autoptr(BtNode) node = bt_node_parse(line->str, line->len, NULL);
  if (node == NULL)
    abort();
  const BtNode *text = bt_node_get(node, "text"), *base64 = bt_node_get(node, "base64");
  if ((text == NULL) == (base64 == NULL))
    abort();
  gsize length = text != NULL ? text->length : 0;
  g_autofree guchar *bytes = base64 != NULL ? g_base64_decode(base64->string, &length) : NULL;
  if (length != size || memcmp(text != NULL ? text->string : (const char *)bytes, data, size) != 0)
    abort();
}

static void
parse_id(const char *id)
{
  g_autoptr(BtNode) node = bt_node_parse(id, strlen(id), NULL);
  if (node == NULL || strlen(id) > BT_SERVE_MAX_ID || strchr(id, '\n') != NULL)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_auto(BtRequest) request = BT_REQUEST_INIT;
  g_autoptr(GError) error = NULL;

  gboolean ok = bt_request_parse((const char *)data, size, &request, &error);
  if (ok != (error == NULL) || (ok && (request.id == NULL || request.method == NULL)))
    abort();
  if (request.id != NULL)
    parse_id(request.id);
  /* Whatever a method does with its parameters, they have been looked at. */
  for (guint i = 0; ok && request.method->params[i].name != NULL; i++) {
    const BtParam *param = &request.method->params[i];
    const BtNode *node = bt_request_node(&request, param->name);
    if (node == NULL && param->needed)
      abort();
    if (node == NULL)
      continue;
    if (param->type == BT_PARAM_TEXT && strlen(bt_request_text(&request, param->name)) != node->length)
      abort();
    if (param->type == BT_PARAM_TEXTS)
      g_strfreev(bt_request_texts(&request, param->name));
    if (param->type == BT_PARAM_BYTES) {
      GBytes *bytes = bt_request_bytes(&request, NULL);
      g_clear_pointer(&bytes, g_bytes_unref);
    }
  }
  if (error != NULL) {
    g_autoptr(GString) line = g_string_new("{");
    bt_put_error(line, "error", error);
    g_string_append_c(line, '}');
    g_autoptr(BtNode) again = bt_node_parse(line->str, line->len, NULL);
    if (again == NULL)
      abort();
  }
  read_back(data, size);
  return 0;
}
