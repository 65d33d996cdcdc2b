/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/buntime-cure.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
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

gboolean
bt_is_in_flatpak(void)
{
  return access("/.flatpak-info", F_OK) == 0;
}

static const char *
find_container(void)
{
  if (access("/.dockerenv", F_OK) == 0)
    return "Docker";
  if (access("/run/.containerenv", F_OK) == 0)
    return "Podman";
  return g_getenv("KUBERNETES_SERVICE_HOST") != NULL ? "Kubernetes" : NULL;
}

/* Asked while an errno is being told: which of the two is evaluated first, no compiler promises. */
const char *
bt_container_name(void)
{
  int number = errno;
  const char *name = find_container();

  errno = number;
  return name;
}

static const char *
container_cure(void)
{
  const char *name = bt_container_name();

  if (name == NULL)
    return NULL;
  if (strcmp(name, "Docker") == 0)
    return _("start the container with --security-opt seccomp=FILE --security-opt "
             "apparmor=unconfined --security-opt systempaths=unconfined, where FILE is buntime's "
             "containers/seccomp.json");
  if (strcmp(name, "Podman") == 0)
    return _("start the container with --security-opt seccomp=FILE --security-opt unmask=ALL, "
             "where FILE is buntime's containers/seccomp.json");
  return _("give the pod 'hostUsers: false', and the container 'procMount: Unmasked' and a "
           "seccompProfile of type Localhost with buntime's containers/seccomp.json");
}

/* ---- the weaker tier ---- */

/* A filter asks for the call's number alone; the kernel looks at the descriptor first. */
static gboolean
is_taking_refused(void)
{
  return syscall(SYS_pidfd_getfd, -1, 0, 0) < 0 && errno != EBADF;
}

/* Yama's first level at which the listener cannot be taken; who made a namespace has all capabilities in it. */
#define YAMA_FORBIDS '3'
#define YAMA_FORBIDS_TIER '2'

static char
ptrace_scope(void)
{
  return read_switch("/proc/sys/kernel/yama/ptrace_scope");
}

/* NULL: nothing that is known would let it run here. */
static char *
add_tier(const char *cure)
{
  if (!bt_plan_landlock_suffices() || ptrace_scope() >= YAMA_FORBIDS_TIER)
    return NULL;
  if (!is_taking_refused())
    return g_strdup_printf(_("%s; or hold programs by Landlock alone, which is weaker: --tier=landlock"),
                           cure);
  if (find_container() == NULL)
    return NULL;
  return g_strdup_printf(_("%s; or hold programs by Landlock alone, which is weaker: --tier=landlock, "
                           "with SYS_PTRACE added to the container's capabilities "
                           "(--cap-add=SYS_PTRACE)"),
                         cure);
}

/* What helps, and what there is without it. Leaves errno alone, as bt_container_name() does. */
static const char *
or_tier(const char *cure)
{
  int number = errno;
  g_autofree char *both = cure != NULL ? add_tier(cure) : NULL;

  errno = number;
  return both != NULL ? g_intern_string(both) : cure;
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

static const char *
namespace_cure(int error)
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
bt_namespace_cure(int error)
{
  return or_tier(namespace_cure(error));
}

/* Only these mean that somebody forbids it: all others are the kernel's, or of what is mounted. */
static gboolean
is_refusal(int error)
{
  return error == EPERM || error == EACCES;
}

static const char *
refused_mount_cure(const char *elsewhere)
{
  const char *container = container_cure();

  return or_tier(container != NULL ? container : elsewhere);
}

const char *
bt_mount_cure(int error)
{
  if (is_refusal(error))
    return refused_mount_cure(_("whatever started this must not refuse mounts, by seccomp or another "
                                "security module"));
  if (error == ENODEV)
    return or_tier(_("use a Linux that has the file systems tmpfs, proc and devpts"));
  if (error == ENOSPC)
    return _("a limit on mounts is reached: run 'sudo sysctl fs.mount-max=100000', or grant "
             "directories instead of what is in them");
  return or_tier(bt_call_cure(error));
}

const char *
bt_procfs_cure(int error)
{
  return is_refusal(error)
           ? refused_mount_cure(_("something is mounted over a part of /proc, as in a container, and "
                                  "then the kernel gives nobody a whole one: unmount it"))
           : bt_mount_cure(error);
}

const char *
bt_landlock_cure(int error)
{
  return bt_plan_landlock_cure(error);
}

const char *
bt_seccomp_cure(int error)
{
  /* All filters of a process together have a length, too. */
  if (error == ENOMEM)
    return _("too many sandboxes lie around what is started here already: start buntime outside "
             "them");
  if (error == EBUSY)
    return _("another tool listens to the calls of all that is started here, and there can be one "
             "alone: start buntime outside it");
  if (error == EINVAL || error == ENOSYS)
    return _("use a Linux of 5.19 or later with CONFIG_SECCOMP_FILTER");
  return _("whatever started this refuses it by a filter of its own: allow the call seccomp");
}

const char *
bt_call_cure(int error)
{
  const char *container = is_refusal(error) ? container_cure() : NULL;

  if (container != NULL && prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER)
    return or_tier(container);
  switch (error) {
  case EMFILE:
  case ENFILE:
    return _("raise the number of open files (ulimit -n, --open-files), or grant directories "
             "instead of what is in them");
  case ENOMEM:
  case ENOBUFS:
  case EAGAIN:
    return _("free memory or raise the limit on processes (ulimit -u)");
  case EPERM:
  case EACCES:
  case ENOSYS:
  case EINVAL:
  case EOPNOTSUPP:
  case EAFNOSUPPORT:
    return _("use a Linux of 5.19 or later; whatever started this must not refuse the call, by "
             "seccomp or another security module");
  default:
    return NULL;
  }
}

/* Engines refuse it where they allow all else that --tier=landlock needs. */
static const char *
refused_taking_cure(void)
{
  const char *name = bt_container_name();

  if (name == NULL)
    return _("whatever started this refuses it by a filter: allow the call pidfd_getfd");
  return strcmp(name, "Kubernetes") == 0
           ? _("the container's seccomp profile refuses the call pidfd_getfd: add SYS_PTRACE to its "
               "capabilities, or give it a profile that allows the call")
           : _("the container's seccomp profile refuses the call pidfd_getfd: start the container with "
               "--cap-add=SYS_PTRACE, or a profile that allows the call");
}

const char *
bt_listener_cure(int error, gboolean tier)
{
  if ((error == EPERM || error == ENOSYS) && is_taking_refused())
    return refused_taking_cure();
  if (error != EPERM || ptrace_scope() < (tier ? YAMA_FORBIDS_TIER : YAMA_FORBIDS))
    return bt_call_cure(error);
  return tier
           ? _("let ptrace reach your own processes (kernel.yama.ptrace_scope below 2)")
           : _("let ptrace reach your own processes (kernel.yama.ptrace_scope below 3)");
}
