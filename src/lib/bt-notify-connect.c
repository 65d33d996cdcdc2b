/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * connect(), decided and carried out on the socket itself.
 *
 * The socket is taken by pidfd_getfd and asked for its family, the address is
 * copied once, and the connect is made here with that copy.  It happens in
 * the network namespace the socket was made in, the sandbox's, so an INET
 * connect carried out here goes through the gate as any other; what we add is
 * EACCES at once and the event.
 *
 * Waiting: the main loop must not, so a blocking socket is made non-blocking
 * for the moment of the call.  Nobody can tell, since it is not connected yet:
 *
 *   connect() = 0 or an error ........ answered
 *   EINPROGRESS, worker's non-blocking  answered
 *   EINPROGRESS or EALREADY, blocking   kept in `waiting` until POLLOUT, then
 *                                       connect() again, whose result the
 *                                       kernel makes the final one
 *   EAGAIN on a Unix socket, blocking   its listener's queue is full; there is
 *                                       nothing to poll, so a thread waits
 *
 * A waiting caller that is interrupted or killed invalidates its call; the
 * kept socket is then closed at the next connect or when it becomes ready.
 *
 * Where it may lead is decided by family: bt-notify-inet.c, or without namespaces
 * bt-notify-flat.c, and bt-notify-unix.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bt-connect.h"
#include "lib/bt-inject.h"
#include "lib/bt-process.h"
#include "lib/bt-socket-options.h"
#include "lib/bt-watch.h"

/* Callers that wait at once; each keeps a descriptor of ours. */
#define MAX_WAITING 512
/* Of these, those for which another is kept as well: the supervisor may have 1024. */
#define MAX_ORIGINALS 128
/* Until a thread that did not get to run may take what was made for it. */
#define RETRY_MS 5
#define MAX_THREADS 4
/* Those that wait for a thread; each keeps three. */
#define MAX_UNPROCESSED 64

void
bt_waiting_connect_free(BtWaitingConnect *waiting)
{
  bt_watch_clear(&waiting->source);
  /* Closing it takes nothing out: the socket is the worker's, too. */
  if (waiting->watched)
    epoll_ctl(waiting->notifier->ready_fd, EPOLL_CTL_DEL, waiting->fd, NULL);
  if (waiting->fd >= 0)
    close(waiting->fd);
  if (waiting->original >= 0)
    close(waiting->original);
  g_free(waiting);
}

static void
waiting_end(BtWaitingConnect *waiting)
{
  g_hash_table_remove(waiting->notifier->waiting, waiting);
  bt_waiting_connect_free(waiting);
}

/* Drops the sockets of callers that were interrupted or killed. */
static void
drop_invalid(BtNotifier *self)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init(&iter, self->waiting);
  while (g_hash_table_iter_next(&iter, &key, NULL)) {
    BtWaitingConnect *waiting = key;
    if (bt_call_is_valid(self, &waiting->call))
      continue;
    g_hash_table_iter_remove(&iter);
    bt_waiting_connect_free(waiting);
  }
}

/*
 * connect() that never waits; 0 or an errno. *blocking_out: the worker's socket
 * would have. The alarm ends it where the worker took O_NONBLOCK away again.
 */
int
bt_connect_try(int fd, const BtSockAddr *address, gboolean *blocking_out)
{
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0)
    return errno;
  *blocking_out = (flags & O_NONBLOCK) == 0;
  if (*blocking_out)
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  int error = connect(fd, &address->any, address->length) == 0 ? 0 : errno;
  if (*blocking_out)
    fcntl(fd, F_SETFL, flags);
  if (error == EINTR)
    return address->any.sa_family == AF_UNIX ? EAGAIN : EINPROGRESS;
  return error;
}

