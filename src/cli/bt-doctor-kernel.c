/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's layers one by one, each used as buntime-init uses it, by a child that has no
 * more rights than a run has. The child ends with errno as its status after it wrote what
 * failed; with 0 after it wrote what is there, if there is anything to say.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/bt-doctor.h"
#include "lib/buntime-cure.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#define NOBODY 65534

typedef struct {
  void (*act)(void);
} Probe;

static void
say(const char *text)
{
  (void)!write(STDOUT_FILENO, text, strlen(text));
}

static G_NORETURN void
fail_with(int error, const char *object)
{
  say(object);
  _exit(error);
}

static G_NORETURN void
fail_at(const char *object)
{
  fail_with(errno, object);
}

/* What root may is no answer to what a worker's supervisor may. */
static void
give_up_root(void)
{
  if (geteuid() != 0)
    return;
  /* Where no other user is mapped, root is an ordinary one outside. */
  if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
      setresuid(NOBODY, NOBODY, NOBODY) != 0)
    return;
  /* Changing users made /proc/self root's, and with it the maps of ids, and cut the tie to doctor. */
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static void
act_unprivileged(gconstpointer data)
{
  const Probe *probe = data;

  give_up_root();
  probe->act();
}

/* The errno that a probe ended with, 0: it went well. */
static int
ask(void (*act)(void), BtFinding *finding_out)
{
  const Probe probe = { act };
  g_autofree char *text = NULL;
  int status = bt_doctor_child(act_unprivileged, &probe, &text);

  if (status == 0) {
    finding_out->value = text[0] != '\0' ? g_steal_pointer(&text) : NULL;
    return 0;
  }
  finding_out->found = BT_FOUND_MISSING;
  if (status > 0 && WIFEXITED(status)) {
    finding_out->reason = g_strdup_printf("%s: %s", text, g_strerror(WEXITSTATUS(status)));
    return WEXITSTATUS(status);
  }
  /* A filter may also kill. */
  finding_out->reason =
    status > 0 ? g_strdup_printf(_("the probe was killed: %s"), g_strsignal(WTERMSIG(status)))
               : g_strdup(_("the probe did not end"));
  return EPERM;
}

/* ---- namespaces ---- */

static void
write_file(const char *path, const char *text)
{
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) < 0)
    fail_at(path);
  close(fd);
}

