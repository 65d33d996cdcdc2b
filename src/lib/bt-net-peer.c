/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The supervisor's side of buntime-net, over one SOCK_SEQPACKET socketpair.
 *
 *   with a network     new(): spawned, so that it links while init builds
 *                      start(): CONFIG with the three descriptors, HOST_ADDRS
 *   with relays or     the same, CONFIG with two descriptors or three, and RELAYS
 *   published ports    and PUBLISH before it
 *   without            start(): only watched: DNS sockets that nobody reads
 *                      first question: spawned, CONFIG with two descriptors
 *
 * From then on buntime-net asks (RESOLVE), tells (UNPIN, DENIED, OPENED), and
 * gets ANSWER, HOST_ADDRS and OPEN.  It parses the worker's packets, so it is taken for
 * hostile here: a message of another kind or size ends it, descriptors it
 * sends are never taken, and a dispatch is bounded.  It cannot pin, permit or
 * name anything by what it sends.
 *
 * When it is gone, for whatever reason, so is the sandbox's network: frames
 * are read by nobody, and what waits for an answer would wait for ever.  So the
 * run ends, with the reason.  Where no network was granted it has only
 * explained: the run goes on without, and this is said once.
 */
#include "lib/bt-net-peer.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/bt-host-addrs.h"
#include "lib/bt-net-words.h"
#include "lib/bt-spawn.h"
#include "lib/bt-watch.h"
#include "policy/bt-event.h"
#include "policy/buntime-error.h"
#include "wire/bt-status.h"

/* Messages taken in one dispatch. */
#define BATCH 32
/* To write down what is recorded, and to pass on what the worker sent before its end. */
#define PATIENCE_MS 1000

typedef struct {
  int fd; /* -1: none */
  guint source;
} Watch;

/* Of the sandbox's network namespace. */
typedef struct {
  int fds[BT_NET_MSG_MAX_FDS];
  guint n_fds;
} Sockets;

struct _BtNetPeer {
  BtNames *names;
  BtPolicy *policy;
  BtExplainer *explainer;
  const BtPlanNet *net;
  BtHelper helper;
  int fd; /* -1 until spawned and after its end */
  guint source;
  Watch waiting[2]; /* DNS udp and tcp, until the first question */
  GPtrArray *published;    /* BtPublished; their sockets until start() */
  Sockets relays, dialers; /* until start() */
  gboolean relays_sent;    /* or dialers: some of the worker's bytes may be in buntime-net's hands */
  gboolean finishing;
  BtNetPeerOpenedFunc opened; /* NULL: nobody wants to know */
  gpointer opened_data;
  BtHostAddrs *host_addrs;
  gboolean ready;
  gboolean ending; /* it was asked to */
  gboolean tell_flows; /* events are wanted of them */
  int capture; /* borrowed; -1: frames are not recorded */
  BtNetPeerLostFunc lost; /* NULL: nobody needs it */
  gpointer lost_data;
};

/* For good; nothing is started again. */
static void
end(BtNetPeer *self, const char *why)
{
  if (self->fd < 0)
    return;
  bt_watch_clear(&self->source);
  close(self->fd);
  self->fd = -1;
  bt_names_set_answer_func(self->names, NULL, NULL);
  bt_helper_clear(&self->helper);
  if (self->opened != NULL)
    self->opened(self->opened_data, 0, FALSE);
  if (self->ending)
    return;
  if (self->lost != NULL) {
    self->lost(self->lost_data, why);
    return;
  }
  g_autofree char *note =
    g_strdup_printf(_("buntime-net %s; the program goes on without names"), why);
  bt_explainer_note(self->explainer, note);
}

static gboolean
spawn(BtNetPeer *self, GError **error)
{
  int pair[2];

  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return bt_fail(error, BUNTIME_ERROR_SETUP, "buntime-net", g_strerror(errno), NULL);
  gboolean ok = bt_spawn_helper("buntime-net", pair[1], NULL, &self->helper, error);
  close(pair[1]);
  if (ok)
    self->fd = pair[0];
  else
    close(pair[0]);
  return ok;
}

/* ---- to buntime-net ---- */

/*
 * FALSE if it was not sent. A peer that does not read its socket is not
 * waited for: it loses the answer, as any resolver may.
 */
