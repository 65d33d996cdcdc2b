/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The supervisor of one run.
 *
 * What it owns: the status socket of buntime-init, the seccomp listener and the
 * peer buntime-net.  How a run goes:
 *
 *   (init was started already and waits, bt-launch.h)
 *   seal the plan → init goes on → (spawn buntime-net, if a network is granted)
 *
 *   init says RELAYS ..... sockets that stand for the host's loopback, if any is granted
 *   init says DIALERS .... sockets to reach the worker's ports by, if any is published
 *   init says LENT ....... a mount of a directory in which a file may be made, if any may
 *   init says NET ........ DNS sockets and frame fd arrive, buntime-net gets them;
 *                          without a grant they are only watched, see bt-net-peer
 *   init says OPENER ..... the socket of the opener, if the plan has one
 *   init says WORKER ..... a pidfd of the worker
 *   the worker LISTENER .. its listener is taken by pidfd_getfd; it waits in
 *                          execve, its first notified call, until we answer
 *   init says EXITED ..... the worker's status; init ends and all under it
 *   init says FAILED ..... a stage went wrong; the run is an error
 *   hang-up .............. init was killed; so is everything under it. Before the
 *                          listener came nothing had been run: an error
 *   the deadline ......... a program is asked to end and, some time later, init is
 *                          killed; what is still set up is killed at once
 *
 *   too much output ...... init is killed; also when the processor time of a
 *                          control group is used up (bt-scope.c)
 *   buntime-net is gone .. while a network is granted: an error, and init is killed
 *   a denial went ........ with the host's object that it lay over: an error, and
 *                          init is killed
 *
 * Whatever of these ends the run, bt_supervisor_end() is called, and from then on
 *
 *   ENDING ............... init is killed, and all in its pid namespace with it; no
 *                          notified call is answered any more
 *   its pidfd says so .... no call is waited for any more; buntime-net may need some time yet
 *   its pidfd, too ....... the others are let go of
 *   DRAINING ............. with a limit of output: what is left of it is passed on
 *   OVER ................. the caller is told
 *
 * WORKER and LISTENER come from two processes and in either order.
 *
 * Without namespaces (init/bt-flat.c) NET never comes, and init needs a moment
 * after the hang-up to end what is below it, so it is waited for before it is
 * killed.
 *
 * Death: init has PDEATHSIG and sees its status socket hang up, buntime-net
 * its control socket.  So when the supervisor is killed, both go, and the
 * kernel ends the pid namespace with everything in it.
 */
#include "lib/bt-supervisor-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/bt-process.h"
#include "lib/bt-socket-options.h"
#include "lib/bt-watch.h"
#include "lib/buntime-cure.h"
#include "wire/bt-status.h"

/* What timeout(1) ends with. */
#define TIMED_OUT 124
/* Longer than init takes to end what is below it (init/bt-flat.c). */
#define FLAT_PATIENCE_MS 6000

/* Messages taken from the status socket in one dispatch. */
#define STATUS_BATCH 16

static gboolean
is_flat(const BtSupervisor *self)
{
  return self->plan.header != NULL && (self->plan.header->flags & BT_PLAN_NO_NAMESPACES) != 0;
}

static void
fail(BtSupervisor *self, const char *object, const char *reason, const char *cure)
{
  if (self->failure == NULL)
    bt_fail(&self->failure, BUNTIME_ERROR_SETUP, object, reason, cure);
  bt_supervisor_end(self);
}

static void
fail_early(BtSupervisor *self)
{
  fail(self, "buntime-init", _("ended before the program was started"),
       _("see the kernel's log; memory may have run out"));
}

/* ---- what init reports ---- */

/* The first that needs a capability of the new ones shows where these are taken away. */
static gboolean
is_of_namespaces(const char *object)
{
  return g_str_has_suffix(object, " namespace") || g_str_has_suffix(object, " namespaces") ||
         strcmp(object, "securebits") == 0 || strcmp(object, "bounding set") == 0;
}

