/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * connect() to a Unix socket.
 *
 * A Unix socket is reached only if its inode lies on the sandbox's own
 * filesystems or --allow-unix names it.  It is found in the worker's root and
 * connected to through the descriptor found, so that no path is looked up
 * twice.  Without namespaces nothing is the sandbox's own: an abstract name
 * would be found among the host's, and no other socket than a local one is made.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bt-connect.h"
#include "lib/bt-process.h"
#include "lib/bt-socket-options.h"

/* The address of the socket behind a descriptor of ours. */
void
bt_sock_addr_set_found(BtSockAddr *address, int found)
{
  *address = (BtSockAddr){ .length = sizeof address->un };
  address->un.sun_family = AF_UNIX;
  snprintf(address->un.sun_path, sizeof address->un.sun_path, "/proc/self/fd/%d", found);
}

/* Connects to the socket behind a descriptor instead of a path. Takes fd. */
static void
connect_to_found(BtNotifier *self, const BtCall *call, int fd, int found)
{
  BtSockAddr address;
  bt_sock_addr_set_found(&address, found);
  bt_connect_carry_out(self, call, fd, &address, found);
}

/* What the layer that was turned off would have made possible. */
static BtVerdict
verdict_of_flat(const BtNotifier *self)
{
  return (BtVerdict){ BT_ACTION_DENY,
                      bt_policy_get_plugin_origin(self->policy, BT_PLUGIN_NAMESPACES) };
}

/* Connecting on the worker's behalf, we would not be held by its Landlock domain. */
static void
deny_abstract(BtNotifier *self, const BtCall *call, const BtSockAddr *address, gsize length)
{
  BtVerdict verdict = verdict_of_flat(self);
  g_autofree char *name = g_strndup(address->un.sun_path + 1, length - 1);

  bt_call_deny(self, call, BT_KIND_UNIX, &verdict, g_strconcat("@", name, NULL), NULL,
               N_("without namespaces abstract sockets are the host's"));
}

/* Takes fd. */
void
bt_connect_unix(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address)
{
  g_auto(BtResolved) object = BT_RESOLVED_INIT;
  char path[sizeof address->un.sun_path + 1] = "";
  gsize length = address->length - MIN(address->length, offsetof(struct sockaddr_un, sun_path));
  struct stat info;

  if (self->flat && address->any.sa_family == AF_UNIX && length > 0 &&
      address->un.sun_path[0] == '\0') {
    close(fd);
    deny_abstract(self, call, address, length);
    return;
  }
  /* Abstract names live in the socket's network namespace, which is to be the sandbox's. */
  if (address->any.sa_family == AF_UNIX && length > 0 && address->un.sun_path[0] == '\0' &&
      bt_socket_get_place(fd, self->network) != BT_SOCKET_INSIDE) {
    bt_connect_refuse_foreign(self, call, fd, address);
    return;
  }
  if (address->any.sa_family != AF_UNIX || length == 0 || address->un.sun_path[0] == '\0') {
    bt_connect_carry_out(self, call, fd, address, -1);
    return;
  }
  memcpy(path, address->un.sun_path, MIN(length, sizeof address->un.sun_path));
  if (!bt_process_resolve(call->tid, AT_FDCWD, path, TRUE, &object) || object.fd < 0 ||
      fstat(object.fd, &info) != 0) {
    bt_call_return(self, call, ENOENT);
    close(fd);
    return;
  }
  if (!S_ISSOCK(info.st_mode)) {
    bt_call_return(self, call, ECONNREFUSED);
    close(fd);
    return;
  }
  if (bt_notifier_owns_device(self, info.st_dev)) {
    const BtVerdict given = { BT_ACTION_ALLOW, NULL };
    bt_call_tell(self, call, BT_KIND_UNIX, &given, g_strdup(object.path), FALSE);
    connect_to_found(self, call, fd, object.fd);
    return;
  }
  BtVerdict verdict = bt_policy_check_unix(self->policy, object.path);
  if (verdict.action == BT_ACTION_DENY) {
    close(fd);
    bt_call_deny(self, call, BT_KIND_UNIX, &verdict, g_strdup(object.path),
                 bt_suggest_path(BT_KIND_UNIX, object.path), NULL);
    return;
  }
  bt_call_tell(self, call, BT_KIND_UNIX, &verdict, g_strdup(object.path), FALSE);
  connect_to_found(self, call, fd, object.fd);
}