guint
bt_notify_connect_interrupt(BtNotifier *self)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init(&iter, self->waiting);
  while (g_hash_table_iter_next(&iter, &key, NULL)) {
    BtWaitingConnect *waiting = key;
    if (!bt_process_is_signalled(waiting->call.tid))
      continue;
    bt_call_return(self, &waiting->call, EINTR);
    g_hash_table_iter_remove(&iter);
    bt_alarm_set(&self->alarm);
    bt_waiting_connect_free(waiting);
    bt_alarm_unset(&self->alarm);
  }
  return g_hash_table_size(self->waiting);
}

/* What came of a connect that waits, or EINPROGRESS. */
static int
result_of(BtWaitingConnect *waiting)
{
  BtInject *inject = waiting->notifier->inject;
  gboolean blocking;

  if (waiting->notifier->flat && waiting->address.any.sa_family != AF_UNIX)
    return bt_connect_flat_result(waiting->fd, &waiting->address);
  if (!waiting->made)
    return bt_connect_try(waiting->fd, &waiting->address, &blocking);
  int error = bt_inject_result(inject, waiting->fd);
  if (error != 0 && error != EINPROGRESS)
    bt_inject_put_back(inject, &waiting->call, waiting->original);
  return error;
}

static void
on_connected(BtWaitingConnect *waiting)
{
  const BtAlarm *alarm = &waiting->notifier->alarm;
  gboolean ended = TRUE;

  bt_alarm_set(alarm);
  /* A caller that was interrupted asks for the result itself: it is given only once. */
  if (bt_call_is_valid(waiting->notifier, &waiting->call)) {
    int error = result_of(waiting);
    ended = error != EALREADY && error != EINPROGRESS;
    if (ended && bt_call_return(waiting->notifier, &waiting->call, error) && waiting->made)
      bt_inject_set_told(waiting->notifier->inject, waiting->fd);
  }
  if (ended)
    waiting_end(waiting);
  bt_alarm_unset(alarm);
}

static gboolean
on_ready(int ready_fd, GIOCondition condition, gpointer data)
{
  struct epoll_event event;

  /* One at a time: others may have gone by what becomes of it. */
  if (epoll_wait(ready_fd, &event, 1, 0) == 1)
    on_connected(event.data.ptr);
  return G_SOURCE_CONTINUE;
}

/* One more that waits; NULL, and the call is answered, if they are too many. Takes fd. */
BtWaitingConnect *
bt_waiting_connect_new(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address)
{
  drop_invalid(self);
  if (g_hash_table_size(self->waiting) >= MAX_WAITING) {
    bt_call_return(self, call, EAGAIN);
    close(fd);
    return NULL;
  }
  BtWaitingConnect *waiting = g_new0(BtWaitingConnect, 1);
  waiting->notifier = self;
  waiting->call = *call;
  waiting->fd = fd;
  waiting->original = -1;
  waiting->address = *address;
  g_hash_table_add(self->waiting, waiting);
  return waiting;
}

/*
 * All of them share a source. One more in the main context's set, and one less, would end
 * poll() at once each time (bt-watch.h), and cost a connect as much as the rest of it here.
 */
static void
watch(BtWaitingConnect *waiting)
{
  BtNotifier *self = waiting->notifier;
  struct epoll_event event = { .events = EPOLLOUT, .data.ptr = waiting };

  if (self->ready_fd < 0) {
    self->ready_fd = epoll_create1(EPOLL_CLOEXEC);
    if (self->ready_fd >= 0)
      self->ready_source = bt_watch_fd(self->ready_fd, G_IO_IN, on_ready, self);
  }
  waiting->watched = epoll_ctl(self->ready_fd, EPOLL_CTL_ADD, waiting->fd, &event) == 0;
  if (waiting->watched) {
    bt_notifier_watch_signals(self);
    return;
  }
  if (waiting->made)
    bt_inject_put_back(self->inject, &waiting->call, waiting->original);
  bt_call_return(self, &waiting->call, EAGAIN);
  waiting_end(waiting);
}