/* The paths of a plan were there when it was made: init finds another object, or none. */
static gboolean
is_of_changed_path(const BtStatus *status)
{
  switch (status->error) {
  case ELOOP:
  case ESTALE:
  case ENOTDIR:
  case ENOENT:
    return status->stage == BT_STAGE_SOURCES || status->stage == BT_STAGE_MOUNTS;
  case EROFS: /* nothing is made in what is the host's */
    return status->stage == BT_STAGE_MOUNTS;
  default:
    return FALSE;
  }
}

/* NULL: nothing is known. */
static const char *
known_cure(const BtStatus *status)
{
  const char *object = status->object;

  /* Wanting at whatever stage. */
  if (status->error == ENOMEM && strstr(object, "filter") != NULL)
    return bt_seccomp_cure(status->error);
  if (status->error == EMFILE || status->error == ENFILE || status->error == ENOBUFS ||
      status->error == ENOMEM)
    return bt_call_cure(status->error);
  if (status->error == ETOOMANYREFS)
    return _("another program of yours keeps descriptors on their way through Unix sockets: end "
             "it, or start it with a lower --open-files");
  if (is_of_changed_path(status))
    return _("the path was changed while buntime started: run it again");
  switch (status->stage) {
  case BT_STAGE_PLAN:
    if (status->error == ESOCKTNOSUPPORT)
      return _("a network socket there would reach past the sandbox: put a pipe between (cat |)");
    return is_of_namespaces(object) ? bt_namespace_cure(status->error) : bt_call_cure(status->error);
  case BT_STAGE_NETWORK:
    if (is_of_namespaces(object))
      return bt_namespace_cure(status->error);
    if (strcmp(object, "lo") == 0 || g_str_has_prefix(object, "DNS socket"))
      return bt_call_cure(status->error);
    /* A relay's address, of which the one of IPv4 is always there. */
    if (object[0] == '[')
      return _("this kernel runs without IPv6: grant 127.0.0.1 instead");
    if (status->error == EACCES && strcmp(object, "/dev/net/tun") == 0)
      return _("let everybody open it, as udev does ('sudo chmod 0666 /dev/net/tun'), or leave "
               "--net out");
    return _("load the modules tun or veth, or use --net=tap or --net=veth to choose");
  case BT_STAGE_SOURCES:
    /* A file's own permissions say EACCES. */
    if (status->error == EPERM || status->error == ENOSYS)
      return bt_call_cure(status->error);
    return _("see whether you may read the path yourself");
  case BT_STAGE_MOUNTS:
  case BT_STAGE_ROOT:
    return strcmp(object, "procfs") == 0 ? bt_procfs_cure(status->error)
                                         : bt_mount_cure(status->error);
  case BT_STAGE_NAMESPACES:
    if (strcmp(object, "procfs") == 0)
      return bt_mount_cure(status->error);
    if (status->error != EACCES && status->error != EPERM && status->error != EROFS)
      return bt_call_cure(status->error);
    return _("mount /proc/sys writable for user namespaces, as every desktop has it");
  case BT_STAGE_FLAT:
    return strcmp(object, "/proc/thread-self/children") == 0
             ? _("without namespaces a kernel before Linux 6.12 must have CONFIG_PROC_CHILDREN")
             : bt_call_cure(status->error);
  case BT_STAGE_LIMITS:
    if (strcmp(object, "RLIMIT_CORE") != 0)
      return bt_call_cure(status->error);
    return _("start buntime where core files may have one byte (ulimit -Hc): only that size keeps "
             "the machine's core handler away");
  case BT_STAGE_LANDLOCK:
    if (status->error == ELOOP)
      return _("the path was changed while buntime started: run it again");
    return bt_landlock_cure(status->error);
  case BT_STAGE_SECCOMP:
    return strstr(object, "filter") != NULL ? bt_seccomp_cure(status->error)
                                            : bt_call_cure(status->error);
  default:
    return bt_call_cure(status->error);
  }
}

/* What usually helps when a stage fails. */
static const char *
stage_cure(const BtStatus *status)
{
  const char *cure = known_cure(status);

  return cure != NULL ? cure : _("'buntime doctor' shows what this machine can enforce");
}