static gboolean
send_message(BtNetPeer *self, const void *message, gsize size)
{
  if (self->fd >= 0 &&
      send(self->fd, message, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (gssize)size)
    return TRUE;
  return FALSE;
}

static void
on_answer(gpointer data, const BtNetMsgAnswer *answer)
{
  send_message(data, answer, sizeof *answer);
}

/* Closing the host's addresses must not be lost. */
static void
on_host_addrs(gpointer data, const BtAddr *addrs, guint n_addrs)
{
  BtNetPeer *self = data;
  BtNetMsgHostAddrs message = { .header.kind = BT_NET_MSG_HOST_ADDRS };

  if (addrs == NULL) {
    end(self, _("cannot keep this machine's addresses closed any more"));
    return;
  }
  bt_names_set_host_addrs(self->names, addrs, n_addrs);
  if (self->fd < 0)
    return;
  if (n_addrs > BT_NET_MSG_MAX_HOST_ADDRS) {
    end(self, _("cannot keep more than 256 addresses of this machine closed"));
    return;
  }
  message.n_addrs = n_addrs;
  memcpy(message.addrs, addrs, n_addrs * sizeof *addrs);
  if (!send_message(self, &message, sizeof message))
    end(self, _("does not take messages"));
}

static gboolean
send_with_fds(int fd, const void *bytes, gsize size, const int *fds, gsize n_fds)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int) * BT_NET_MSG_MAX_FDS)];
  } control = { .space = { 0 } };
  struct iovec iovec = { .iov_base = (void *)bytes, .iov_len = size };
  struct msghdr message = {
    .msg_iov = &iovec,
    .msg_iovlen = 1,
    .msg_control = &control,
    .msg_controllen = CMSG_SPACE(sizeof(int) * n_fds),
  };
  struct cmsghdr *part = CMSG_FIRSTHDR(&message);

  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
  memcpy(CMSG_DATA(part), fds, sizeof(int) * n_fds);
  return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (gssize)size;
}

gboolean
bt_net_peer_open_relay(BtNetPeer *self, guint32 id, const BtAddr *addr, guint16 port)
{
  const BtNetMsgOpen message = {
    .header = { .kind = BT_NET_MSG_OPEN, .id = id },
    .addr = *addr,
    .port = port,
  };
  return send_message(self, &message, sizeof message);
}

void
bt_net_peer_set_opened_func(BtNetPeer *self, BtNetPeerOpenedFunc func, gpointer data)
{
  self->opened = func;
  self->opened_data = data;
}

/* As fast as fits into the message. */
static GBytes *
compile_policy(BtNetPeer *self)
{
  GBytes *policy = bt_policy_compile_net(self->policy);

  if (g_bytes_get_size(policy) <= BT_NET_MSG_MAX_SIZE - sizeof(BtNetMsgConfig))
    return policy;
  g_bytes_unref(policy);
  return bt_policy_compile_net_plain(self->policy);
}

static guint64
limit_or(BtPolicy *policy, BtLimit limit, guint64 any)
{
  guint64 value;
  return bt_policy_get_limit(policy, limit, &value, NULL) ? MIN(value, any - 1) : any;
}

static gboolean
send_config(BtNetPeer *self, const int *fds, gsize n_fds, GError **error)
{
  g_autoptr(GBytes) policy = compile_policy(self);
  gsize policy_size;
  const void *policy_bytes = g_bytes_get_data(policy, &policy_size);
  gsize size = sizeof(BtNetMsgConfig) + policy_size;
  BtNetMsgConfig config = {
    .header.kind = BT_NET_MSG_CONFIG,
    .worker_address = self->net->address,
    .gateway = self->net->gateway,
    .prefix_length = self->net->prefix_length,
    .mtu = self->net->mtu,
    .worker_address6 = self->net->address6,
    .gateway6 = self->net->gateway6,
    .pin_seconds = BT_NAMES_PIN_SECONDS,
    .policy_size = (guint32)policy_size,
    .flow_rate = (guint32)limit_or(self->policy, BT_LIMIT_NET_RATE, BT_NET_MSG_ANY_RATE),
    .byte_limit = limit_or(self->policy, BT_LIMIT_NET_BYTES, BT_NET_MSG_ANY_BYTES),
    .tell_flows = self->tell_flows,
  };

  if (size > BT_NET_MSG_MAX_SIZE)
    return bt_fail(error, BUNTIME_ERROR_POLICY, "net.rules", _("too many rules"),
                   _("use wider address ranges or fewer port lists"));
  memcpy(config.worker_mac, self->net->mac, sizeof config.worker_mac);
  memcpy(config.gateway_mac, self->net->gateway_mac, sizeof config.gateway_mac);
  g_autofree char *message = g_malloc(size);
  memcpy(message, &config, sizeof config);
  memcpy(message + sizeof config, policy_bytes, policy_size);
  if (send_with_fds(self->fd, message, size, fds, n_fds))
    return TRUE;
  return bt_fail(error, BUNTIME_ERROR_SETUP, "buntime-net", g_strerror(errno), NULL);
}

