/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/buntime-cure.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "plan/bt-plan-compile.h"

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

/* ---- containers ---- */

const char *
bt_container_name(void)
{
  if (access("/.dockerenv", F_OK) == 0)
    return "Docker";
  if (access("/run/.containerenv", F_OK) == 0)
    return "Podman";
  return g_getenv("KUBERNETES_SERVICE_HOST") != NULL ? "Kubernetes" : NULL;
}

static const char *
container_cure(void)
{
  const char *name = bt_container_name();

  if (name == NULL)
    return NULL;
  if (strcmp(name, "Docker") == 0)
    return _("start the container with --security-opt seccomp=unconfined --security-opt "
             "apparmor=unconfined --security-opt systempaths=unconfined");
  if (strcmp(name, "Podman") == 0)
    return _("start the container with --security-opt seccomp=unconfined --security-opt unmask=ALL");
  return _("give the container 'procMount: Unmasked' and a seccompProfile of type Unconfined");
}

/* ---- what is refused ---- */

static const char *
refused_namespace_cure(void)
{
  const char *container = container_cure();

  /* Its engine's filter comes before anything that the kernel itself would say. */
  if (container != NULL && prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER)
    return container;
  /* Ubuntu's restriction lets the namespace be made and takes its capabilities away. */
  if (read_switch("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == '1')
    return _("AppArmor restricts user namespaces here: run 'buntime doctor --print-apparmor | sudo "
             "tee /etc/apparmor.d/buntime' and 'sudo apparmor_parser -r /etc/apparmor.d/buntime'");
  if (read_switch("/proc/sys/kernel/unprivileged_userns_clone") == '0')
    return _("user namespaces are closed to you here: run "
             "'sudo sysctl kernel.unprivileged_userns_clone=1'");
  if (container != NULL)
    return container;
  return _("whatever started this closes user namespaces to it, by seccomp or another security "
           "module: start buntime outside, or allow them there");
}

const char *
bt_namespace_cure(int error)
{
  if (error == EACCES || error == EPERM)
    return refused_namespace_cure();
  if (error == ENOSPC || error == EUSERS)
    return _("a limit on namespaces is reached or 0: run 'sudo sysctl "
             "user.max_user_namespaces=15000', and the same for the other user.max_*_namespaces");
  if (error == ENOMEM || error == EAGAIN)
    return _("free memory or raise the limit on processes (ulimit -u)");
  return NULL;
}

const char *
bt_mount_cure(void)
{
  const char *container = container_cure();

  return container != NULL ? container
                           : _("a Linux of 5.12 or later has them; whatever started this must not "
                               "refuse mounts, by seccomp or another security module");
}

const char *
bt_procfs_cure(void)
{
  const char *container = container_cure();

  return container != NULL ? container
                           : _("something is mounted over a part of /proc, as in a container, and "
                               "then the kernel gives nobody a whole one: unmount it");
}

const char *
bt_landlock_cure(int error)
{
  return bt_plan_landlock_cure(error);
}

const char *
bt_seccomp_cure(int error)
{
  if (error == EBUSY)
    return _("another tool listens to the calls of all that is started here, and there can be one "
             "alone: start buntime outside it");
  if (error == EINVAL || error == ENOSYS)
    return _("use a Linux of 5.19 or later with CONFIG_SECCOMP_FILTER");
  return _("whatever started this refuses it by a filter of its own: allow the call seccomp");
}