static void
on_failed(BtSupervisor *self, const BtStatus *status)
{
  g_autofree char *object = NULL;

  if (status->stage == BT_STAGE_EXEC) {
    const char *cure = status->error == ENOENT ? _("its interpreter or loader may be missing")
                       : status->error == ENOEXEC
                           ? _("start it through its interpreter, or give it a #! line")
                           : _("see whether it is a program and marked executable");
    bt_fail(&self->failure, BUNTIME_ERROR_NOT_RUNNABLE, status->object,
            g_strerror(status->error), cure);
    bt_supervisor_end(self);
    return;
  }
  object = g_strdup_printf("%s (%s)", status->object, bt_stage_name(status->stage));
  fail(self, object, g_strerror(status->error), stage_cure(status));
}

/* fds: DNS udp, DNS tcp and, with an interface, the frame fd. Takes them. */
static void
on_net(BtSupervisor *self, const BtStatus *status, int *fds, int n_fds)
{
  gboolean network = status->value != BT_PLAN_NET_NONE;

  if (self->net_came || n_fds != (network ? 3 : 2) || network != self->run->plan->network) {
    fail(self, "buntime-init", _("sent other descriptors than agreed"), NULL);
    return;
  }
  self->net_came = TRUE;
  self->net_mode = status->value;
  /* Without it sockets of a third network could not be told apart. */
  self->network = bt_socket_get_network(fds[0]);
  if (self->network == 0) {
    fail(self, "network of the sandbox", g_strerror(errno), bt_call_cure(errno));
    return;
  }
  if (!bt_net_peer_start(self->peer, g_steal_fd(&fds[0]), g_steal_fd(&fds[1]),
                         network ? g_steal_fd(&fds[2]) : -1, &self->failure))
    bt_supervisor_end(self);
}

/* Before NET: buntime-net gets them with all others. Takes them. */
static void
on_sockets(BtSupervisor *self, const BtStatus *status, int *fds, int n_fds)
{
  const BtPlanHeader *plan = self->plan.header;
  gboolean relays = status->kind == BT_STATUS_RELAYS;

  if (self->net_came || n_fds > 2 * (int)(relays ? plan->relays.count : plan->dialers) ||
      !bt_net_peer_take_sockets(self->peer, relays, fds, (guint)n_fds)) {
    fail(self, "buntime-init", _("sent other descriptors than agreed"), NULL);
    return;
  }
  for (int i = 0; i < n_fds; i++)
    fds[i] = -1;
}

static void
tell_started(BtSupervisor *self)
{
  if (self->run->started != NULL)
    self->run->started(self->data);
}

static void
on_lost_listener(gpointer data, int error)
{
  BtSupervisor *self = data;

  if (!self->ended)
    fail(self, "seccomp listener", g_strerror(error), bt_call_cure(error));
}

/* The listener is taken, not sent: init's sendmsg could itself be a notified call. */
static void
take_listener(BtSupervisor *self)
{
  if (self->notifier == NULL || self->listener_number < 0 ||
      bt_notifier_is_listening(self->notifier))
    return;
  int listener =
    (int)syscall(SYS_pidfd_getfd, self->worker_pidfd, self->listener_number, 0);
  if (listener < 0) {
    self->listener_error = errno;
    return;
  }
  bt_notifier_listen(self->notifier, listener, &self->init);
  tell_started(self);
  if (self->run->entry != NULL) {
    BtEvent *event = bt_event_new_state("started");
    event->object = g_strdup(self->run->entry);
    if (is_flat(self))
      event->reason = g_strdup(bt_policy_has_weaker_tier(self->run->policy)
                                 ? "the weaker tier, landlock: without namespaces"
                                 : "without namespaces");
    bt_explainer_add(self->run->explainer, event);
  }
}

/* Who is about to end cannot be taken from, and has said why: its word is behind this one. */
static void
check_listener(BtSupervisor *self)
{
  int error = self->listener_error;

  if (error != 0 && error != ESRCH)
    fail(self, "seccomp listener", g_strerror(error),
         bt_listener_cure(error, is_flat(self)));
}