/* ---- from buntime-net ---- */

static void
on_denied(BtNetPeer *self, const BtNetMsgDenied *message)
{
  BtFlowWords words;
  guint16 port = (guint16)message->port;
  gboolean policy = message->reason == BT_NET_REASON_POLICY;
  const char *closed = bt_net_closed_reason(self->net, &message->addr, message->proto, port);
  BtEvent *event = bt_event_new(BT_EVENT_NET, BT_ACTION_DENY);

  bt_names_check_flow(self->names, &message->addr, message->proto, port, &words);
  event->object = bt_net_describe_flow(&words, &message->addr, message->proto, port);
  event->host = bt_net_describe_host(&words, &message->addr);
  event->count = MAX(message->count, 1);
  event->reason =
    g_strdup(!policy          ? bt_net_reason_text(message->reason)
             : closed != NULL ? closed
                              : words.reason);
  if (policy) {
    const BtOrigin *origin = bt_policy_net_origin(self->policy, message->rule);
    bt_event_set_rule(event, origin);
    if (closed == NULL && bt_origin_yields_to_flags(origin))
      event->suggestion = bt_net_suggest_flow(&words, &message->addr, message->proto, port);
  }
  bt_explainer_add(self->explainer, event);
}

/*
 * A flow that a name opened, and that asked for another name on the wire, or
 * whose name is not certain. Of another name the event is about that.
 */
static void
on_wire_denied(BtNetPeer *self, const BtNetMsgDenied *message)
{
  const BtOrigin *origin = bt_policy_net_origin(self->policy, message->rule);
  guint16 port = (guint16)message->port;
  gboolean named = message->name[0] != '\0';
  BtEvent *event = bt_event_new(BT_EVENT_NET, BT_ACTION_DENY);
  const char *reason = bt_net_reason_text(message->reason);
  BtFlowWords words, asked = { .name = message->name };

  bt_names_check_flow(self->names, &message->addr, message->proto, port, &words);
  const BtFlowWords *shown = named ? &asked : &words;
  event->object = bt_net_describe_flow(shown, &message->addr, message->proto, port);
  event->host = bt_net_describe_host(shown, &message->addr);
  event->count = MAX(message->count, 1);
  event->reason = named && words.name != NULL
                    ? g_strdup_printf(_("asked for by TLS or HTTP, at an address that is open "
                                        "for %s"),
                                      words.name)
                    : g_strdup(reason);
  bt_event_set_rule(event, origin);
  if (named && bt_origin_yields_to_flags(origin))
    event->suggestion = bt_net_suggest_flow(&asked, &message->addr, message->proto, port);
  bt_explainer_add(self->explainer, event);
}

/* FALSE: nothing is published there. */
static gboolean
on_accepted(BtNetPeer *self, const BtNetMsgAccepted *message)
{
  const BtFlowWords words = { 0 };

  if (message->listener >= self->published->len)
    return FALSE;
  const BtPublished *published = g_ptr_array_index(self->published, message->listener);
  g_autofree char *place = bt_published_format(published);
  BtEvent *event = bt_event_new(BT_EVENT_NET, BT_ACTION_ALLOW);
  event->object =
    bt_net_describe_flow(&words, &message->addr, BT_PROTO_TCP, (guint16)message->port);
  event->host = bt_net_describe_host(&words, &message->addr);
  event->reason = g_strdup_printf("came to the published %s", place);
  bt_event_set_rule(event, &published->origin);
  bt_explainer_add(self->explainer, event);
  return TRUE;
}

