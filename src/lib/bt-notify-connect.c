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
 * A port of the host's loopback that was granted is a socket of buntime-net's
 * on the sandbox's own (net/bt-localhost.c), which would take every connection.
 * So buntime-net is asked first to connect to the host's service: refused there
 * is refused here; else the worker's connect is made, and the two are joined.
 *
 * A Unix socket is reached only if its inode lies on the sandbox's own
 * filesystems or --allow-unix names it.  It is found in the worker's root and
 * connected to through the descriptor found, so that no path is looked up
 * twice.  Without namespaces nothing is the sandbox's own: an abstract name
 * would be found among the host's, and no other socket than a local one is made.
 */
#include "lib/bt-notifier-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/bt-net-words.h"
#include "lib/bt-process.h"
#include "lib/bt-watch.h"

/* Callers that wait at once; each keeps a descriptor of ours. */
#define MAX_WAITING 512
#define MAX_THREADS 4
/* Those that wait for a thread; each keeps three. */
#define MAX_UNPROCESSED 64
/* The kernel takes an IPv6 address without its scope id (SIN6_LEN_RFC2133). */
#define MIN_IN6_LENGTH 24

typedef struct {
  union {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
    struct sockaddr_storage storage;
  };
  socklen_t length;
} Address;

typedef struct {
  BtNotifier *notifier;
  BtCall call;
  int fd;
  Address address;
  guint source;
  guint32 asked; /* the question to buntime-net whose answer it waits for; 0: for the socket */
} BtWaitingConnect;

static void
waiting_free(BtWaitingConnect *waiting)
{
  bt_watch_clear(&waiting->source);
  if (waiting->fd >= 0)
    close(waiting->fd);
  g_free(waiting);
}

static void
waiting_end(BtWaitingConnect *waiting)
{
  g_hash_table_remove(waiting->notifier->waiting, waiting);
  waiting_free(waiting);
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
    waiting_free(waiting);
  }
}

/*
 * connect() that never waits; 0 or an errno. *blocking_out: the worker's socket
 * would have. The alarm ends it where the worker took O_NONBLOCK away again.
 */
static int
try_connect(int fd, const Address *address, gboolean *blocking_out)
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
    waiting_free(waiting);
    bt_alarm_unset(&self->alarm);
  }
  return g_hash_table_size(self->waiting);
}

static gboolean
on_connected(int fd, GIOCondition condition, gpointer data)
{
  BtWaitingConnect *waiting = data;
  const BtAlarm *alarm = &waiting->notifier->alarm;
  gboolean blocking, ended = TRUE;

  bt_alarm_set(alarm);
  /* A caller that was interrupted asks for the result itself: it is given only once. */
  if (bt_call_is_valid(waiting->notifier, &waiting->call)) {
    int error = try_connect(fd, &waiting->address, &blocking);
    ended = error != EALREADY && error != EINPROGRESS;
    if (ended)
      bt_call_return(waiting->notifier, &waiting->call, error);
  }
  if (ended) {
    waiting->source = 0;
    waiting_end(waiting);
  }
  bt_alarm_unset(alarm);
  return ended ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

/* One more that waits; NULL, and the call is answered, if they are too many. Takes fd. */
static BtWaitingConnect *
waiting_new(BtNotifier *self, const BtCall *call, int fd, const Address *address)
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
  waiting->address = *address;
  g_hash_table_add(self->waiting, waiting);
  return waiting;
}

/* Takes fd. */
static void
wait_for(BtNotifier *self, const BtCall *call, int fd, const Address *address)
{
  BtWaitingConnect *waiting = waiting_new(self, call, fd, address);

  if (waiting == NULL)
    return;
  waiting->source = bt_watch_fd(fd, G_IO_OUT | G_IO_ERR | G_IO_HUP, on_connected, waiting);
  bt_notifier_watch_signals(self);
}

/* The address of the socket behind a descriptor of ours. */
static void
set_found_path(Address *address, int found)
{
  *address = (Address){ .length = sizeof address->un };
  address->un.sun_family = AF_UNIX;
  snprintf(address->un.sun_path, sizeof address->un.sun_path, "/proc/self/fd/%d", found);
}