/* The worker's program runs once its execve was answered; without seccomp nobody asks. */
gboolean
bt_supervisor_has_started(const BtSupervisor *self)
{
  if ((self->plan.header->flags & BT_PLAN_NO_SECCOMP) != 0)
    return self->worker_pidfd >= 0;
  return self->notifier != NULL && bt_notifier_is_listening(self->notifier);
}

const BtHelper *
bt_supervisor_get_init(const BtSupervisor *self)
{
  return &self->init;
}

/* Without one nobody would wake us again: a worker could make us deaf to SIGTERM. */
static gboolean
has_controlling_terminal(void)
{
  int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0)
    close(fd);
  return fd >= 0;
}

/* The tree is whole by now, and the worker still busy with itself: nobody waits for us. */
static void
on_worker(BtSupervisor *self, int pidfd)
{
  self->worker_pidfd = pidfd;
  /* Blocked, and not yet read: to init, a pid 1, they were nothing. */
  if (self->run->foreground)
    sigpending(&self->early);
  if ((self->opener_fd >= 0) != (self->plan.header->opener_filter.count > 0) ||
      (self->maker != NULL && !bt_maker_is_whole(self->maker))) {
    fail(self, "buntime-init", _("sent other descriptors than agreed"), NULL);
    return;
  }
  g_autoptr(GArray) own_devices =
    bt_notifier_find_devices(self->init.pid, &self->plan, &self->tmp_fd, &self->shm_fd);
  if ((self->plan.header->flags & BT_PLAN_NO_SECCOMP) != 0) {
    tell_started(self);
    return;
  }
  self->notifier = bt_notifier_new(g_steal_fd(&self->opener_fd), g_steal_pointer(&self->maker),
                                   g_steal_pointer(&own_devices), self->run->policy, &self->plan,
                                   self->names, self->peer, self->run->explainer);
  int error = bt_notifier_get_alarm_error(self->notifier);
  if (error != 0) {
    fail(self, "timer", g_strerror(error), _("raise the limit on queued signals (ulimit -i)"));
    return;
  }
  bt_notifier_set_lost_func(self->notifier, on_lost_listener, self);
  bt_notifier_set_network(self->notifier, self->network);
  take_listener(self);
}

static void
on_message(BtSupervisor *self, const BtStatus *status, int *fds, int n_fds)
{
  switch ((BtStatusKind)status->kind) {
  case BT_STATUS_FAILED:
    on_failed(self, status);
    break;
  case BT_STATUS_NET:
    on_net(self, status, fds, n_fds);
    break;
  case BT_STATUS_RELAYS:
  case BT_STATUS_DIALERS:
    on_sockets(self, status, fds, n_fds);
    break;
  case BT_STATUS_LENT:
    if (n_fds != 1 || self->maker == NULL || !bt_maker_take(self->maker, status->value, &fds[0]))
      fail(self, "buntime-init", _("sent other descriptors than agreed"), NULL);
    break;
  case BT_STATUS_WORKER:
    if (n_fds == 1 && self->worker_pidfd < 0)
      on_worker(self, g_steal_fd(&fds[0]));
    break;
  case BT_STATUS_OPENER:
    if (n_fds == 1 && self->opener_fd < 0)
      self->opener_fd = g_steal_fd(&fds[0]);
    break;
  case BT_STATUS_LISTENER:
    if (self->listener_number < 0 && status->value <= G_MAXINT)
      self->listener_number = (int)status->value;
    take_listener(self);
    break;
  case BT_STATUS_STOPPED:
    /* The worker stopped itself (Ctrl-Z in a full-screen program): give the
     * terminal back to the shell. Its SIGCONT goes to the whole group. After a
     * Ctrl-Z that stopped us all, this is read when the worker runs again.
     * A host program has more to do than to stop for one of its workers. */
    if (self->run->foreground && self->worker_pidfd >= 0 && bt_process_is_stopped(self->worker_pidfd) &&
        has_controlling_terminal())
      kill(getpid(), SIGSTOP);
    break;
  case BT_STATUS_EXITED:
    /* A signal may have ended it, but it did not run to any end. */
    if (!bt_supervisor_has_started(self) && WIFEXITED((int)status->value)) {
      fail_early(self);
      break;
    }
    self->ended = TRUE;
    self->wait_status = (int)status->value;
    bt_supervisor_tell_cpu_time(self, status->cpu_ms);
    bt_supervisor_end(self);
    break;
  }
}

