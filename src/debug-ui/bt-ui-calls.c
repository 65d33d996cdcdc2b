/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-ui-calls.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "debug-ui/bt-fields.h"
#include "debug-ui/bt-policy-set.h"
#include "debug-ui/bt-user-policies.h"

#define MAX_NAME 64
#define MAX_ARGS 256
#define MAX_KEYS 12

/* A request: what it is, and what becomes the answer. */
typedef struct {
  BtUi *ui;
  BtPage *page;
  const BtNode *message;
  gint64 id;
} Call;

static GString *
begin(const Call *call, const char *type)
{
  GString *text = bt_page_begin(type);

  bt_put_int(text, "id", call->id);
  return text;
}

static gboolean
done(const Call *call)
{
  bt_page_send(call->page, begin(call, "done"));
  return TRUE;
}

/* ---- policies ---- */

static BtPolicySet *
read_set(const Call *call, GError **error)
{
  const BtNode *policies = bt_node_get(call->message, "policies");
  const BtNode *flags = bt_node_get(call->message, "flags");

  if (policies == NULL || flags == NULL) {
    bt_fail(error, BUNTIME_ERROR_USAGE, policies == NULL ? "policies" : "flags",
            _("a key that is missing"), NULL);
    return NULL;
  }
  return bt_policy_set_new(policies, flags, error);
}

/* One that can be used. */
static BtPolicySet *
read_good_set(const Call *call, GError **error)
{
  g_autoptr(BtPolicySet) set = read_set(call, error);

  if (set == NULL || set->problems->len == 0)
    return g_steal_pointer(&set);
  const BtProblem *problem = g_ptr_array_index(set->problems, 0);
  bt_fail(error, BUNTIME_ERROR_POLICY, problem->object, problem->reason, problem->cure);
  return NULL;
}

static gboolean
apply_policy(const Call *call, GError **error)
{
  const BtNode *part = bt_node_get(call->message, "policy");
  g_autoptr(BtPolicySet) set =
    part != NULL ? bt_policy_set_new_for_part(part, error) : read_set(call, error);

  if (set == NULL)
    return FALSE;
  GString *text = begin(call, part != NULL ? "policy-loaded" : "policy-set-loaded");
  bt_policy_set_put(text, set, part == NULL);
  bt_page_send(call->page, text);
  return TRUE;
}

static gboolean
check(const Call *call, GError **error)
{
  static const char *const words[] = {
    [BUNTIME_PERMISSION_NET] = "net",     [BUNTIME_PERMISSION_READ] = "read",
    [BUNTIME_PERMISSION_WRITE] = "write", [BUNTIME_PERMISSION_RUN] = "run",
    [BUNTIME_PERMISSION_ENV] = "env",     [BUNTIME_PERMISSION_UNIX] = "unix",
    [BUNTIME_PERMISSION_FFI] = "ffi",     [BUNTIME_PERMISSION_SYS] = "sys",
  };
  const char *word, *value;
  guint permission = 0;

  if (!bt_field_text(call->message, "permission", BT_FIELD_MAX_TEXT, &word, error) ||
      !bt_field_text(call->message, "value", BT_FIELD_MAX_TEXT, &value, error))
    return FALSE;
  while (permission < G_N_ELEMENTS(words) && strcmp(words[permission], word) != 0)
    permission++;
  if (permission == G_N_ELEMENTS(words))
    return bt_fail(error, BUNTIME_ERROR_USAGE, word, _("no kind of permission"),
                   _("write one of net, read, write, run, env, ffi, sys and unix"));
  g_autoptr(BtPolicySet) set = read_good_set(call, error);
  if (set == NULL || !bt_ui_deny(call->ui, set->policy, error))
    return FALSE;
  g_autoptr(BuntimeVerdict) verdict =
    buntime_policy_check(set->policy, (BuntimePermission)permission, value, error);
  if (verdict == NULL)
    return FALSE;
  g_autofree char *json = buntime_verdict_to_json(verdict);
  GString *text = begin(call, "verdict");
  bt_put_json(text, "verdict", json);
  bt_page_send(call->page, text);
  return TRUE;
}

/* Takes path; NULL: it was not done. */
static gboolean
answer_path(const Call *call, char *path)
{
  g_autofree char *own = path;

  if (own == NULL)
    return FALSE;
  GString *text = begin(call, "done");
  bt_put_string(text, "path", own, -1);
  bt_page_send(call->page, text);
  bt_ui_tell_presets(call->ui);
  return TRUE;
}

static gboolean
save_policy(const Call *call, GError **error)
{
  const char *name, *text;
  gboolean overwrite;

  return bt_field_text(call->message, "name", BT_POLICY_SET_MAX_NAME, &name, error) &&
         bt_field_text(call->message, "text", BT_FIELD_MAX_CODE, &text, error) &&
         bt_field_boolean(call->message, "overwrite", &overwrite, error) &&
         answer_path(call, bt_user_policies_save(name, text, overwrite, error));
}

static gboolean
delete_policy(const Call *call, GError **error)
{
  const char *name;

  return bt_field_text(call->message, "name", BT_POLICY_SET_MAX_NAME, &name, error) &&
         answer_path(call, bt_user_policies_delete(name, error));
}

/* ---- workers ---- */

/* It becomes a file's, and stands in tracebacks. */
static gboolean
check_name(const char *name, GError **error)
{
  gboolean good = name[0] != '\0' && name[0] != '.' && name[0] != '-';

  for (const char *at = name; good && *at != '\0'; at++)
    good = g_ascii_isalnum(*at) || strchr("._-", *at) != NULL;
  return good || bt_fail(error, BUNTIME_ERROR_USAGE, name, _("not a name for a program"),
                         _("letters, digits, '.', '_' and '-' make one"));
}