/* Takes fd. */
static void
wait_for(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address)
{
  BtWaitingConnect *waiting = bt_waiting_connect_new(self, call, fd, address);

  if (waiting != NULL)
    watch(waiting);
}

static void watch_made(BtWaitingConnect *waiting, gboolean later);

static gboolean
on_later(gpointer data)
{
  BtWaitingConnect *waiting = data;
  BtNotifier *self = waiting->notifier;
  BtInjected how = BT_INJECT_NOT;

  waiting->source = 0;
  bt_alarm_set(&self->alarm);
  if (bt_call_is_valid(self, &waiting->call))
    how = bt_inject_hand_in(self->inject, &waiting->call, waiting->fd, &waiting->original);
  if (how == BT_INJECT_ANSWERED)
    waiting->fd = -1;
  if (how == BT_INJECT_WAITS || how == BT_INJECT_LATER)
    watch_made(waiting, how == BT_INJECT_LATER);
  else
    waiting_end(waiting);
  bt_alarm_unset(&self->alarm);
  return G_SOURCE_REMOVE;
}

static void
watch_made(BtWaitingConnect *waiting, gboolean later)
{
  if (later)
    waiting->source = bt_watch_timeout(RETRY_MS, on_later, waiting);
  else
    watch(waiting);
}

void
bt_connect_wait_for_made(BtNotifier *self, const BtCall *call, int fd, int original, gboolean later)
{
  const BtSockAddr none = { .length = 0 };
  BtWaitingConnect *waiting = bt_waiting_connect_new(self, call, fd, &none);

  if (waiting == NULL) {
    if (original >= 0)
      close(original);
    return;
  }
  waiting->made = TRUE;
  waiting->original = original;
  if (!later && original >= 0 && g_hash_table_size(self->waiting) > MAX_ORIGINALS)
    close(g_steal_fd(&waiting->original));
  watch_made(waiting, later);
}

/* What a thread needs; the listener is its own copy, since the notifier may go first. */
typedef struct {
  int listener, fd;
  int found; /* the descriptor that address names, or -1 */
  guint64 id;
  BtSockAddr address;
} ThreadedConnect;