/* FALSE: there is no such limit. */
static gboolean
on_limit(BtNetPeer *self, const BtNetMsgDenied *message)
{
  gboolean bytes = message->reason == BT_NET_REASON_BYTES;
  BtLimit limit = bytes ? BT_LIMIT_NET_BYTES : BT_LIMIT_NET_RATE;
  const BtOrigin *origin;
  guint64 value;

  if (!bt_policy_get_limit(self->policy, limit, &value, &origin))
    return FALSE;
  BtEvent *event = bt_event_new_limit(self->policy, limit, bt_net_reason_text(message->reason));
  event->count = MAX(message->count, 1);
  bt_explainer_add(self->explainer, event);
  if (bytes)
    bt_names_set_spent(self->names, origin);
  return TRUE;
}

/* A bound of buntime's own, so that no rule or flag has a part in it. */
static void
on_own_limit(BtNetPeer *self, const BtNetMsgDenied *message, const char *object)
{
  BtEvent *event = bt_event_new(BT_EVENT_LIMIT, BT_ACTION_DENY);

  event->object = g_strdup(object);
  event->reason = g_strdup(bt_net_reason_text(message->reason));
  event->count = MAX(message->count, 1);
  bt_explainer_add(self->explainer, event);
}

static void
on_flow(BtNetPeer *self, const BtNetMsgFlow *message)
{
  guint16 port = (guint16)message->port;
  BtEvent *event = bt_event_new(BT_EVENT_NET, BT_ACTION_ALLOW);
  BtFlowWords words;

  bt_names_check_flow(self->names, &message->addr, message->proto, port, &words);
  event->object = bt_net_describe_flow(&words, &message->addr, message->proto, port);
  event->host = bt_net_describe_host(&words, &message->addr);
  event->state = message->state == BT_NET_FLOW_OPENED ? "opened" : "closed";
  if (message->state == BT_NET_FLOW_CLOSED) {
    event->duration = message->milliseconds;
    event->bytes_out = message->bytes_out;
    event->bytes_in = message->bytes_in;
  }
  bt_explainer_record(self->explainer, event);
}

