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
 *   no namespaces      hand_over(): at the first stream spawned, HOST_ADDRS and CONFIG with one
 *                      descriptor, by which each stream follows
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
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/bt-host-addrs.h"
#include "lib/bt-net-send.h"
#include "lib/bt-spawn.h"
#include "lib/bt-watch.h"
#include "policy/buntime-error.h"
#include "wire/bt-status.h"

/* Messages taken in one dispatch. */
#define BATCH 32

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
  BtNetParts parts;
  BtHelper helper;
  int fd; /* -1 until spawned and after its end */
  guint source;
  Watch waiting[2]; /* DNS udp and tcp, until the first question */
  Sockets relays, dialers; /* until start(), as those of what is published */
  gboolean relays_sent; /* or dialers: some of the worker's bytes may be in buntime-net's hands */
  int streams; /* by which those of DNS are handed over; -1: not, or not yet */
  gboolean hands_over;
  gboolean finishing;
  BtNetPeerOpenedFunc opened; /* NULL: nobody wants to know */
  gpointer opened_data;
  BtHostAddrs *host_addrs;
  gboolean ready;
  gboolean ending; /* it was asked to */
  gboolean tell_flows; /* events are wanted of them */
  gboolean tell_counts, counted;
  BtNetMsgCounts counts;
  int capture; /* borrowed; -1: frames are not recorded */
  BtNetPeerLostFunc lost; /* NULL: nobody needs it */
  gpointer lost_data;
};

/* What buntime-net said by its status; why: it said nothing. It is killed if it has not ended. */
static const char *
reap(BtNetPeer *self, const char *why)
{
  bt_helper_kill(&self->helper);
  int status = bt_helper_reap(&self->helper);

  if (status < 0 || !WIFEXITED(status))
    return why;
  switch (WEXITSTATUS(status)) {
  case BT_NET_EXIT_PRIVILEGES:
    return _("could not give up its privileges");
  case BT_NET_EXIT_LANDLOCK:
    return _("could not confine itself by Landlock");
  case BT_NET_EXIT_SECCOMP:
    return _("could not confine itself by seccomp");
  default:
    return why;
  }
}