static void
connect_in_thread(gpointer data, gpointer unused)
{
  ThreadedConnect *job = data;
  int error = connect(job->fd, &job->address.any, job->address.length) == 0 ? 0 : errno;
  struct seccomp_notif_resp response = { .id = job->id, .error = -error };
  ioctl(job->listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
  if (job->found >= 0)
    close(job->found);
  close(job->fd);
  close(job->listener);
  g_free(job);
}

/*
 * Ends when the listener accepts or goes away, at the latest with the sandbox;
 * a worker that fills its few threads delays only its own connects. Takes fd.
 */
static void
wait_in_thread(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address, int found)
{
  if (self->threads == NULL)
    self->threads = g_thread_pool_new(connect_in_thread, NULL, MAX_THREADS, FALSE, NULL);
  if (g_thread_pool_unprocessed(self->threads) >= MAX_UNPROCESSED) {
    bt_call_return(self, call, EAGAIN);
    close(fd);
    return;
  }
  int listener = fcntl(self->fd, F_DUPFD_CLOEXEC, 3);
  if (listener < 0) {
    bt_call_return(self, call, EAGAIN);
    close(fd);
    return;
  }
  ThreadedConnect *job = g_new(ThreadedConnect, 1);
  *job = (ThreadedConnect){
    .listener = listener,
    .fd = fd,
    .found = -1,
    .id = call->id,
    .address = *address,
  };
  if (found >= 0) {
    job->found = fcntl(found, F_DUPFD_CLOEXEC, 3);
    bt_sock_addr_set_found(&job->address, job->found);
  }
  g_thread_pool_push(self->threads, job, NULL);
}

/* Answers a connect that was tried, now or later. Takes fd; found as in ThreadedConnect. */
void
bt_connect_answer(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address, int found,
             int error, gboolean blocking)
{
  if (blocking && (error == EINPROGRESS || error == EALREADY)) {
    wait_for(self, call, fd, address);
    return;
  }
  if (blocking && error == EAGAIN && address->any.sa_family == AF_UNIX) {
    wait_in_thread(self, call, fd, address, found);
    return;
  }
  bt_call_return(self, call, error);
  close(fd);
}

/* Makes the connect and answers, now or later. Takes fd; found as in ThreadedConnect. */
void
bt_connect_carry_out(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address, int found)
{
  gboolean blocking = FALSE;
  int error = bt_connect_try(fd, address, &blocking);

  bt_connect_answer(self, call, fd, address, found, error, blocking);
}

static int
socket_option(int fd, int option)
{
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

/*
 * Sockets of other families, and netlink's of another network, the worker cannot make: somebody
 * outside passed them on, and nobody has decided where they may lead. Takes fd.
 */
static void
connect_by_domain(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address)
{
  int domain = socket_option(fd, SO_DOMAIN), type = socket_option(fd, SO_TYPE);
  gboolean inet = domain == AF_INET || domain == AF_INET6;
  BtSocketPlace place = inet && !self->flat ? bt_socket_get_place(fd, self->network)
                                            : BT_SOCKET_INSIDE;

  if (inet && self->flat)
    bt_connect_flat(self, call, fd, address);
  else if (inet && place == BT_SOCKET_OUTSIDE)
    bt_connect_made(self, call, fd, address);
  else if (inet && place == BT_SOCKET_ELSEWHERE)
    bt_connect_refuse_foreign(self, call, fd, address);
  else if (inet)
    bt_connect_inet(self, call, fd, address, type == SOCK_STREAM);
  else if (domain == AF_UNIX)
    bt_connect_unix(self, call, fd, address);
  else if (domain == AF_NETLINK && !self->flat &&
           bt_socket_get_place(fd, self->network) == BT_SOCKET_INSIDE)
    bt_connect_carry_out(self, call, fd, address, -1);
  else {
    bt_call_return(self, call, domain < 0 ? ENOTSOCK : EACCES);
    close(fd);
  }
}

void
bt_notify_connect(BtNotifier *self, const BtCall *call)
{
  BtSockAddr address = { .length = 0 };

  /* connect(int, const struct sockaddr *, int): a length the kernel refuses, too. */
  if (call->args[2] > sizeof address.storage) {
    bt_call_return(self, call, EINVAL);
    return;
  }
  address.length = (socklen_t)call->args[2];
  if (address.length > 0 && bt_process_read(call->tid, call->args[1], &address.storage,
                                            address.length) != (gssize)address.length) {
    bt_call_return(self, call, EFAULT);
    return;
  }
  int fd = bt_process_take_fd(&self->last_thread, call->tid, (int)call->args[0]);
  if (fd < 0) {
    bt_call_return(self, call, errno == EBADF ? EBADF : EACCES);
    return;
  }
  if (!bt_call_is_valid(self, call)) {
    close(fd);
    return;
  }
  connect_by_domain(self, call, fd, &address);
}

void
bt_notify_connect_shutdown(BtNotifier *self)
{
  GHashTableIter iter;
  gpointer key;

  bt_net_peer_set_opened_func(self->peer, NULL, NULL);
  g_hash_table_iter_init(&iter, self->waiting);
  while (g_hash_table_iter_next(&iter, &key, NULL)) {
    g_hash_table_iter_remove(&iter);
    bt_waiting_connect_free(key);
  }
  /* What waits there ends by itself, and is not waited for. */
  if (self->threads != NULL)
    g_thread_pool_free(g_steal_pointer(&self->threads), FALSE, FALSE);
  bt_watch_clear(&self->ready_source);
  if (self->ready_fd >= 0)
    close(g_steal_fd(&self->ready_fd));
}