/* One datagram with its descriptors; FALSE when there is none, or no more will come. */
static gboolean
receive(BtSupervisor *self)
{
  char bytes[sizeof(BtStatus) + 1];
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int) * BT_STATUS_MAX_FDS)];
  } control;
  struct iovec iovec = { .iov_base = bytes, .iov_len = sizeof bytes };
  struct msghdr message = {
    .msg_iov = &iovec,
    .msg_iovlen = 1,
    .msg_control = &control,
    /* Not CMSG_SPACE: the kernel would fill its padding with a descriptor more. */
    .msg_controllen = CMSG_LEN(sizeof(int) * BT_STATUS_MAX_FDS),
  };
  int fds[BT_STATUS_MAX_FDS];
  int n_fds = 0;
  BtStatus status;

  ssize_t got = recvmsg(self->status_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  /* Init has ended without reading all that was sent to it. Its own words come after. */
  if (got < 0 && errno == ECONNRESET)
    got = recvmsg(self->status_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got <= 0)
    return FALSE;
  for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part != NULL;
       part = CMSG_NXTHDR(&message, part))
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
      n_fds = (int)MIN((part->cmsg_len - CMSG_LEN(0)) / sizeof(int), BT_STATUS_MAX_FDS);
      memcpy(fds, CMSG_DATA(part), sizeof(int) * n_fds);
    }
  if (bt_status_parse(bytes, got, &status))
    on_message(self, &status, fds, n_fds);
  for (int i = 0; i < n_fds; i++)
    if (fds[i] >= 0)
      close(fds[i]);
  return TRUE;
}

static gboolean
on_status(int fd, GIOCondition condition, gpointer data)
{
  BtSupervisor *self = data;

  gboolean more = TRUE;

  for (int i = 0; more && i < STATUS_BATCH; i++) {
    more = receive(self);
    if (self->ended || self->failure != NULL)
      return G_SOURCE_CONTINUE;
  }
  if (!more)
    check_listener(self);
  if (more || (condition & (G_IO_HUP | G_IO_ERR)) == 0)
    return G_SOURCE_CONTINUE;
  /* Nothing is left to read: init is gone without a word, so it was killed. */
  self->status_source = 0;
  if (!bt_supervisor_has_started(self)) {
    fail_early(self);
    return G_SOURCE_REMOVE;
  }
  bt_explainer_note(self->run->explainer,
                    _("buntime-init ended, and the program with it: see the kernel's log; memory may "
                      "have run out"));
  self->ended = TRUE;
  self->wait_status = SIGKILL;
  bt_supervisor_end(self);
  return G_SOURCE_REMOVE;
}

/* ---- start ---- */

static void
on_lost_denial(gpointer data, const char *path)
{
  BtSupervisor *self = data;

  if (!self->ended)
    fail(self, path, _("it was replaced or moved on the host, and what denied it went with it"),
         _("deny its directory, in which that may happen, or leave it alone during the run"));
}

static void
on_lost_network(gpointer data, const char *why)
{
  BtSupervisor *self = data;

  if (!self->ended)
    fail(self, "buntime-net", why, _("run it again; if that happens again, please report it"));
}