static gboolean
read_request(const Call *call, BtRunRequest *request, GStrv *args_out, GError **error)
{
  const BtNode *args = bt_node_get(call->message, "args");

  if (!bt_field_text(call->message, "tab", BT_POLICY_SET_MAX_NAME, &request->tab, error) ||
      !bt_field_text(call->message, "name", MAX_NAME, &request->name, error) ||
      !bt_field_text(call->message, "language", MAX_NAME, &request->language, error) ||
      !bt_field_text(call->message, "code", BT_FIELD_MAX_CODE, &request->code, error) ||
      !check_name(request->name, error))
    return FALSE;
  if (strcmp(request->language, "python") != 0 && strcmp(request->language, "bun") != 0)
    return bt_fail(error, BUNTIME_ERROR_USAGE, request->language, _("no language of workers"),
                   _("write python or bun"));
  if (args == NULL)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "args", _("a key that is missing"), NULL);
  return bt_field_texts(args, "args", MAX_ARGS, args_out, error);
}

static gboolean
run(const Call *call, GError **error)
{
  BtRunRequest request = { 0 };
  g_auto(GStrv) args = NULL;

  if (!read_request(call, &request, &args, error))
    return FALSE;
  request.args = (const char *const *)args;
  g_autoptr(BtPolicySet) set = read_good_set(call, error);
  const BtRun *started =
    set != NULL ? bt_ui_run(call->ui, &request, set->policy, set->sandbox, error) : NULL;
  if (started == NULL)
    return FALSE;
  GString *text = begin(call, "done");
  bt_put_int(text, "worker", started->number);
  bt_page_send(call->page, text);
  return TRUE;
}

static gboolean
stop(const Call *call, GError **error)
{
  BtRun *found = bt_ui_get_run(call->ui, call->message, error);
  gboolean force;

  if (found == NULL || !bt_field_boolean(call->message, "force", &force, error))
    return FALSE;
  bt_run_stop(found, force);
  return done(call);
}

static gboolean
forget(const Call *call, GError **error)
{
  BtRun *found = bt_ui_get_run(call->ui, call->message, error);

  if (found == NULL)
    return FALSE;
  bt_ui_forget(call->ui, found);
  return done(call);
}

/* The text for a worker that can be sent one. */
static GBytes *
read_bytes(const Call *call, BtRun **run_out, GError **error)
{
  const char *text;

  *run_out = bt_ui_get_run(call->ui, call->message, error);
  if (*run_out == NULL ||
      !bt_field_text(call->message, "text", BT_FIELD_MAX_TEXT, &text, error))
    return NULL;
  if ((*run_out)->worker == NULL || bt_run_is_over(*run_out)) {
    bt_fail(error, BUNTIME_ERROR_ENDED, (*run_out)->name, _("the worker has ended"), NULL);
    return NULL;
  }
  return g_bytes_new(text, strlen(text));
}

static gboolean
send_message(const Call *call, GError **error)
{
  BtRun *found;
  g_autoptr(GBytes) bytes = read_bytes(call, &found, error);

  return bytes != NULL && buntime_worker_send(found->worker, bytes, error) && done(call);
}

static gboolean
reply(const Call *call, GError **error)
{
  BtRun *found;
  g_autoptr(GBytes) bytes = read_bytes(call, &found, error);
  gboolean failed;
  gint64 request;

  if (bytes == NULL || !bt_field_number(call->message, "request", &request, error) ||
      !bt_field_boolean(call->message, "failed", &failed, error))
    return FALSE;
  if (request > G_MAXUINT32)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "request", _("no request has this number"), NULL);
  gboolean sent = failed ? buntime_worker_reply_error(found->worker, (guint)request,
                                                      bt_node_get(call->message, "text")->string,
                                                      error)
                         : buntime_worker_reply(found->worker, (guint)request, bytes, error);
  return sent && done(call);
}

/* ---- */

static const struct {
  const char *type;
  const char *keys[MAX_KEYS]; /* besides type and id */
  gboolean (*run)(const Call *call, GError **error);
} calls[] = {
  { "run", { "tab", "name", "language", "code", "args", "policies", "flags" }, run },
  { "stop", { "worker", "force" }, stop },
  { "forget", { "worker" }, forget },
  { "send", { "worker", "text" }, send_message },
  { "reply", { "worker", "request", "text", "failed" }, reply },
  { "apply-policy", { "policy", "policies", "flags" }, apply_policy },
  { "check", { "permission", "value", "policies", "flags" }, check },
  { "save-policy", { "name", "text", "overwrite" }, save_policy },
  { "delete-policy", { "name" }, delete_policy },
};

static gboolean
check_keys(const BtNode *message, const char *const *keys, GError **error)
{
  const char *all[MAX_KEYS + 3] = { "type", "id" };

  for (guint i = 0; keys[i] != NULL; i++)
    all[i + 2] = keys[i];
  return bt_fields_check(message, all, error);
}

gboolean
bt_ui_calls_run(BtUi *ui, BtPage *page, const BtNode *message, GError **error)
{
  const char *type = bt_node_get(message, "type")->string;
  Call call = { .ui = ui, .page = page, .message = message };

  for (guint i = 0; i < G_N_ELEMENTS(calls); i++)
    if (strcmp(calls[i].type, type) == 0)
      return check_keys(message, calls[i].keys, error) &&
             bt_field_number(message, "id", &call.id, error) && calls[i].run(&call, error);
  return bt_fail(error, BUNTIME_ERROR_USAGE, type, _("no such request"), NULL);
}
