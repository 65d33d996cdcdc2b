/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits that the kernel holds by itself, and tells only the program that it struck.
 *
 * Where the policy limits processes and no control group holds that, new processes
 * and threads are notified, and where it limits open files, opens to write are
 * looked at, which are notified anyway.  If there are then as many as there may be,
 * the call is about to fail, and an event says so: observed, since the call goes
 * on, and what is counted may change before it does.
 *
 * To count costs more than to continue, so processes are counted only when so many
 * were made since the last time that the limit could be reached, and for a small part
 * of the time: some that are refused soon after others are not told.
 */
#include "lib/bt-notifier-private.h"

#include <dirent.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bt-process.h"

/* For how long nothing is counted, in times that counting took. */
#define REST 20

/* Of the plan; 0: none. */
static guint64
rlimit_of(const BtPlanView *plan, guint resource)
{
  for (guint32 i = 0; i < plan->header->limits.count; i++)
    if (plan->limits[i].resource == resource)
      return plan->limits[i].soft;
  return 0;
}

static gboolean
is_number(const char *name)
{
  return name[0] >= '1' && name[0] <= '9';
}

/* Entries of a folder of procfs that are numbers, each for what weigh() says; not past bound. */
static guint64
count_entries(const char *path, guint64 bound, guint64 (*weigh)(int folder, const char *name))
{
  DIR *folder = opendir(path);
  const struct dirent *entry;
  guint64 count = 0;

  if (folder == NULL)
    return 0;
  while (count < bound && (entry = readdir(folder)) != NULL)
    if (is_number(entry->d_name) || strcmp(entry->d_name, "0") == 0)
      count += weigh != NULL ? weigh(dirfd(folder), entry->d_name) : 1;
  closedir(folder);
  return count;
}

/* Each of its threads is one; of one that has ended nobody has taken notice yet. */
static guint64
n_threads(int proc, const char *name)
{
  char path[NAME_MAX + sizeof "/task"];
  struct stat info;

  snprintf(path, sizeof path, "%s/task", name);
  return fstatat(proc, path, &info, 0) == 0 && info.st_nlink > 2 ? info.st_nlink - 2 : 1;
}

static void
tell(BtNotifier *self, const BtCall *call, BtLimit limit, const char *reason)
{
  BtEvent *event = bt_event_new_limit(self->policy, limit, reason);

  event->observed = TRUE;
  bt_process_identify(call->tid, &event->program, &event->pid);
  bt_explainer_add(self->explainer, event);
}

void
bt_notify_fork(BtNotifier *self, const BtCall *call)
{
  BtForks *forks = &self->forks;
  guint64 limit = rlimit_of(self->plan, RLIMIT_NPROC);

  forks->bound++;
  gint64 now = limit > 0 && forks->bound > limit ? g_get_monotonic_time() : 0;
  if (now > forks->rest_until) {
    char path[64];
    /* That of the sandbox's own pid namespace, which nobody in it can put another over. */
    snprintf(path, sizeof path, "/proc/%d/root/proc", call->tid);
    forks->bound = count_entries(path, limit, n_threads) + 1;
    forks->rest_until = now + REST * (g_get_monotonic_time() - now);
    if (forks->bound > limit)
      tell(self, call, BT_LIMIT_PIDS, N_("there are as many as there may be"));
  }
  bt_call_continue(self, call);
}

void
bt_notify_count_files(BtNotifier *self, const BtCall *call)
{
  guint64 limit = rlimit_of(self->plan, RLIMIT_NOFILE), own;
  char path[64];
  struct stat info;

  if (limit == 0 || !bt_policy_get_limit(self->policy, BT_LIMIT_OPEN_FILES, &own, NULL))
    return;
  /* The lowest free number is taken: as long as the last is free, there is one. */
  snprintf(path, sizeof path, "/proc/%d/fd/%" G_GUINT64_FORMAT, call->tid, limit - 1);
  if (lstat(path, &info) != 0)
    return;
  snprintf(path, sizeof path, "/proc/%d/fd", call->tid);
  if (count_entries(path, limit, NULL) >= limit)
    tell(self, call, BT_LIMIT_OPEN_FILES, N_("as many are open as may be"));
}