/* For good; nothing is started again. */
static void
end(BtNetPeer *self, const char *why)
{
  if (self->fd < 0)
    return;
  bt_watch_clear(&self->source);
  close(self->fd);
  self->fd = -1;
  if (self->streams >= 0)
    close(g_steal_fd(&self->streams));
  bt_names_set_answer_func(self->parts.names, NULL, NULL);
  /* Its socket is closed before its end: whoever asked for that waits for it. */
  if (!self->ending)
    why = reap(self, why);
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
  bt_explainer_note(self->parts.explainer, note);
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
  bt_names_set_host_addrs(self->parts.names, addrs, n_addrs);
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

/* ---- from buntime-net ---- */

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
    bt_names_query(self->parts.names, &message->resolve);
    return TRUE;
  case BT_NET_MSG_UNPIN:
    bt_names_unpin(self->parts.names, &message->unpin.addr, message->unpin.rule);
    return TRUE;
  case BT_NET_MSG_DENIED:
    return bt_net_event_denied(&self->parts, &message->denied);
  case BT_NET_MSG_ACCEPTED:
    return bt_net_event_accepted(&self->parts, &message->accepted);
  case BT_NET_MSG_OPENED:
    if (message->header.id == 0)
      return FALSE;
    if (self->opened != NULL)
      self->opened(self->opened_data, message->header.id, message->opened.refused != 0);
    return TRUE;
  case BT_NET_MSG_FLOW:
    if (self->tell_flows)
      bt_net_event_flow(&self->parts, &message->flow);
    return self->tell_flows;
  case BT_NET_MSG_COUNTS:
    if (!self->tell_counts || self->counted)
      return FALSE;
    self->counts = message->counts;
    self->counted = TRUE;
    return TRUE;
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
begin(BtNetPeer *self, const int *fds, guint n_fds, GError **error)
{
  int all[4];

  memcpy(all, fds, n_fds * sizeof *fds);
  self->tell_counts = (n_fds > 2 || self->relays_sent) &&
                      bt_explainer_has_stream(self->parts.explainer);
  self->tell_flows =
    self->tell_counts && (bt_policy_get_audit(self->parts.policy) & BT_AUDIT_CONNECT) != 0;
  self->parts.begun = g_get_monotonic_time();
  if (self->tell_flows)
    self->parts.flow_names = bt_net_flow_names_new();
  if (n_fds == 3 && self->capture >= 0)
    all[n_fds++] = self->capture;
  if (!bt_net_send_config(self->fd, &self->parts, self->tell_flows, self->tell_counts, all, n_fds,
                          error))
    return FALSE;
  bt_names_set_answer_func(self->parts.names, on_answer, self);
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
    bt_explainer_note(self->parts.explainer, error->message);
  watch_clear(&self->waiting[0]);
  watch_clear(&self->waiting[1]);
  return G_SOURCE_CONTINUE; /* both sources are gone */
}

BtNetPeer *
bt_net_peer_new(BtNames *names, BtPolicy *policy, const BtPlanNet *net, gboolean early,
                GPtrArray *published, BtExplainer *explainer, GError **error)
{
  BtNetPeer *self = g_new0(BtNetPeer, 1);

  self->parts = (BtNetParts){
    .names = names,
    .policy = policy,
    .explainer = explainer,
    .net = net,
    .published = published,
  };
  self->helper = BT_HELPER_INIT;
  self->fd = -1;
  self->capture = self->streams = -1;
  /* Addresses of IPv6 are of use as long as both ends have it: networks come and go. */
  if (bt_plan_net_has_ipv6(net) || net->mode == BT_PLAN_NET_HOST)
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

/* They are buntime-net's alone then. */
static gboolean
send_sockets(BtNetPeer *self, GError **error)
{
  gboolean ok = bt_net_send_relays(self->fd, self->relays.fds, self->relays.n_fds) &&
                bt_net_send_published(self->fd, &self->parts, self->dialers.fds,
                                      self->dialers.n_fds);
  int number = errno;

  self->relays_sent = self->relays.n_fds + self->dialers.n_fds > 0;
  sockets_clear(&self->relays);
  sockets_clear(&self->dialers);
  for (guint i = 0; i < self->parts.published->len; i++) {
    BtPublished *published = g_ptr_array_index(self->parts.published, i);
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
  /* It does not take what is sent: it may have said why. */
  const char *said = ok ? NULL : reap(self, NULL);
  if (said != NULL) {
    g_clear_error(error);
    bt_fail(error, BUNTIME_ERROR_SETUP, "buntime-net", said,
            _("run it again; if that happens again, please report it"));
  }
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

/* What closes addresses to names is known before the first is answered. */
static gboolean
start_handing_over(BtNetPeer *self, GError **error)
{
  int pair[2];

  self->hands_over = TRUE;
  self->host_addrs = bt_host_addrs_new(on_host_addrs, self, error);
  if (self->host_addrs == NULL)
    return FALSE;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return bt_fail(error, BUNTIME_ERROR_SETUP, "buntime-net", g_strerror(errno), NULL);
  self->streams = pair[0];
  gboolean ok = spawn(self, error) && begin(self, &pair[1], 1, error);
  close(pair[1]);
  return ok;
}

void
bt_net_peer_hand_over(BtNetPeer *self, int fd)
{
  g_autoptr(GError) error = NULL;

  if (!self->hands_over && !start_handing_over(self, &error)) {
    bt_explainer_note(self->parts.explainer, error->message);
    if (self->streams >= 0)
      close(g_steal_fd(&self->streams));
  }
  /* Who is not served is hung up on. */
  if (self->streams >= 0)
    bt_net_send_stream(self->streams, fd);
  close(fd);
}

void
bt_net_peer_finish(BtNetPeer *self)
{
  const BtNetMsgHeader message = { .kind = BT_NET_MSG_FINISH };

  self->ending = TRUE;
  self->opened = NULL;
  watch_clear(&self->waiting[0]);
  watch_clear(&self->waiting[1]);
  self->finishing = self->relays_sent && send_message(self, &message, sizeof message);
  if (self->finishing)
    return;
  /* What it has seen is still to be written and told: it is asked to end. */
  if ((self->capture >= 0 || self->tell_counts) && self->fd >= 0)
    shutdown(self->fd, SHUT_WR);
  else
    bt_helper_kill(&self->helper);
}

int
bt_net_peer_get_pidfd(const BtNetPeer *self)
{
  return self->helper.pidfd;
}

void
bt_net_peer_kill(BtNetPeer *self)
{
  bt_helper_kill(&self->helper);
}

/* Asked to end: takes what it still tells, for a bounded time. */
static void
hear_out(BtNetPeer *self)
{
  gint64 last = g_get_monotonic_time() + BT_NET_PEER_PATIENCE_MS * G_TIME_SPAN_MILLISECOND;

  bt_watch_clear(&self->source);
  while (self->fd >= 0 && g_get_monotonic_time() < last) {
    struct pollfd pollfd = { .fd = self->fd, .events = POLLIN };
    if (poll(&pollfd, 1, BT_NET_PEER_PATIENCE_MS) == 1)
      on_readable(self->fd, G_IO_IN, self);
  }
}

gboolean
bt_net_peer_settle(BtNetPeer *self, BtNetMsgCounts *counts_out)
{
  if (self->ending && (self->capture >= 0 || self->tell_counts || self->finishing))
    hear_out(self);
  *counts_out = self->counts;
  return self->counted;
}

void
bt_net_peer_free(BtNetPeer *self)
{
  BtNetMsgCounts unused;

  bt_net_peer_settle(self, &unused);
  g_clear_pointer(&self->host_addrs, bt_host_addrs_free);
  watch_clear(&self->waiting[0]);
  watch_clear(&self->waiting[1]);
  if (self->streams >= 0)
    close(self->streams);
  bt_watch_clear(&self->source);
  bt_names_set_answer_func(self->parts.names, NULL, NULL);
  sockets_clear(&self->relays);
  sockets_clear(&self->dialers);
  g_clear_pointer(&self->parts.flow_names, g_hash_table_unref);
  if (self->fd >= 0)
    close(self->fd);
  bt_helper_clear(&self->helper);
  g_free(self);
}