static gboolean
start(BtSupervisor *self, BtLaunch *launch, GError **error)
{
  gsize size;
  const void *bytes = g_bytes_get_data(self->run->plan->bytes, &size);

  if (bt_plan_open(bytes, size, &self->plan) != BT_PLAN_OK)
    return bt_fail(error, BUNTIME_ERROR_SETUP, "plan", _("buntime compiled a plan it cannot read"),
                   _("this is a bug: please report it"));
  self->maker = bt_maker_new(&self->plan);
  if (!bt_launch_plan(launch, self->run->plan->bytes, error))
    return FALSE;
  self->init = launch->init;
  launch->init = BT_HELPER_INIT;
  self->status_fd = g_steal_fd(&launch->status_fd);
  self->names = bt_names_new(self->run->policy, self->run->explainer);
  gboolean early = self->run->plan->network || self->plan.header->relays.count > 0 ||
                   self->plan.header->dialers > 0;
  self->peer = bt_net_peer_new(self->names, self->run->policy, &self->plan.header->net, early,
                               self->run->published, self->run->explainer, error);
  if (self->peer == NULL)
    return FALSE;
  /* Without it names lead nowhere, and what they led to is not closed again. */
  if (early || (is_flat(self) && bt_policy_grants_net(self->run->policy)))
    bt_net_peer_set_lost_func(self->peer, on_lost_network, self);
  bt_net_peer_set_capture(self->peer, self->run->plan->network ? self->run->capture_fd : -1);
  self->status_source =
    bt_watch_fd(self->status_fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_status, self);
  if (self->run->guard != NULL)
    bt_guard_start(self->run->guard, on_lost_denial, self);
  return bt_supervisor_start_limits(self, error);
}

/* ---- end ---- */

void
bt_supervisor_settle(BtSupervisor *self)
{
  if (self->state == BT_SUPERVISOR_OVER)
    return;
  self->state = BT_SUPERVISOR_OVER;
  self->func(self->data);
}

/*
 * Init is gone or was never there.  The notifier goes after it: what waits for
 * an answer is to be killed in it, and not to go on with ENOSYS.
 */
static void
let_go_of_init(BtSupervisor *self)
{
  bt_watch_clear(&self->init_source);
  bt_watch_clear(&self->patience);
  /* Killed in any case: a signal may end the run while init waits for a dead file server. */
  bt_helper_clear(&self->init);
  g_clear_pointer(&self->notifier, bt_notifier_free);
}

static void
let_go_of_peer(BtSupervisor *self)
{
  bt_watch_clear(&self->peer_source);
  bt_watch_clear(&self->patience);
  if (self->peer != NULL)
    self->counted = bt_net_peer_settle(self->peer, &self->counts);
  g_clear_pointer(&self->peer, bt_net_peer_free);
  g_clear_pointer(&self->names, bt_names_free);
}

static void
all_are_gone(BtSupervisor *self)
{
  let_go_of_peer(self);
  if (bt_supervisor_drain(self))
    bt_supervisor_settle(self);
}

static gboolean
on_peer_gone(int fd, GIOCondition condition, gpointer data)
{
  all_are_gone(data);
  return G_SOURCE_REMOVE;
}

static gboolean
on_peer_patience_over(gpointer data)
{
  BtSupervisor *self = data;

  self->patience = 0;
  bt_net_peer_kill(self->peer);
  return G_SOURCE_REMOVE;
}

