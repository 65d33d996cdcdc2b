/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was decided of one operation, and how it is told.
 */
#include <glib/gi18n-lib.h>

#include "lib/bt-verdict.h"
#include "policy/bt-event.h"
#include "policy/bt-json-writer.h"
#include "policy/bt-policy-format.h"

void
buntime_verdict_free(BuntimeVerdict *self)
{
  if (self == NULL)
    return;
  g_free(self->object);
  g_free(self->origin.source);
  g_free(self->origin.text);
  g_free(self->suggestion);
  g_free(self);
}

BuntimeVerdict *
buntime_verdict_copy(const BuntimeVerdict *from)
{
  BuntimeVerdict *self = g_memdup2(from, sizeof *from);

  self->object = g_strdup(from->object);
  self->origin.source = g_strdup(from->origin.source);
  self->origin.text = g_strdup(from->origin.text);
  self->suggestion = g_strdup(from->suggestion);
  return self;
}

BuntimeAction
buntime_verdict_get_action(const BuntimeVerdict *self)
{
  if (self->action == BT_ACTION_ALLOW)
    return BUNTIME_ACTION_ALLOW;
  return self->action == BT_ACTION_WARN ? BUNTIME_ACTION_WARN : BUNTIME_ACTION_DENY;
}

static const char *const kind_words[BT_N_KINDS] = {
  [BT_KIND_NET] = "net", [BT_KIND_READ] = "read", [BT_KIND_WRITE] = "write", [BT_KIND_RUN] = "run",
  [BT_KIND_ENV] = "env", [BT_KIND_UNIX] = "unix", [BT_KIND_FFI] = "ffi",     [BT_KIND_SYS] = "sys",
};

char *
buntime_verdict_format(const BuntimeVerdict *self)
{
  static const char *const words[] = { [BT_ACTION_ALLOW] = N_("allowed"),
                                       [BT_ACTION_WARN] = N_("allowed with a warning"),
                                       [BT_ACTION_DENY] = N_("denied") };
  g_autofree char *object = bt_text_neutralise(self->object, -1);
  g_autofree char *origin = bt_origin_format(&self->origin);
  g_autofree char *rule = bt_text_neutralise(origin, -1);
  GString *text = g_string_new(NULL);

  g_string_append_printf(text, "%s %s %s\n", g_dgettext(GETTEXT_PACKAGE, words[self->action]),
                         kind_words[self->kind], object);
  g_string_append_printf(text, _("  rule:  %s\n"), rule);
  if (self->suggestion != NULL)
    g_string_append_printf(text, _("  allow: %s\n"), self->suggestion);
  if (self->note != NULL)
    g_string_append_printf(text, _("  note:  %s\n"),
                           g_dgettext(GETTEXT_PACKAGE, self->note));
  return g_string_free(text, FALSE);
}

char *
buntime_verdict_to_json(const BuntimeVerdict *self)
{
  GString *text = g_string_new(NULL);
  BtJsonWriter json = BT_JSON_WRITER_INIT(text, 0);

  bt_json_begin_object(&json, NULL);
  bt_json_put_int(&json, "v", 1);
  bt_json_put_string(&json, "kind", kind_words[self->kind]);
  bt_json_put_string(&json, "action", bt_action_word(self->action));
  bt_json_put_string(&json, "object", self->object);
  bt_origin_put_json(&self->origin, &json);
  bt_json_put_string(&json, "suggestion", self->suggestion);
  bt_json_put_string(&json, "note", self->note);
  bt_json_end(&json);
  g_string_append_c(text, '\n');
  return g_string_free(text, FALSE);
}
