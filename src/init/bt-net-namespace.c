/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The network namespace is a third of a millisecond's work for the kernel, more
 * than all other namespaces together.  A thread has it made while init waits for
 * the plan and builds the tree; init then enters it.  The thread touches nothing
 * else and has ended before anything is confined or the worker is cloned.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>

#include "init/bt-init.h"
#include "init/bt-report.h"

#define OBJECT "network namespace"

static void *
make(void *data)
{
  BtNetNamespace *made = data;

  if (unshare(CLONE_NEWNET) == 0)
    made->fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (made->fd < 0)
    made->error = errno;
  return NULL;
}

void
bt_net_namespace_begin(BtInit *init)
{
  BtNetNamespace *made = &init->net_namespace;

  made->fd = -1;
  int error = pthread_create(&made->thread, NULL, make, made);
  if (error != 0)
    bt_fail_with(error, OBJECT);
}

void
bt_net_namespace_enter(BtInit *init)
{
  BtNetNamespace *made = &init->net_namespace;

  int error = pthread_join(made->thread, NULL);
  if (error != 0)
    bt_fail_with(error, OBJECT);
  BT_AUTO_FD fd = made->fd;
  if (fd < 0)
    bt_fail_with(made->error, OBJECT);
  if (setns(fd, CLONE_NEWNET) != 0)
    bt_fail_at(OBJECT);
}
