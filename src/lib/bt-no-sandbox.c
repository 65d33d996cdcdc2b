/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A run without any isolation: the program is found as it would be for the
 * sandbox, and takes this process's place, with its environment, descriptors
 * and terminal. There is no supervisor then that could limit or explain.
 */
#include "lib/bt-no-sandbox.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "lib/bt-write.h"
#include "policy/bt-event.h"
#include "policy/bt-policy-environ.h"

static void
announce(const char *entry)
{
  g_autofree char *safe = bt_text_neutralise(entry, -1);
  g_autofree char *text =
    g_strdup_printf(_("buntime: %s runs without a sandbox (--no-sandbox): it may do whatever you "
                      "may do\n"),
                    safe);
  (void)!bt_write_quietly(STDERR_FILENO, text, strlen(text));
}

/* All but what is addressed to buntime (transfer container). */
static GPtrArray *
environment_of(const BtPlanRequest *request)
{
  GPtrArray *environment = g_ptr_array_new();

  for (const char *const *entry = request->environment; *entry != NULL; entry++) {
    g_autofree char *name = g_strndup(*entry, strcspn(*entry, "="));
    if (!bt_policy_environ_is_own(name))
      g_ptr_array_add(environment, (char *)*entry);
  }
  g_ptr_array_add(environment, NULL);
  return environment;
}

gboolean
bt_run_without_sandbox(const BtPlanRequest *request, GError **error)
{
  g_autoptr(BtPlan) plan = NULL;
  g_autoptr(GPtrArray) args = g_ptr_array_new();
  g_autoptr(GPtrArray) environment = environment_of(request);
  BtPlanView view;
  gsize size;

  if (bt_policy_wants_namespaces(request->policy))
    return bt_fail(error, BUNTIME_ERROR_POLICY, "--no-sandbox",
                   _("the policy file asks for namespaces"),
                   _("leave one of the two out; \"plugins\": {\"namespaces\": false} in the file "
                     "asks for none"));
  if (strcmp(request->entry, "-") == 0)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "-",
                   _("a program from standard input runs only in a sandbox"),
                   _("give it to its interpreter yourself"));
  plan = bt_plan_compile_bare(request, error);
  if (plan == NULL)
    return FALSE;
  const void *bytes = g_bytes_get_data(plan->bytes, &size);
  if (bt_plan_open(bytes, size, &view) != BT_PLAN_OK)
    return bt_fail(error, BUNTIME_ERROR_SETUP, "plan", _("buntime compiled a plan it cannot read"),
                   _("this is a bug: please report it"));
  for (guint32 i = 0; i < view.header->argv.count; i++)
    g_ptr_array_add(args, (char *)bt_plan_string(&view, view.argv[i]));
  g_ptr_array_add(args, NULL);
  announce(request->entry);
  const char *executable = bt_plan_string(&view, view.header->executable);
  execve(executable, (char **)args->pdata, (char **)environment->pdata);
  return bt_fail(error, BUNTIME_ERROR_NOT_RUNNABLE, executable, g_strerror(errno),
                 _("see whether it is a program and marked executable"));
}
