/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/bt-request.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli/bt-options.h"
#include "lib/buntime.h"

void
bt_request_clear(BtRequest *request)
{
  g_clear_pointer(&request->root, bt_node_free);
  g_free(request->id);
  for (guint i = 0; i < G_N_ELEMENTS(request->fds); i++)
    if (request->fds[i] >= 0)
      close(request->fds[i]);
  *request = BT_REQUEST_INIT;
}

/* ---- errors ---- */

static const char *
code_of(const GError *error)
{
  static const char *const codes[] = {
    [BUNTIME_ERROR_USAGE] = "usage",
    [BUNTIME_ERROR_POLICY] = "policy",
    [BUNTIME_ERROR_SETUP] = "setup",
    [BUNTIME_ERROR_NOT_RUNNABLE] = "not-runnable",
    [BUNTIME_ERROR_NOT_FOUND] = "not-found",
    [BUNTIME_ERROR_ENDED] = "ended",
    [BUNTIME_ERROR_FAILED] = "failed",
    [BUNTIME_ERROR_TIMED_OUT] = "timed-out",
    [BUNTIME_ERROR_BUSY] = "busy",
  };

  if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return "cancelled";
  if (error->domain != BUNTIME_ERROR || (guint)error->code >= G_N_ELEMENTS(codes))
    return "setup";
  return codes[error->code];
}

void
bt_put_error(GString *text, const char *name, const GError *error)
{
  const char *message = error->message, *cure = strchr(message, '\n');

  /* The worker's own words, and mistakes in policies, are as many lines as they are. */
  if (g_error_matches(error, BUNTIME_ERROR, BUNTIME_ERROR_FAILED) ||
      g_error_matches(error, BUNTIME_ERROR, BUNTIME_ERROR_POLICY))
    cure = NULL;
  bt_put_name(text, name);
  g_string_append_c(text, '{');
  bt_put_string(text, "code", code_of(error), -1);
  bt_put_string(text, "message", message, cure != NULL ? cure - message : -1);
  if (cure != NULL)
    bt_put_string(text, "cure", cure + 1, -1);
  g_string_append_c(text, '}');
}

/* words is NULL-terminated. */
static gboolean
fail_unknown(GError **error, const char *word, const char *reason, const char *const *words)
{
  const char *nearest = bt_nearest(word, words);
  g_autofree char *list = g_strjoinv(", ", (char **)words);
  g_autofree char *cure = nearest != NULL ? g_strdup_printf(_("did you mean \"%s\"?"), nearest)
                          : words[0] != NULL ? g_strdup_printf(_("there are: %s"), list)
                                             : g_strdup(_("there are none"));
  return bt_fail(error, BUNTIME_ERROR_USAGE, word, reason, cure);
}

/* ---- parameters ---- */

static gboolean
is_text(const BtNode *node)
{
  return node->kind == BT_NODE_STRING && strlen(node->string) == node->length;
}

static gboolean
is_array_of(const BtNode *node, gboolean (*is_one)(const BtNode *node))
{
  if (node->kind != BT_NODE_ARRAY)
    return FALSE;
  for (guint i = 0; i < node->children->len; i++)
    if (!is_one(g_ptr_array_index(node->children, i)))
      return FALSE;
  return TRUE;
}

static gboolean
is_one_policy(const BtNode *node)
{
  return is_text(node) || node->kind == BT_NODE_OBJECT;
}

static gboolean
is_policy(const BtNode *node)
{
  return is_one_policy(node) || is_array_of(node, is_one_policy);
}

static gboolean
is_id(const BtNode *node)
{
  return ((node->kind == BT_NODE_NUMBER && node->integral) || node->kind == BT_NODE_STRING) &&
         node->size <= BT_SERVE_MAX_ID;
}

/* In the alphabet of RFC 4648, with its padding. */
static gboolean
is_base64(const BtNode *node)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

  if (!is_text(node) || node->length % 4 != 0)
    return FALSE;
  gsize digits = strspn(node->string, alphabet);
  gsize padding = node->length - digits;
  return padding <= 2 && (padding < 1 || node->string[node->length - 1] == '=') &&
         (padding < 2 || node->string[node->length - 2] == '=');
}

