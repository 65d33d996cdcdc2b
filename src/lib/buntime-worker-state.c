/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A worker as it is, and whether it is read: see buntime-worker.c for what happens to it.
 */
#include "lib/bt-worker-object.h"

static void
set_paused(BuntimeWorker *self, gboolean paused)
{
  if (self->link != NULL)
    bt_link_set_paused(self->link, paused);
  for (int i = 0; i < 2; i++)
    if (self->pipes[i] != NULL)
      bt_pipe_set_paused(self->pipes[i], paused);
}

void
buntime_worker_pause_reading(BuntimeWorker *self)
{
  g_return_if_fail(BUNTIME_IS_WORKER(self));
  set_paused(self, TRUE);
}

void
buntime_worker_resume_reading(BuntimeWorker *self)
{
  g_return_if_fail(BUNTIME_IS_WORKER(self));
  set_paused(self, FALSE);
}

gboolean
buntime_worker_get_ring_usage(BuntimeWorker *self, BuntimeRing ring, guint64 *capacity_out,
                              guint64 *used_out, guint64 *bytes_out)
{
  g_return_val_if_fail(BUNTIME_IS_WORKER(self), FALSE);
  BtRingUsage usage = { 0 };

  if (self->link != NULL)
    bt_link_get_usage(self->link,
                      ring == BUNTIME_RING_TO_WORKER ? BT_SIDE_SUPERVISOR : BT_SIDE_WORKER, &usage);
  if (capacity_out != NULL)
    *capacity_out = usage.capacity;
  if (used_out != NULL)
    *used_out = usage.used;
  if (bytes_out != NULL)
    *bytes_out = usage.bytes;
  return self->link != NULL;
}

char *
buntime_worker_processes_to_json(BuntimeWorker *self)
{
  g_return_val_if_fail(BUNTIME_IS_WORKER(self), NULL);
  return self->backend != NULL && !self->ended ? bt_backend_processes_to_json(self->backend)
                                               : g_strdup("[]");
}

char *
buntime_worker_layers_to_json(BuntimeWorker *self)
{
  g_return_val_if_fail(BUNTIME_IS_WORKER(self), NULL);
  return self->backend != NULL ? bt_backend_layers_to_json(self->backend) : g_strdup("[]");
}

gboolean
buntime_worker_get_exited(BuntimeWorker *self)
{
  g_return_val_if_fail(BUNTIME_IS_WORKER(self), FALSE);
  return self->exited;
}

int
buntime_worker_get_exit_status(BuntimeWorker *self)
{
  g_return_val_if_fail(BUNTIME_IS_WORKER(self), -1);
  return self->status;
}

const GError *
buntime_worker_get_error(BuntimeWorker *self)
{
  g_return_val_if_fail(BUNTIME_IS_WORKER(self), NULL);
  return self->error;
}