/* A packet socket alone takes it some milliseconds, in which this thread has other runs. */
static gboolean
on_init_gone(int fd, GIOCondition condition, gpointer data)
{
  BtSupervisor *self = data;
  int peer = self->peer != NULL ? bt_net_peer_get_pidfd(self->peer) : -1;
  struct pollfd end = { .fd = peer, .events = POLLIN };

  let_go_of_init(self);
  if (peer < 0 || poll(&end, 1, 0) == 1) {
    all_are_gone(self);
    return G_SOURCE_REMOVE;
  }
  self->peer_source = bt_watch_fd(peer, G_IO_IN, on_peer_gone, self);
  self->patience = bt_watch_timeout(BT_NET_PEER_PATIENCE_MS, on_peer_patience_over, self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_patience_over(gpointer data)
{
  BtSupervisor *self = data;

  self->patience = 0;
  bt_helper_kill(&self->init);
  return G_SOURCE_REMOVE;
}

/* What a program says of it is only that the connection was refused. */
static void
tell_of_loopback(BtSupervisor *self)
{
  guint16 port = self->notifier != NULL ? bt_notifier_get_refused_port(self->notifier) : 0;

  if (port == 0 || self->wait_status == 0)
    return;
  g_autofree char *note =
    g_strdup_printf(_("nobody listens at port %u of the program's own loopback; "
                      "--allow-net=localhost:%u grants the one of this machine"),
                    port, port);
  bt_explainer_note(self->run->explainer, note);
}

static void
tell_of_datagrams(BtSupervisor *self)
{
  if (self->wait_status != 0 && self->notifier != NULL &&
      bt_notifier_has_refused_datagrams(self->notifier))
    bt_explainer_note(self->run->explainer, _("without namespaces there is no UDP, which the program "
                                              "asked for, if only to sort addresses"));
}

/*
 * The order is for speed alone, since all of them end: buntime-net has the most
 * to let go of, and does so while init ends and while we tidy up.
 */
static void
begin_end(BtSupervisor *self)
{
  self->started = self->failure == NULL && bt_supervisor_has_started(self);
  self->state = BT_SUPERVISOR_ENDING;
  tell_of_loopback(self);
  tell_of_datagrams(self);
  if (self->started && self->wait_status != 0)
    bt_supervisor_tell_full(self);
  if (self->peer != NULL)
    bt_net_peer_finish(self->peer);
  bt_watch_clear(&self->status_source);
  if (self->status_fd >= 0)
    close(g_steal_fd(&self->status_fd));
  if (self->notifier != NULL)
    bt_notifier_pause(self->notifier);
}

void
bt_supervisor_end(BtSupervisor *self)
{
  if (self->state != BT_SUPERVISOR_RUNNING)
    return;
  begin_end(self);
  if (is_flat(self))
    self->patience = bt_watch_timeout(FLAT_PATIENCE_MS, on_patience_over, self);
  else
    bt_helper_kill(&self->init);
  self->init_source = bt_watch_fd(self->init.pidfd, G_IO_IN, on_init_gone, self);
}

static int
shell_status(int wait_status)
{
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

BtSupervisor *
bt_supervisor_new(const BtRun *run, BtLaunch *launch, BtSupervisorFunc func, gpointer data,
                  GError **error)
{
  BtSupervisor *self = g_new0(BtSupervisor, 1);

  self->run = run;
  self->func = func;
  self->data = data;
  self->init = BT_HELPER_INIT;
  self->status_fd = self->worker_pidfd = self->opener_fd = -1;
  self->tmp_fd = self->shm_fd = -1;
  self->listener_number = -1;
  self->limit = -1;
  if (start(self, launch, &self->failure))
    return self;
  bt_supervisor_free(self, NULL, error);
  return NULL;
}

gboolean
bt_supervisor_free(BtSupervisor *self, BtOutcome *outcome_out, GError **error)
{
  if (self->state == BT_SUPERVISOR_RUNNING) {
    begin_end(self);
    if (is_flat(self))
      bt_helper_await(&self->init, FLAT_PATIENCE_MS);
  }
  let_go_of_init(self);
  let_go_of_peer(self);
  g_clear_pointer(&self->deadline, bt_deadline_free);
  if (self->worker_pidfd >= 0)
    close(self->worker_pidfd);
  if (self->opener_fd >= 0)
    close(self->opener_fd);
  if (self->tmp_fd >= 0)
    close(self->tmp_fd);
  if (self->shm_fd >= 0)
    close(self->shm_fd);
  g_clear_pointer(&self->maker, bt_maker_free);
  gboolean ok = self->failure == NULL;
  if (ok && outcome_out != NULL)
    *outcome_out = (BtOutcome){
      .started = self->started,
      .exit_status =
        self->limit == BT_LIMIT_WALL_TIME ? TIMED_OUT : shell_status(self->wait_status),
      .limit = self->limit,
      .counted = self->counted,
      .counts = self->counts,
    };
  else if (!ok)
    g_propagate_error(error, self->failure);
  g_free(self);
  return ok;
}
