/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The notifier: answers the system calls that the worker's notify filter
 * hands over (src/plan/bt-notify-filter.c, bt-map-filter.c): connect, execve,
 * opens with write intent, and files that are mapped executable.
 *
 * Two kinds of answers exist, and the difference is the security property:
 *
 * - connect is never continued.  Between our look and the kernel's, another
 *   thread could change the address or put another socket under the same
 *   number, and a connect to a host's Unix socket that is visible through a
 *   read grant would succeed, whatever is mounted read-only.  So the socket is
 *   taken (pidfd_getfd), the address copied, and the connect carried out here
 *   on what was checked.
 *
 * - execve, open and mmap are answered with EACCES and an event, or continued.  A
 *   continued call gains nothing by a race: mounts and Landlock decide it in
 *   the kernel, as if there were no notifier.  Where a rule warns of files no
 *   open is continued: the opener carries it out (bt-notify-opener.c), so that
 *   what is told is what was opened.
 *
 * A refusal is decided once and answered once; its event is made only if the
 * answer reached the caller.  A failed read of the worker's memory refuses.
 *
 * Where no file is made here (by the opener, or bt-notify-make.c) and no signal sent
 * (bt-notify-signal.c) the listener has no WAIT_KILLABLE_RECV: a blocking connect waits in a
 * notified call, and a signal must be able to interrupt it there (Ctrl-C in
 * Python).  The kernel then withdraws the notification and restarts the call,
 * which finds its connect in progress and goes on waiting.  Else it has: an
 * open that made a file must not be made again.  So only death ends a call there,
 * and what waits long is ended by us (bt_notifier_watch_signals).
 */
#include "lib/bt-notifier-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/bt-inject.h"
#include "lib/bt-process.h"
#include "lib/bt-resolver-door.h"
#include "lib/bt-watch.h"

/* Since 6.6; not in Debian 12's headers. The answer wakes the worker on this CPU. */
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

#define SIGNAL_TICK_MS 100

/* The kernel may know a larger request than our headers. */
#define MAX_REQUEST_SIZE 1024

/* The kernel's lock may be another's when the alarm strikes: an answer lost hangs the caller. */
static gboolean
listener_ioctl(int listener, unsigned long request, void *argument)
{
  int result;
  do
    result = ioctl(listener, request, argument);
  while (result < 0 && errno == EINTR);
  return result == 0;
}

/* It can no longer be used: who is told ends the run. */
static void
lose(BtNotifier *self)
{
  int error = errno;

  if (self->lost != NULL)
    self->lost(self->lost_data, error);
  errno = error;
}

gboolean
bt_call_is_valid(BtNotifier *self, const BtCall *call)
{
  guint64 id = call->id;

  if (listener_ioctl(self->fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id))
    return TRUE;
  if (errno != ENOENT)
    lose(self);
  return FALSE;
}

/* FALSE: the caller is gone. Whatever else there is would leave it waiting for good. */
static gboolean
answer(BtNotifier *self, struct seccomp_notif_resp *response)
{
  if (listener_ioctl(self->fd, SECCOMP_IOCTL_NOTIF_SEND, response))
    return TRUE;
  /* EINPROGRESS: it has one already. */
  if (errno != ENOENT && errno != EINPROGRESS)
    lose(self);
  return FALSE;
}

gboolean
bt_call_continue(BtNotifier *self, const BtCall *call)
{
  struct seccomp_notif_resp response = {
    .id = call->id,
    .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE,
  };
  return answer(self, &response);
}

gboolean
bt_call_return(BtNotifier *self, const BtCall *call, int error)
{
  struct seccomp_notif_resp response = { .id = call->id, .error = -error };
  return answer(self, &response);
}

/*
 * Two calls, as the one that does both cannot be interrupted: it would wait as
 * long as the caller's thread is kept from running. The alarm ends the first.
 * Between them our own copy goes: a program that is written, closed and started
 * must not still be open to be written.
 */
int
bt_call_give(BtNotifier *self, const BtCall *call, int *fd, gboolean close_on_exec)
{
  struct seccomp_notif_addfd copy = {
    .id = call->id,
    .srcfd = (guint32)*fd,
    .newfd_flags = close_on_exec ? O_CLOEXEC : 0,
  };

  bt_alarm_set(&self->alarm);
  int number = ioctl(self->fd, SECCOMP_IOCTL_NOTIF_ADDFD, &copy);
  int error = number < 0 ? errno : 0;
  bt_alarm_unset(&self->alarm);
  if (error == EINTR)
    return error;
  if (error != 0) {
    bt_call_return(self, call, error);
    return error;
  }
  close(*fd);
  *fd = -1;
  struct seccomp_notif_resp response = { .id = call->id, .val = number };
  return answer(self, &response) ? 0 : errno;
}