/* What a thread needs; the listener is its own copy, since the notifier may go first. */
typedef struct {
  int listener, fd;
  int found; /* the descriptor that address names, or -1 */
  guint64 id;
  Address address;
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
 * a worker that fills the few threads delays only its own connects. Takes fd.
 */
static void
wait_in_thread(BtNotifier *self, const BtCall *call, int fd, const Address *address, int found)
{
  static GThreadPool *pool;

  if (pool == NULL)
    pool = g_thread_pool_new(connect_in_thread, NULL, MAX_THREADS, FALSE, NULL);
  if (g_thread_pool_unprocessed(pool) >= MAX_UNPROCESSED) {
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
    set_found_path(&job->address, job->found);
  }
  g_thread_pool_push(pool, job, NULL);
}

/* Answers a connect that was tried, now or later. Takes fd; found as in ThreadedConnect. */
static void
answer_tried(BtNotifier *self, const BtCall *call, int fd, const Address *address, int found,
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
static void
carry_out(BtNotifier *self, const BtCall *call, int fd, const Address *address, int found)
{
  gboolean blocking = FALSE;
  int error = try_connect(fd, address, &blocking);

  answer_tried(self, call, fd, address, found, error, blocking);
}

/* ---- the host's loopback ---- */

/* The loopback address that the kernel takes this one for, if a relay has it and the port. */
static gboolean
is_relayed(BtNotifier *self, const BtAddr *addr, guint16 port, BtAddr *loopback_out)
{
  static const BtAddr any6;
  BtAddr ipv4 = bt_addr_from_ipv4(htonl(INADDR_LOOPBACK)), any4 = bt_addr_from_ipv4(0);
  BtAddr ipv6 = { .bytes[15] = 1 };
  guint family = 0;

  if (bt_addr_equal(addr, &ipv4) || bt_addr_equal(addr, &any4))
    family = BT_PLAN_RELAY_IPV4;
  else if (bt_addr_equal(addr, &ipv6) || bt_addr_equal(addr, &any6))
    family = BT_PLAN_RELAY_IPV6;
  *loopback_out = family == BT_PLAN_RELAY_IPV4 ? ipv4 : ipv6;
  for (guint32 i = 0; family != 0 && i < self->plan->header->relays.count; i++)
    if (self->plan->relays[i].port == port && (self->plan->relays[i].families & family) != 0)
      return TRUE;
  return FALSE;
}

/* buntime-net may be the worker's by now: its word refuses or lets go on, nothing else. */
static void
answer_asked(BtNotifier *self, BtWaitingConnect *waiting, gboolean refused)
{
  g_hash_table_remove(self->waiting, waiting);
  bt_alarm_set(&self->alarm);
  if (bt_call_is_valid(self, &waiting->call)) {
    if (refused)
      bt_call_return(self, &waiting->call, ECONNREFUSED);
    else
      carry_out(self, &waiting->call, g_steal_fd(&waiting->fd), &waiting->address, -1);
  }
  waiting_free(waiting);
  bt_alarm_unset(&self->alarm);
}

static BtWaitingConnect *
find_asked(BtNotifier *self, guint32 id)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init(&iter, self->waiting);
  while (g_hash_table_iter_next(&iter, &key, NULL)) {
    BtWaitingConnect *waiting = key;
    if (waiting->asked != 0 && (id == 0 || waiting->asked == id))
      return waiting;
  }
  return NULL;
}

static void
on_opened(gpointer data, guint32 id, gboolean refused)
{
  BtNotifier *self = data;
  BtWaitingConnect *waiting;

  do {
    waiting = find_asked(self, id);
    if (waiting != NULL)
      answer_asked(self, waiting, refused);
  } while (id == 0 && waiting != NULL);
}

void
bt_notify_connect_start(BtNotifier *self)
{
  if (self->plan->header->relays.count > 0)
    bt_net_peer_set_opened_func(self->peer, on_opened, self);
}

/* Else the kernel knows what to say, and the host's service need not hear of it. */
static gboolean
is_unconnected(int fd)
{
  struct tcp_info info = { 0 };
  socklen_t size = sizeof info.tcpi_state;

  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_CLOSE;
}

/* Takes fd. */
static void
connect_relayed(BtNotifier *self, const BtCall *call, int fd, const Address *address,
                const BtAddr *loopback, guint16 port)
{
  guint32 id = MAX(self->last_asked + 1, 1);

  self->last_asked = id;
  if (!is_unconnected(fd) || !bt_net_peer_open_relay(self->peer, id, loopback, port)) {
    carry_out(self, call, fd, address, -1);
    return;
  }
  BtWaitingConnect *waiting = waiting_new(self, call, fd, address);
  if (waiting == NULL)
    return; /* nobody waits for the answer then */
  waiting->asked = id;
  bt_notifier_watch_signals(self);
}

/* ---- addresses ---- */

static gboolean
parse_inet(const Address *address, BtAddr *addr_out, guint16 *port_out)
{
  if (address->any.sa_family == AF_INET && address->length >= sizeof address->in) {
    *addr_out = bt_addr_from_ipv4(address->in.sin_addr.s_addr);
    *port_out = ntohs(address->in.sin_port);
    return TRUE;
  }
  if (address->any.sa_family == AF_INET6 && address->length >= MIN_IN6_LENGTH) {
    memcpy(addr_out->bytes, &address->in6.sin6_addr, sizeof addr_out->bytes);
    *port_out = ntohs(address->in6.sin6_port);
    return TRUE;
  }
  return FALSE;
}

/*
 * The sandbox's own loopback and interface: nothing leaves by them. Of the
 * range 0/8 only 0.0.0.0 is the loopback's, and of the addresses with one
 * embedded, such as NAT64's, none.
 */
static gboolean
is_own_address(BtNotifier *self, const BtAddr *addr)
{
  static const BtAddr any6, loopback6 = { .bytes[15] = 1 };
  BtAddr own = bt_addr_from_ipv4(self->plan->header->net.address);
  guint32 ipv4 = ntohl(bt_addr_get_ipv4(addr));

  if (bt_addr_is_ipv4(addr))
    return ipv4 >> 24 == 127 || ipv4 == 0 || bt_addr_equal(addr, &own);
  return bt_addr_equal(addr, &any6) || bt_addr_equal(addr, &loopback6) ||
         bt_addr_equal(addr, &self->plan->header->net.address6);
}

/*
 * getaddrinfo() connects UDP sockets to learn which source address each of
 * several results would get. Nothing is sent by that, and where TCP is granted
 * it is no attempt at UDP: let it pass without a word; the gate holds datagrams.
 */
static gboolean
is_address_probe(BtNotifier *self, const BtAddr *addr, guint16 port)
{
  BtFlowWords words;
  BtVerdict tcp = bt_names_check_flow(self->names, addr, BT_PROTO_TCP, port, &words);
  return port == 0 || (words.several && tcp.action != BT_ACTION_DENY);
}

/*
 * To the sandbox's own loopback, where a refusal is there as soon as it is asked for.
 * Where nobody listens, and nobody will, it may be the host's that was meant. Takes fd.
 */
static void
connect_own(BtNotifier *self, const BtCall *call, int fd, const Address *address, guint16 port,
            gboolean tcp)
{
  gboolean blocking = FALSE;
  int error = try_connect(fd, address, &blocking);

  if (tcp && (error == ECONNREFUSED || (error == EINPROGRESS && is_unconnected(fd))))
    self->refused_port = port;
  else if (tcp && port == self->refused_port)
    self->refused_port = 0;
  answer_tried(self, call, fd, address, -1, error, blocking);
}

guint16
bt_notifier_get_refused_port(BtNotifier *self)
{
  return self->refused_port;
}

/* Takes fd. */
static void
connect_inet(BtNotifier *self, const BtCall *call, int fd, const Address *address, gboolean tcp)
{
  const BtVerdict given = { BT_ACTION_ALLOW, NULL };
  guint proto = tcp ? BT_PROTO_TCP : BT_PROTO_UDP;
  BtFlowWords words = { 0 };
  BtAddr addr, loopback;
  guint16 port;

  /* Not an address (AF_UNSPEC disconnects): the kernel knows what to say. */
  if (!parse_inet(address, &addr, &port)) {
    carry_out(self, call, fd, address, -1);
    return;
  }
  gboolean relayed = tcp && is_relayed(self, &addr, port, &loopback);
  if (relayed) {
    addr = loopback;
  } else if (is_own_address(self, &addr)) {
    bt_call_tell(self, call, BT_KIND_NET, &given, bt_net_describe_flow(&words, &addr, proto, port),
                 FALSE);
    connect_own(self, call, fd, address, port, tcp);
    return;
  }
  const char *closed = bt_net_closed_reason(&self->plan->header->net, &addr, proto, port);
  BtVerdict verdict = bt_names_check_flow(self->names, &addr, proto, port, &words);
  const BtOrigin *spent = bt_names_get_spent(self->names);
  if (closed != NULL) {
    verdict = (BtVerdict){ BT_ACTION_DENY,
                           bt_policy_net_origin(self->policy, BT_NET_RULE_CLOSURE) };
  } else if (spent != NULL && verdict.action != BT_ACTION_DENY) {
    verdict = (BtVerdict){ BT_ACTION_DENY, spent };
    closed = bt_net_reason_text(BT_NET_REASON_BYTES);
  }
  if (verdict.action == BT_ACTION_DENY && (tcp || !is_address_probe(self, &addr, port))) {
    close(fd);
    bt_call_deny(self, call, BT_KIND_NET, &verdict,
                 bt_net_describe_flow(&words, &addr, proto, port),
                 closed != NULL ? NULL : bt_net_suggest_flow(&words, &addr, proto, port),
                 closed != NULL ? closed : words.reason);
    return;
  }
  bt_call_tell(self, call, BT_KIND_NET, &verdict,
               bt_net_describe_flow(&words, &addr, proto, port), FALSE);
  if (relayed)
    connect_relayed(self, call, fd, address, &addr, port);
  else
    carry_out(self, call, fd, address, -1);
}

/* Connects to the socket behind a descriptor instead of a path. Takes fd. */
static void
connect_to_found(BtNotifier *self, const BtCall *call, int fd, int found)
{
  Address address;
  set_found_path(&address, found);
  carry_out(self, call, fd, &address, found);
}

/* What the layer that was turned off would have made possible. */
static BtVerdict
verdict_of_flat(const BtNotifier *self)
{
  BtVerdict verdict = { .action = BT_ACTION_DENY };

  bt_policy_get_plugins(self->policy, &verdict.origin);
  return verdict;
}

/* Connecting on the worker's behalf, we would not be held by its Landlock domain. */
static void
deny_abstract(BtNotifier *self, const BtCall *call, const Address *address, gsize length)
{
  BtVerdict verdict = verdict_of_flat(self);
  g_autofree char *name = g_strndup(address->un.sun_path + 1, length - 1);

  bt_call_deny(self, call, BT_KIND_UNIX, &verdict, g_strconcat("@", name, NULL), NULL,
               _("without namespaces abstract sockets are the host's"));
}

/* Takes fd. */
static void
connect_unix(BtNotifier *self, const BtCall *call, int fd, const Address *address)
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
  /* Abstract names live in the network namespace, which is the sandbox's. */
  if (address->any.sa_family != AF_UNIX || length == 0 || address->un.sun_path[0] == '\0') {
    carry_out(self, call, fd, address, -1);
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

static int
socket_option(int fd, int option)
{
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

void
bt_notify_connect(BtNotifier *self, const BtCall *call)
{
  Address address = { .length = 0 };

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
  int fd = bt_process_take_fd(call->tid, (int)call->args[0]);
  if (fd < 0) {
    bt_call_return(self, call, errno == EBADF ? EBADF : EACCES);
    return;
  }
  if (!bt_call_is_valid(self, call)) {
    close(fd);
    return;
  }
  int domain = socket_option(fd, SO_DOMAIN), type = socket_option(fd, SO_TYPE);
  if (domain == AF_UNIX)
    connect_unix(self, call, fd, &address);
  else if (domain == AF_INET || domain == AF_INET6)
    connect_inet(self, call, fd, &address, type == SOCK_STREAM);
  else if (domain >= 0)
    carry_out(self, call, fd, &address, -1); /* NETLINK_ROUTE; the filter allows no other */
  else {
    bt_call_return(self, call, ENOTSOCK);
    close(fd);
  }
}

/* Asked only without namespaces, for what would be one of the host's own network. */
void
bt_notify_socket(BtNotifier *self, const BtCall *call)
{
  BtVerdict verdict = verdict_of_flat(self);

  bt_call_deny(self, call, BT_KIND_NET, &verdict, g_strdup(call->args[0] == AF_INET6 ? "AF_INET6" : "AF_INET"), NULL,
               _("without namespaces there is no network"));
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
    waiting_free(key);
  }
}
