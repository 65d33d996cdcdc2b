/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/buntime-cure.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

/* The first character of a sysctl; '\0': there is none. */
static char
read_switch(const char *path)
{
  char value = '\0';
  int fd = open(path, O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    return '\0';
  if (read(fd, &value, 1) != 1)
    value = '\0';
  close(fd);
  return value;
}

const char *
bt_namespace_cure(int error)
{
  gboolean refused = error == EACCES || error == EPERM;

  /* Ubuntu's restriction lets the namespace be made and takes its capabilities away. */
  if (refused && read_switch("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == '1')
    return _("AppArmor restricts user namespaces here: run 'buntime doctor --print-apparmor | sudo "
             "tee /etc/apparmor.d/buntime' and 'sudo apparmor_parser -r /etc/apparmor.d/buntime'");
  if (error == ENOSPC || error == EUSERS)
    return _("a limit on namespaces is reached or 0: run 'sudo sysctl "
             "user.max_user_namespaces=15000', and the same for the other user.max_*_namespaces");
  if (refused)
    return _("user namespaces are closed to you here: run "
             "'sudo sysctl kernel.unprivileged_userns_clone=1', or, in a container, allow them");
  if (error == ENOMEM || error == EAGAIN)
    return _("free memory or raise the limit on processes (ulimit -u)");
  return NULL;
}