int
bt_call_replace(BtNotifier *self, const BtCall *call, int fd, int number, gboolean close_on_exec)
{
  struct seccomp_notif_addfd copy = {
    .id = call->id,
    .flags = SECCOMP_ADDFD_FLAG_SETFD,
    .srcfd = (guint32)fd,
    .newfd = (guint32)number,
    .newfd_flags = close_on_exec ? O_CLOEXEC : 0,
  };

  bt_alarm_set(&self->alarm);
  int error = ioctl(self->fd, SECCOMP_IOCTL_NOTIF_ADDFD, &copy) >= 0 ? 0 : errno;
  bt_alarm_unset(&self->alarm);
  return error;
}

/* "host:443 (tcp)" and "[2001:db8::1]:53 (udp)" */
static char *
host_of(const char *flow)
{
  gboolean brackets = flow[0] == '[';
  const char *colon = strrchr(flow, ':');

  if (brackets)
    return g_strndup(flow + 1, strcspn(flow + 1, "]"));
  return g_strndup(flow, colon != NULL ? (gsize)(colon - flow) : strcspn(flow, " "));
}

static BtEvent *
event_of(const BtCall *call, BtKind kind, const BtVerdict *verdict, char *object)
{
  BtEvent *event = bt_event_new((BtEventKind)kind, verdict->action);
  event->object = object;
  bt_event_set_rule(event, verdict->origin);
  bt_process_identify(call->tid, &event->program, &event->pid);
  return event;
}

void
bt_call_deny(BtNotifier *self, const BtCall *call, BtKind kind, const BtVerdict *verdict,
             char *object, char *suggestion, const char *reason)
{
  bt_call_deny_place(self, call, kind, verdict, object, suggestion, FALSE, reason);
}

void
bt_call_deny_place(BtNotifier *self, const BtCall *call, BtKind kind, const BtVerdict *verdict,
                   char *object, char *suggestion, gboolean wider, const char *reason)
{
  /* Whoever it is must be read before the answer lets it go on. */
  g_autoptr(BtEvent) event = event_of(call, kind, verdict, object);
  event->action = BT_ACTION_DENY;
  if (bt_origin_yields_to_flags(verdict->origin))
    event->suggestion = suggestion;
  else
    g_free(suggestion);
  event->wider = wider;
  event->reason = g_strdup(reason);
  if (kind == BT_KIND_NET)
    event->host = host_of(object);
  if (bt_call_return(self, call, EACCES))
    bt_explainer_add(self->explainer, g_steal_pointer(&event));
}

char *
bt_call_suggest(const BtNotifier *self, BtKind kind, const char *path)
{
  return self->flat ? bt_suggest_flat_path(kind, path) : bt_suggest_path(kind, path);
}

BtEvent *
bt_call_event(BtNotifier *self, const BtCall *call, BtKind kind, const BtVerdict *verdict,
              char *object, gboolean observed)
{
  static const BtAudit audits[BT_N_KINDS] = {
    [BT_KIND_NET] = BT_AUDIT_CONNECT, [BT_KIND_UNIX] = BT_AUDIT_CONNECT,
    [BT_KIND_READ] = BT_AUDIT_OPENAT, [BT_KIND_WRITE] = BT_AUDIT_OPENAT,
    [BT_KIND_RUN] = BT_AUDIT_EXECVE,  [BT_KIND_SYS] = BT_AUDIT_OPENAT,
  };

  if (verdict->action != BT_ACTION_WARN && (self->audit & audits[kind]) == 0) {
    g_free(object);
    return NULL;
  }
  BtEvent *event = event_of(call, kind, verdict, object);
  event->observed = observed;
  if (kind == BT_KIND_NET)
    event->host = host_of(object);
  return event;
}

void
bt_call_tell(BtNotifier *self, const BtCall *call, BtKind kind, const BtVerdict *verdict,
             char *object, gboolean observed)
{
  BtEvent *event = bt_call_event(self, call, kind, verdict, object, observed);
  if (event != NULL)
    bt_explainer_add(self->explainer, event);
}