static gboolean
on_message(BtNetPeer *self, const BtNetMsg *message)
{
  switch ((BtNetMsgKind)message->header.kind) {
  case BT_NET_MSG_READY:
    if (self->ready)
      return FALSE;
    self->ready = TRUE;
    return TRUE;
  case BT_NET_MSG_RESOLVE:
    bt_names_query(self->names, &message->resolve);
    return TRUE;
  case BT_NET_MSG_UNPIN:
    bt_names_unpin(self->names, &message->unpin.addr, message->unpin.rule);
    return TRUE;
  case BT_NET_MSG_DENIED:
    if (message->denied.reason == BT_NET_REASON_RATE ||
        message->denied.reason == BT_NET_REASON_BYTES)
      return on_limit(self, &message->denied);
    if (message->denied.reason == BT_NET_REASON_QUERIES)
      on_own_limit(self, &message->denied, "dns");
    else if (message->denied.reason == BT_NET_REASON_CAPTURE)
      on_own_limit(self, &message->denied, "pcap");
    else if (message->denied.reason >= BT_NET_REASON_NAME)
      on_wire_denied(self, &message->denied);
    else
      on_denied(self, &message->denied);
    return TRUE;
  case BT_NET_MSG_ACCEPTED:
    return on_accepted(self, &message->accepted);
  case BT_NET_MSG_OPENED:
    if (message->header.id == 0)
      return FALSE;
    if (self->opened != NULL)
      self->opened(self->opened_data, message->header.id, message->opened.refused != 0);
    return TRUE;
  case BT_NET_MSG_FLOW:
    if (self->tell_flows)
      on_flow(self, &message->flow);
    return self->tell_flows;
  default:
    return FALSE; /* ours */
  }
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
  BtNetPeer *self = data;
  union {
    guint64 align;
    char bytes[sizeof(BtNetMsg) + 1];
  } buffer;

  for (int i = 0; i < BATCH && self->fd >= 0; i++) {
    const guint8 *unused;
    BtNetMsg message;
    /* recv(), not recvmsg(): descriptors that come along are dropped by the kernel. */
    gssize got = recv(fd, &buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
      break;
    if (got <= 0)
      end(self, _("ended unexpectedly"));
    else if (!bt_net_msg_parse(&buffer, got, &message, &unused) || !on_message(self, &message))
      end(self, _("was ended, because it did not keep to the protocol"));
  }
  return self->fd >= 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* ---- start ---- */

static gboolean
begin(BtNetPeer *self, const int *fds, gsize n_fds, GError **error)
{
  int all[4];

  memcpy(all, fds, n_fds * sizeof *fds);
  self->tell_flows = n_fds > 2 && bt_explainer_has_stream(self->explainer) &&
                     (bt_policy_get_audit(self->policy) & BT_AUDIT_CONNECT) != 0;
  if (n_fds == 3 && self->capture >= 0)
    all[n_fds++] = self->capture;
  if (!send_config(self, all, n_fds, error))
    return FALSE;
  bt_names_set_answer_func(self->names, on_answer, self);
  self->source = bt_watch_fd(self->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, self);
  return TRUE;
}

static void
watch_clear(Watch *watch)
{
  bt_watch_clear(&watch->source);
  if (watch->fd >= 0)
    close(watch->fd);
  watch->fd = -1;
}

/* The worker asks for a name: someone must say that it is not granted. */
static gboolean
on_first_question(int unused, GIOCondition condition, gpointer data)
{
  BtNetPeer *self = data;
  g_autoptr(GError) error = NULL;
  int fds[] = { self->waiting[0].fd, self->waiting[1].fd };

  if (!spawn(self, &error) || !begin(self, fds, G_N_ELEMENTS(fds), &error))
    bt_explainer_note(self->explainer, error->message);
  watch_clear(&self->waiting[0]);
  watch_clear(&self->waiting[1]);
  return G_SOURCE_CONTINUE; /* both sources are gone */
}

BtNetPeer *
bt_net_peer_new(BtNames *names, BtPolicy *policy, const BtPlanNet *net, gboolean early,
                GPtrArray *published, BtExplainer *explainer, GError **error)
{
  BtNetPeer *self = g_new0(BtNetPeer, 1);

  self->names = names;
  self->policy = policy;
  self->net = net;
  self->published = published;
  self->explainer = explainer;
  self->helper = BT_HELPER_INIT;
  self->fd = -1;
  self->capture = -1;
  /* Addresses of IPv6 are of use as long as both ends have it: networks come and go. */
  if (bt_plan_net_has_ipv6(net))
    bt_names_set_ipv6_func(names, bt_host_has_ipv6);
  self->waiting[0].fd = self->waiting[1].fd = -1;
  if (early && !spawn(self, error)) {
    bt_net_peer_free(self);
    return NULL;
  }
  return self;
}

gboolean
bt_net_peer_take_sockets(BtNetPeer *self, gboolean relays, const int *fds, guint n_fds)
{
  Sockets *sockets = relays ? &self->relays : &self->dialers;

  if (sockets->n_fds > 0 || n_fds == 0 || n_fds > BT_STATUS_MAX_FDS)
    return FALSE;
  memcpy(sockets->fds, fds, n_fds * sizeof *fds);
  sockets->n_fds = n_fds;
  return TRUE;
}

static void
close_all(const int *fds, guint n_fds)
{
  for (guint i = 0; i < n_fds; i++)
    close(fds[i]);
}

static void
sockets_clear(Sockets *sockets)
{
  close_all(sockets->fds, sockets->n_fds);
  sockets->n_fds = 0;
}

static gboolean
send_relays(BtNetPeer *self)
{
  const BtNetMsgRelays message = {
    .header.kind = BT_NET_MSG_RELAYS,
    .n_listeners = self->relays.n_fds,
  };

  return self->relays.n_fds == 0 ||
         send_with_fds(self->fd, &message, sizeof message, self->relays.fds, self->relays.n_fds);
}

static gboolean
send_published(BtNetPeer *self)
{
  BtNetMsgPublish message = {
    .header.kind = BT_NET_MSG_PUBLISH,
    .n_listeners = self->published->len,
    .n_dialers = self->dialers.n_fds,
    .tell = (bt_policy_get_audit(self->policy) & BT_AUDIT_CONNECT) != 0,
  };
  Sockets sockets = { .n_fds = 0 };

  if (self->published->len == 0)
    return TRUE;
  for (guint i = 0; i < self->published->len; i++) {
    const BtPublished *published = g_ptr_array_index(self->published, i);
    message.ports[i] = published->inner;
    sockets.fds[sockets.n_fds++] = published->fd;
  }
  memcpy(sockets.fds + sockets.n_fds, self->dialers.fds, self->dialers.n_fds * sizeof(int));
  sockets.n_fds += self->dialers.n_fds;
  return send_with_fds(self->fd, &message, sizeof message, sockets.fds, sockets.n_fds);
}

/* They are buntime-net's alone then. */
static gboolean
send_sockets(BtNetPeer *self, GError **error)
{
  gboolean ok = send_relays(self) && send_published(self);
  int number = errno;

  self->relays_sent = self->relays.n_fds + self->dialers.n_fds > 0;
  sockets_clear(&self->relays);
  sockets_clear(&self->dialers);
  for (guint i = 0; i < self->published->len; i++) {
    BtPublished *published = g_ptr_array_index(self->published, i);
    close(g_steal_fd(&published->fd));
  }
  return ok || bt_fail(error, BUNTIME_ERROR_SETUP, "buntime-net", g_strerror(number), NULL);
}

static gboolean
start_early(BtNetPeer *self, const int *fds, guint n_fds, GError **error)
{
  gboolean network = n_fds > 2;
  gboolean ok = send_sockets(self, error) && begin(self, fds, n_fds, error);

  close_all(fds, n_fds);
  if (!ok || !network)
    return ok;
  /* Behind CONFIG in the same socket, so before the first answer. */
  self->host_addrs = bt_host_addrs_new(on_host_addrs, self, error);
  return self->host_addrs != NULL;
}

void
bt_net_peer_set_capture(BtNetPeer *self, int fd)
{
  self->capture = fd;
}

void
bt_net_peer_set_lost_func(BtNetPeer *self, BtNetPeerLostFunc func, gpointer data)
{
  self->lost = func;
  self->lost_data = data;
}

gboolean
bt_net_peer_start(BtNetPeer *self, int udp, int tcp, int frame, GError **error)
{
  if (self->fd >= 0)
    return start_early(self, (const int[]){ udp, tcp, frame }, frame >= 0 ? 3 : 2, error);
  self->waiting[0].fd = udp;
  self->waiting[1].fd = tcp;
  for (int i = 0; i < 2; i++)
    self->waiting[i].source =
      bt_watch_fd(self->waiting[i].fd, G_IO_IN, on_first_question, self);
  return TRUE;
}

void
bt_net_peer_finish(BtNetPeer *self)
{
  const BtNetMsgHeader message = { .kind = BT_NET_MSG_FINISH };

  self->finishing = self->relays_sent && send_message(self, &message, sizeof message);
  if (self->finishing)
    return;
  /* What it has seen is still to be written and told: it is asked to end. */
  if ((self->capture >= 0 || self->tell_flows) && self->fd >= 0)
    shutdown(self->fd, SHUT_WR);
  else if (self->helper.pidfd >= 0)
    syscall(SYS_pidfd_send_signal, self->helper.pidfd, SIGKILL, NULL, 0);
}

/* Asked to end: takes what it still tells, for a bounded time. */
static void
hear_out(BtNetPeer *self)
{
  gint64 last = g_get_monotonic_time() + PATIENCE_MS * G_TIME_SPAN_MILLISECOND;

  self->ending = TRUE;
  self->opened = NULL;
  bt_watch_clear(&self->source);
  while (self->fd >= 0 && g_get_monotonic_time() < last) {
    struct pollfd pollfd = { .fd = self->fd, .events = POLLIN };
    if (poll(&pollfd, 1, PATIENCE_MS) == 1)
      on_readable(self->fd, G_IO_IN, self);
  }
}

void
bt_net_peer_free(BtNetPeer *self)
{
  if ((self->capture >= 0 || self->tell_flows || self->finishing) && self->fd >= 0)
    hear_out(self);
  g_clear_pointer(&self->host_addrs, bt_host_addrs_free);
  watch_clear(&self->waiting[0]);
  watch_clear(&self->waiting[1]);
  bt_watch_clear(&self->source);
  bt_names_set_answer_func(self->names, NULL, NULL);
  sockets_clear(&self->relays);
  sockets_clear(&self->dialers);
  if (self->fd >= 0)
    close(self->fd);
  bt_helper_clear(&self->helper);
  g_free(self);
}