/* What it should be; NULL: it is. */
static char *
check_param(const BtParam *param, const BtNode *node)
{
  switch (param->type) {
  case BT_PARAM_TEXT:
    return is_text(node) ? NULL : g_strdup(_("a string without NUL"));
  case BT_PARAM_BYTES:
    return node->kind == BT_NODE_STRING ? NULL : g_strdup(_("a string"));
  case BT_PARAM_BASE64:
    return is_base64(node) ? NULL : g_strdup(_("a string in base64, with its padding"));
  case BT_PARAM_INTEGER:
    if (node->integral && node->number >= param->least && node->number <= param->most)
      return NULL;
    return g_strdup_printf(_("a whole number from %" PRId64 " to %" PRId64),
                           param->least, param->most);
  case BT_PARAM_BOOLEAN:
    return node->kind == BT_NODE_BOOLEAN ? NULL : g_strdup(_("true or false"));
  case BT_PARAM_TEXTS:
    return is_array_of(node, is_text) ? NULL : g_strdup(_("an array of strings without NUL"));
  case BT_PARAM_POLICY:
    return is_policy(node) ? NULL : g_strdup(_("a string, an object, or an array of those"));
  case BT_PARAM_POLICIES:
    return is_array_of(node, is_policy) ? NULL : g_strdup(_("an array of policies"));
  case BT_PARAM_ID:
    return is_id(node) ? NULL : g_strdup(_("a whole number or a short string"));
  }
  return g_strdup("");
}

static const BtParam *
find_param(const BtMethod *method, const char *name)
{
  for (const BtParam *param = method->params; param->name != NULL; param++)
    if (strcmp(param->name, name) == 0)
      return param;
  return NULL;
}

static gboolean
fail_unknown_param(GError **error, const BtMethod *method, const char *name)
{
  const char *names[BT_METHOD_MAX_PARAMS + 1] = { NULL };
  g_autofree char *reason = g_strdup_printf(_("not a parameter of %s"), method->name);

  for (guint i = 0; method->params[i].name != NULL; i++)
    names[i] = method->params[i].name;
  return fail_unknown(error, name, reason, names);
}

static gboolean
fail_missing(GError **error, const BtMethod *method, const BtParam *param)
{
  g_autofree char *object = g_strconcat(method->name, ".", param->name, NULL);
  return bt_fail(error, BUNTIME_ERROR_USAGE, object, _("a parameter that is missing"), NULL);
}

static gboolean
check_params(const BtRequest *self, GError **error)
{
  const BtMethod *method = self->method;

  for (guint i = 0; self->params != NULL && i < self->params->children->len; i++) {
    const BtNode *node = g_ptr_array_index(self->params->children, i);
    const BtParam *param = find_param(method, node->name);
    if (param == NULL)
      return fail_unknown_param(error, method, node->name);
    gboolean left_out = node->kind == BT_NODE_NULL && !param->needed;
    g_autofree char *wanted = left_out ? NULL : check_param(param, node);
    if (wanted == NULL)
      continue;
    g_autofree char *object = g_strconcat(method->name, ".", param->name, NULL);
    g_autofree char *reason = g_strdup_printf(_("not %s"), wanted);
    return bt_fail(error, BUNTIME_ERROR_USAGE, object, reason, NULL);
  }
  for (const BtParam *param = method->params; param->name != NULL; param++)
    if (param->needed && bt_request_node(self, param->name) == NULL)
      return fail_missing(error, method, param);
  return TRUE;
}

/* ---- the line ---- */

static void
fail_unknown_method(GError **error, const char *name)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new();

  for (guint i = 0; i < bt_n_methods; i++)
    g_ptr_array_add(names, (gpointer)bt_methods[i].name);
  g_ptr_array_add(names, NULL);
  fail_unknown(error, name, _("no method of that name"), (const char *const *)names->pdata);
}