GArray *
bt_notifier_find_devices(pid_t pid, const BtPlanView *plan, int *tmp_out, int *shm_out)
{
  GArray *devices = g_array_new(FALSE, FALSE, sizeof(dev_t));

  /* Without namespaces nothing is: "/" is the host's. */
  if ((plan->header->flags & BT_PLAN_NO_NAMESPACES) != 0)
    return devices;
  int root = bt_process_open_root(pid);
  for (guint32 i = 0; root >= 0 && i <= plan->header->ops.count; i++) {
    const BtPlanOp *op = i > 0 ? &plan->ops[i - 1] : NULL;
    if (op != NULL && op->kind != BT_PLAN_TMPFS)
      continue;
    const char *target = op != NULL ? bt_plan_string(plan, op->target) : "/";
    int fd = bt_process_open_at(root, target);
    struct stat info;
    if (fd < 0)
      continue;
    if (fstat(fd, &info) == 0)
      g_array_append_val(devices, info.st_dev);
    if (strcmp(target, "/tmp") == 0)
      *tmp_out = fd;
    else if (strcmp(target, "/dev/shm") == 0)
      *shm_out = fd;
    else
      close(fd);
  }
  if (root >= 0)
    close(root);
  return devices;
}

gboolean
bt_notifier_owns_device(BtNotifier *self, dev_t device)
{
  for (guint i = 0; i < self->own_devices->len; i++)
    if (g_array_index(self->own_devices, dev_t, i) == device)
      return TRUE;
  return FALSE;
}

/*
 * Where files are made for a caller the kernel leaves a waiting call to us until its caller dies. So
 * those that may wait long are looked after here: Ctrl-C is to end a connect.
 */
static gboolean
on_signal_tick(gpointer data)
{
  BtNotifier *self = data;
  guint waiting = bt_notify_connect_interrupt(self);

  if (self->opener != NULL)
    waiting += bt_opener_interrupt(self->opener);
  if (waiting > 0)
    return G_SOURCE_CONTINUE;
  self->signal_source = 0;
  return G_SOURCE_REMOVE;
}

void
bt_notifier_watch_signals(BtNotifier *self)
{
  if (self->killable && self->signal_source == 0)
    self->signal_source = bt_watch_timeout(SIGNAL_TICK_MS, on_signal_tick, self);
}

static void
dispatch_call(BtNotifier *self, const BtCall *call)
{
  switch (call->number) {
  case SYS_connect:
    bt_alarm_set(&self->alarm);
    bt_notify_connect(self, call);
    bt_alarm_unset(&self->alarm);
    return;
  case SYS_shutdown:
    bt_alarm_set(&self->alarm);
    bt_notify_shutdown(self, call);
    bt_alarm_unset(&self->alarm);
    return;
  case SYS_setsockopt:
    bt_alarm_set(&self->alarm);
    bt_notify_linger(self, call);
    bt_alarm_unset(&self->alarm);
    return;
  case SYS_socket:
    bt_notify_socket(self, call);
    return;
  case SYS_execve:
  case SYS_execveat:
    /* What is known by its thread may be another program's now. */
    g_hash_table_remove_all(self->audited);
    bt_notify_exec(self, call);
    return;
#ifdef SYS_open
  case SYS_open:
  case SYS_creat:
#endif
  case SYS_openat:
    bt_notify_open(self, call);
    return;
  case SYS_mmap:
    bt_notify_map(self, call);
    return;
  case SYS_clone:
#ifdef SYS_fork
  case SYS_fork:
  case SYS_vfork:
#endif
    bt_notify_fork(self, call);
    return;
  case SYS_kill:
  case SYS_tkill:
  case SYS_tgkill:
  case SYS_rt_sigqueueinfo:
  case SYS_rt_tgsigqueueinfo:
  case SYS_pidfd_send_signal:
    bt_notify_signal(self, call);
    return;
  case SYS_setpgid:
    bt_notify_group(self, call);
    return;
  case SYS_ioctl:
    bt_notify_terminal(self, call);
    return;
  case SYS_sysinfo:
    bt_notify_sysinfo(self, call);
    return;
  default:
    if (bt_notify_is_change(call->number))
      bt_notify_change(self, call);
    else
      /* The filter and this switch are of one build; anything else is a mistake. */
      bt_call_return(self, call, ENOSYS);
  }
}

