/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The network namespace is a third of a millisecond's work for the kernel, more
 * than all other namespaces together, and its lo another 50 us.  A thread has both
 * made, and the ipc namespace, while init waits for the plan and builds the tree;
 * init then enters them.  No plan says anything of these.  The thread touches nothing else and has ended
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
#define IPC_OBJECT "ipc namespace"

/* Not malloc()ed, since init waits for that, too. */
static char stack[128u << 10] __attribute__((aligned(16)));

/* Not by rtnetlink, whose functions do not return where they fail. */
static int
bring_up_lo(void)
{
  struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
  BT_AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  return fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &request);
}

/* The calling thread's new one, by a descriptor; -1: what is called object cannot be had. */
static int
make_one(BtNetNamespace *made, int kind, const char *path, const char *object)
{
  made->object = object;
  if (unshare(kind) != 0)
    return -1;
  if (kind == CLONE_NEWNET && bring_up_lo() != 0) {
    made->object = "lo";
    return -1;
  }
  return open(path, O_RDONLY | O_CLOEXEC);
}

static void *
make(void *data)
{
  BtNetNamespace *made = data;

  made->ipc_fd = make_one(made, CLONE_NEWIPC, "/proc/thread-self/ns/ipc", IPC_OBJECT);
  if (made->ipc_fd >= 0)
    made->fd = make_one(made, CLONE_NEWNET, "/proc/thread-self/ns/net", OBJECT);
  made->error = errno;
  return NULL;
}

void
bt_net_namespace_begin(BtInit *init)
{
  BtNetNamespace *made = &init->net_namespace;
  pthread_attr_t attributes;

  *made = (BtNetNamespace){ .ipc_fd = -1, .fd = -1 };
  int error = pthread_attr_init(&attributes);
  if (error == 0)
    error = pthread_attr_setstack(&attributes, stack, sizeof stack);
  if (error == 0)
    error = pthread_create(&made->thread, &attributes, make, made);
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
  BT_AUTO_FD ipc_fd = made->ipc_fd;
  BT_AUTO_FD fd = made->fd;
  if (ipc_fd < 0 || fd < 0)
    bt_fail_with(made->error, made->object);
  if (setns(ipc_fd, CLONE_NEWIPC) != 0)
    bt_fail_at(IPC_OBJECT);
  if (setns(fd, CLONE_NEWNET) != 0)
    bt_fail_at(OBJECT);
}