/* One user namespace, and what else is asked for in it. */
static void
enter_user_namespace(void)
{
  unsigned uid = geteuid(), gid = getegid();
  char map[40];

  if (unshare(CLONE_NEWUSER) != 0)
    fail_at("user namespace");
  write_file("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "%u %u 1\n", uid, uid);
  write_file("/proc/self/uid_map", map);
  snprintf(map, sizeof map, "%u %u 1\n", gid, gid);
  write_file("/proc/self/gid_map", map);
}

#define HOST_NAME "host name"

static void
enter_namespaces(void)
{
  static const struct {
    int kind;
    const char *name;
  } kinds[] = {
    { CLONE_NEWPID, "pid namespace" },     { CLONE_NEWNS, "mount namespace" },
    { CLONE_NEWUTS, "uts namespace" },     { CLONE_NEWIPC, "ipc namespace" },
    { CLONE_NEWNET, "network namespace" }, { CLONE_NEWCGROUP, "cgroup namespace" },
  };

  enter_user_namespace();
  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (unshare(kinds[i].kind) != 0)
      fail_at(kinds[i].name);
  /* Podman's filter lets all of them be made, and refuses this in them. */
  if (sethostname("buntime", strlen("buntime")) != 0)
    fail_at(HOST_NAME);
}

void
bt_probe_namespaces(BtFinding *finding_out)
{
  int error = ask(enter_namespaces, finding_out);

  if (error != 0)
    finding_out->cure = g_strdup(g_str_has_prefix(finding_out->reason, HOST_NAME)
                                   ? bt_call_cure(error)
                                   : bt_namespace_cure(error));
}

/* ---- mounts ---- */

static int
make_file_system(const char *type)
{
  int fd = fsopen(type, FSOPEN_CLOEXEC);
  if (fd < 0 || fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
    fail_at(type);
  int mount_fd =
    fsmount(fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  if (mount_fd < 0)
    fail_at(type);
  close(fd);
  return mount_fd;
}

static void
make_procfs(void)
{
  int status;

  enter_user_namespace();
  if (unshare(CLONE_NEWNS | CLONE_NEWPID) != 0)
    fail_at("namespaces");
  /* It is of the namespace that its maker is in, not of the one for children. */
  pid_t pid = fork();
  if (pid < 0)
    fail_at("fork");
  if (pid == 0) {
    make_file_system("proc");
    _exit(0);
  }
  if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
    fail_with(ECHILD, "proc");
  _exit(WEXITSTATUS(status));
}

void
bt_probe_procfs(BtFinding *finding_out)
{
  int error = ask(make_procfs, finding_out);

  if (error != 0)
    finding_out->cure = g_strdup(bt_procfs_cure(error));
}

static void
make_mounts(void)
{
  struct mount_attr change = { .attr_set = MOUNT_ATTR_RDONLY };

  enter_user_namespace();
  if (unshare(CLONE_NEWNS) != 0)
    fail_at("mount namespace");
  int fd = make_file_system("tmpfs");
  if (mount_setattr(fd, "", AT_EMPTY_PATH, &change, sizeof change) != 0)
    fail_at("mount_setattr");
  if (open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE) < 0)
    fail_at("open_tree");
  if (move_mount(fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0)
    fail_at("move_mount");
}

void
bt_probe_mounts(BtFinding *finding_out)
{
  int error = ask(make_mounts, finding_out);

  if (error != 0)
    finding_out->cure = g_strdup(bt_mount_cure(error));
}

static void
make_overlay(void)
{
  enter_user_namespace();
  if (unshare(CLONE_NEWNS) != 0)
    fail_at("mount namespace");
  if (mount("tmpfs", "/tmp", "tmpfs", 0, NULL) != 0 || mkdir("/tmp/lower", 0700) != 0 ||
      mkdir("/tmp/upper", 0700) != 0 || mkdir("/tmp/work", 0700) != 0 ||
      mkdir("/tmp/all", 0700) != 0)
    fail_at("/tmp");
  if (mount("overlay", "/tmp/all", "overlay", 0,
            "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work,userxattr") != 0)
    fail_at("overlay");
}

void
bt_probe_overlay(BtFinding *finding_out)
{
  int error = ask(make_overlay, finding_out);

  if (error != 0)
    finding_out->cure = g_strdup(error == ENODEV
                                   ? _("load the module overlay: 'sudo modprobe overlay'")
                                   : bt_mount_cure(error));
}

/* ---- Landlock ---- */

static void
enter_landlock(void)
{
  const struct landlock_ruleset_attr ruleset = { .handled_access_fs = LANDLOCK_ACCESS_FS_READ_DIR };
  char text[24];
  long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

  if (abi < 1)
    fail_at("landlock_create_ruleset");
  int fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0);
  if (fd < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_landlock_restrict_self, fd, 0) != 0)
    fail_at("landlock_restrict_self");
  int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0 || errno != EACCES)
    fail_with(EOPNOTSUPP, "landlock");
  snprintf(text, sizeof text, "ABI %ld", abi);
  say(text);
}

void
bt_probe_landlock(BtFinding *finding_out)
{
  int error = ask(enter_landlock, finding_out);

  if (error != 0)
    finding_out->cure = g_strdup(bt_landlock_cure(error));
}

/* ---- seccomp ---- */

#define ANSWER 4711

/* A call by a child of this one's is answered by this one, as a run's supervisor does it. */
static void
answer_call(int listener)
{
  struct seccomp_notif call = { 0 };
  struct pollfd ready = { .fd = listener, .events = POLLIN };
  int status = -1;
  pid_t pid = fork();

  if (pid < 0)
    fail_at("fork");
  if (pid == 0) {
    /* Held by who waits for an answer, it would never be taken for gone. */
    close(listener);
    _exit(syscall(SYS_getppid) == ANSWER ? 0 : 1);
  }
  if (poll(&ready, 1, 10000) != 1 || ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
    fail_at("SECCOMP_IOCTL_NOTIF_RECV");
  struct seccomp_notif_resp answer = { .id = call.id, .val = ANSWER };
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0)
    fail_at("SECCOMP_IOCTL_NOTIF_SEND");
  if (waitpid(pid, &status, 0) != pid || status != 0)
    fail_with(EPROTO, "seccomp");
}

static void
listen_to_calls(void)
{
  struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = { .len = G_N_ELEMENTS(code), .filter = code };

  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    fail_at("no_new_privs");
  long listener =
    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
            SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
  if (listener < 0)
    fail_at("seccomp");
  answer_call((int)listener);
}

void
bt_probe_seccomp(BtFinding *finding_out)
{
  int error = ask(listen_to_calls, finding_out);

  if (error != 0)
    finding_out->cure = g_strdup(bt_seccomp_cure(error));
}