static gboolean
on_notification(int fd, GIOCondition condition, gpointer data)
{
  BtNotifier *self = data;
  union {
    struct seccomp_notif request;
    char bytes[MAX_REQUEST_SIZE];
  } buffer;

  if ((condition & G_IO_IN) == 0) {
    /* Nobody is left who could call. */
    self->source = 0;
    return G_SOURCE_REMOVE;
  }
  memset(&buffer, 0, self->request_size); /* the kernel insists */
  if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &buffer.request) != 0) {
    /* ENOENT: the caller was killed meanwhile. */
    if (errno != ENOENT && errno != EINTR)
      lose(self);
    return G_SOURCE_CONTINUE;
  }

  BtCall call = {
    .id = buffer.request.id,
    .tid = (pid_t)buffer.request.pid,
    .number = buffer.request.data.nr,
  };
  for (int i = 0; i < 6; i++)
    call.args[i] = buffer.request.data.args[i];
  dispatch_call(self, &call);
  return G_SOURCE_CONTINUE;
}

BtNotifier *
bt_notifier_new(int opener, BtMaker *maker, GArray *own_devices, BtPolicy *policy,
                const BtPlanView *plan, BtNames *names, BtNetPeer *peer,
                BtExplainer *explainer)
{
  BtNotifier *self = g_new0(BtNotifier, 1);
  struct seccomp_notif_sizes sizes = { 0 };

  self->fd = -1;
  self->last_thread = BT_LAST_THREAD_INIT;
  self->own_devices = own_devices;
  self->maker = maker;
  /* Pid 1, the worker, and an opener. */
  self->forks.bound = opener >= 0 ? 3 : 2;
  self->policy = policy;
  self->audit = bt_policy_get_audit(policy);
  self->plan = plan;
  self->flat = (plan->header->flags & BT_PLAN_NO_NAMESPACES) != 0;
  self->killable = opener >= 0 || (plan->header->flags & BT_PLAN_KILLABLE) != 0;
  self->init = BT_HELPER_INIT;
  self->names = names;
  self->peer = peer;
  self->explainer = explainer;
  self->waiting = g_hash_table_new(NULL, NULL);
  self->ready_fd = -1;
  self->audited = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  self->alarm_error = bt_alarm_init(&self->alarm) ? 0 : errno;
  syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
  self->request_size = CLAMP(sizes.seccomp_notif, sizeof(struct seccomp_notif), MAX_REQUEST_SIZE);
  if (opener >= 0)
    self->opener = bt_opener_new(self, opener);
  if ((plan->header->flags & BT_PLAN_FAST_PATH) != 0)
    self->inject = bt_inject_new(self);
  bt_notify_connect_start(self);
  return self;
}

void
bt_notifier_set_network(BtNotifier *self, guint64 network)
{
  self->network = network;
}

void
bt_notifier_listen(BtNotifier *self, int listener, const BtHelper *init)
{
  self->fd = listener;
  self->init = *init;
  /* Only a matter of speed: kernels before 6.6 refuse it. */
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
  self->source = bt_watch_fd(listener, G_IO_IN | G_IO_HUP, on_notification, self);
  bt_notify_exec_foresee(self, init->pid);
}

int
bt_notifier_get_alarm_error(const BtNotifier *self)
{
  return self->alarm_error;
}

void
bt_notifier_set_lost_func(BtNotifier *self, BtNotifierLostFunc func, gpointer data)
{
  self->lost = func;
  self->lost_data = data;
}

gboolean
bt_notifier_is_listening(const BtNotifier *self)
{
  return self->fd >= 0;
}

void
bt_notifier_pause(BtNotifier *self)
{
  bt_watch_clear(&self->source);
}

void
bt_notifier_free(BtNotifier *self)
{
  /* Also of what was exchanged the worker may have had a copy, and made it linger. */
  bt_alarm_set(&self->alarm);
  bt_notify_connect_shutdown(self);
  g_clear_pointer(&self->inject, bt_inject_free);
  g_clear_pointer(&self->door, bt_resolver_door_free);
  bt_alarm_clear(&self->alarm);
  bt_last_thread_clear(&self->last_thread);
  bt_watch_clear(&self->source);
  bt_watch_clear(&self->signal_source);
  g_clear_pointer(&self->opener, bt_opener_free);
  g_clear_pointer(&self->maker, bt_maker_free);
  g_hash_table_unref(self->waiting);
  g_hash_table_unref(self->audited);
  g_array_unref(self->own_devices);
  g_free(self->last_exec.written);
  g_free(self->last_exec.path);
  if (self->fd >= 0)
    close(self->fd);
  g_free(self);
}
