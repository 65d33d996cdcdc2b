/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The launcher: a policy and how programs are run under it.
 */
#include "lib/bt-sandbox-private.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#include "lib/bt-publish.h"
#include "wire/bt-net-msg.h"

BuntimeSandbox *
buntime_sandbox_new(BuntimePolicy *policy)
{
  BuntimeSandbox *self = g_new0(BuntimeSandbox, 1);
  g_atomic_ref_count_init(&self->refs);
  self->policy = policy != NULL ? buntime_policy_ref(policy) : buntime_policy_new();
  self->worker = BT_WORKER_AUTO;
  self->net_mode = BT_PLAN_NET_AUTO;
  self->published = g_ptr_array_new_with_free_func((GDestroyNotify)bt_published_free);
  self->isolated = TRUE;
  self->status_fd = -1;
  return self;
}

BuntimeSandbox *
buntime_sandbox_ref(BuntimeSandbox *self)
{
  g_atomic_ref_count_inc(&self->refs);
  return self;
}

void
buntime_sandbox_unref(BuntimeSandbox *self)
{
  if (self == NULL || !g_atomic_ref_count_dec(&self->refs))
    return;
  buntime_policy_unref(self->policy);
  g_free(self->events);
  g_ptr_array_unref(self->published);
  g_free(self->capture);
  g_free(self);
}

static gpointer
copy_published(gconstpointer published, gpointer data)
{
  return bt_published_copy(published);
}

BuntimeSandbox *
bt_sandbox_snapshot(const BuntimeSandbox *from)
{
  BuntimeSandbox *self = g_memdup2(from, sizeof *from);

  g_atomic_ref_count_init(&self->refs);
  self->policy = buntime_policy_copy(from->policy);
  self->published = g_ptr_array_copy(from->published, copy_published, NULL);
  g_ptr_array_set_free_func(self->published, (GDestroyNotify)bt_published_free);
  self->events = g_strdup(from->events);
  self->capture = g_strdup(from->capture);
  return self;
}

void
buntime_sandbox_set_worker(BuntimeSandbox *self, BuntimeWorkerKind kind)
{
  static const BtWorkerKind kinds[] = {
    [BUNTIME_WORKER_AUTO] = BT_WORKER_AUTO,
    [BUNTIME_WORKER_PYTHON] = BT_WORKER_PYTHON,
    [BUNTIME_WORKER_BUN] = BT_WORKER_BUN,
    [BUNTIME_WORKER_EXEC] = BT_WORKER_EXEC,
  };
  g_return_if_fail(kind < G_N_ELEMENTS(kinds));
  self->worker = kinds[kind];
}

void
buntime_sandbox_set_net_backend(BuntimeSandbox *self, BuntimeNetBackend backend)
{
  static const BtPlanNetMode modes[] = {
    [BUNTIME_NET_AUTO] = BT_PLAN_NET_AUTO,
    [BUNTIME_NET_TAP] = BT_PLAN_NET_TAP,
    [BUNTIME_NET_VETH] = BT_PLAN_NET_VETH,
    [BUNTIME_NET_SLIRP] = BT_PLAN_NET_AUTO,
  };
  g_return_if_fail(backend < G_N_ELEMENTS(modes));
  self->net_mode = modes[backend];
  self->packets_only = backend != BUNTIME_NET_AUTO;
}

gboolean
buntime_sandbox_publish(BuntimeSandbox *self, const char *port, GError **error)
{
  BtPublished *published = bt_published_parse(port != NULL ? port : "", error);

  if (published == NULL)
    return FALSE;
  if (self->published->len < BT_NET_MSG_MAX_PUBLISHED) {
    g_ptr_array_add(self->published, published);
    return TRUE;
  }
  bt_fail(error, BUNTIME_ERROR_USAGE, published->origin.text, _("more than 16 published ports"),
          NULL);
  bt_published_free(published);
  return FALSE;
}

void
buntime_sandbox_set_quiet(BuntimeSandbox *self, gboolean quiet)
{
  self->quiet = quiet;
}

gboolean
buntime_sandbox_set_events(BuntimeSandbox *self, const char *where, GError **error)
{
  if (self->events != NULL && where != NULL && strcmp(self->events, where) != 0)
    return bt_fail(error, BUNTIME_ERROR_USAGE, where, _("the events go to another place already"),
                   _("give one of --events and --audit=FILE"));
  g_free(self->events);
  self->events = g_strdup(where);
  return TRUE;
}

gboolean
buntime_sandbox_set_capture(BuntimeSandbox *self, const char *file, GError **error)
{
  if (self->capture != NULL && file != NULL && strcmp(self->capture, file) != 0)
    return bt_fail(error, BUNTIME_ERROR_USAGE, file, _("packets go to another file already"),
                   _("give --pcap once"));
  g_free(self->capture);
  self->capture = g_strdup(file);
  return TRUE;
}

void
buntime_sandbox_set_isolated(BuntimeSandbox *self, gboolean isolated)
{
  self->isolated = isolated;
}

void
buntime_sandbox_set_status_fd(BuntimeSandbox *self, int fd)
{
  self->status_fd = fd;
  /* The worker must not write our status. */
  fcntl(fd, F_SETFD, FD_CLOEXEC);
}
