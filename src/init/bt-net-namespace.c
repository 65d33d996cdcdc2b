/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The network namespace is a third of a millisecond's work for the kernel, more
 * than all other namespaces together, and its lo another 50 us.  A thread has both
 * made while init waits for the plan and builds the tree; init then enters it.
 * No plan says anything of either.  The thread touches nothing else and has ended
 * before anything is confined or the worker is cloned.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "init/bt-init.h"
#include "init/bt-report.h"

#define OBJECT "network namespace"

/* Not by rtnetlink, whose functions do not return where they fail. */
static int
bring_up_lo(void)
{
  struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
  BT_AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  return fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &request);
}

static void *
make(void *data)
{
  BtNetNamespace *made = data;

  if (unshare(CLONE_NEWNET) != 0)
    made->error = errno;
  else if (bring_up_lo() != 0)
    made->error = errno, made->object = "lo";
  else if ((made->fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) < 0)
    made->error = errno;
  return NULL;
}

void
bt_net_namespace_begin(BtInit *init)
{
  BtNetNamespace *made = &init->net_namespace;

  *made = (BtNetNamespace){ .fd = -1, .object = OBJECT };
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
    bt_fail_with(made->error, made->object);
  if (setns(fd, CLONE_NEWNET) != 0)
    bt_fail_at(OBJECT);
}