static gboolean
find_method(BtRequest *self, const BtNode *name, GError **error)
{
  if (name == NULL || !is_text(name))
    return bt_fail(error, BUNTIME_ERROR_USAGE, "method",
                   name == NULL ? _("a key that is missing") : _("not a string without NUL"), NULL);
  for (guint i = 0; i < bt_n_methods; i++)
    if (strcmp(bt_methods[i].name, name->string) == 0) {
      self->method = &bt_methods[i];
      return TRUE;
    }
  fail_unknown_method(error, name->string);
  return FALSE;
}

static gboolean
check_root(const BtNode *root, GError **error)
{
  static const char *const keys[] = { "id", "method", "params", NULL };

  for (guint i = 0; i < root->children->len; i++) {
    const BtNode *node = g_ptr_array_index(root->children, i);
    if (!g_strv_contains(keys, node->name))
      return fail_unknown(error, node->name, _("not a key of a request"), keys);
  }
  return TRUE;
}

gboolean
bt_request_parse(const char *text, gsize length, BtRequest *self, GError **error)
{
  *self = BT_REQUEST_INIT;
  self->root = bt_node_parse(text, length, error);
  if (self->root == NULL)
    return FALSE;
  if (self->root->kind != BT_NODE_OBJECT)
    return bt_fail(error, BUNTIME_ERROR_USAGE, _("request"), _("not an object"), NULL);
  const BtNode *id = bt_node_get(self->root, "id");
  if (id != NULL && is_id(id))
    self->id = g_strndup(id->text, id->size);
  if (!check_root(self->root, error))
    return FALSE;
  if (self->id == NULL)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "id",
                   id == NULL ? _("a key that is missing")
                              : _("not a whole number or a short string"),
                   NULL);
  if (!find_method(self, bt_node_get(self->root, "method"), error))
    return FALSE;
  self->params = bt_node_get(self->root, "params");
  if (self->params != NULL && self->params->kind != BT_NODE_OBJECT)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "params", _("not an object"), NULL);
  return check_params(self, error);
}

/* ---- for methods ---- */

const BtNode *
bt_request_node(const BtRequest *self, const char *name)
{
  const BtNode *node = self->params != NULL ? bt_node_get(self->params, name) : NULL;
  return node != NULL && node->kind != BT_NODE_NULL ? node : NULL;
}

const char *
bt_request_text(const BtRequest *self, const char *name)
{
  const BtNode *node = bt_request_node(self, name);
  return node != NULL ? node->string : NULL;
}

gboolean
bt_request_boolean(const BtRequest *self, const char *name)
{
  const BtNode *node = bt_request_node(self, name);
  return node != NULL && node->boolean;
}

gint64
bt_request_int(const BtRequest *self, const char *name, gint64 otherwise)
{
  const BtNode *node = bt_request_node(self, name);
  return node != NULL ? node->number : otherwise;
}

GStrv
bt_request_texts(const BtRequest *self, const char *name)
{
  const BtNode *node = bt_request_node(self, name);
  guint count = node != NULL ? node->children->len : 0;
  GStrv texts = g_new0(char *, count + 1);

  for (guint i = 0; i < count; i++)
    texts[i] = g_strdup(((BtNode *)g_ptr_array_index(node->children, i))->string);
  return texts;
}

GBytes *
bt_request_bytes(const BtRequest *self, GError **error)
{
  const BtNode *text = bt_request_node(self, "text"), *base64 = bt_request_node(self, "base64");
  gsize size;

  if ((text == NULL) == (base64 == NULL)) {
    bt_fail(error, BUNTIME_ERROR_USAGE, self->method->name,
            text == NULL ? _("the bytes are missing") : _("the bytes are there twice"),
            _("give one of text and base64"));
    return NULL;
  }
  if (text != NULL)
    return g_bytes_new(text->string, text->length);
  guchar *bytes = g_base64_decode(base64->string, &size);
  return g_bytes_new_take(bytes, size);
}
