/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-stack.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <slirp/libslirp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/bt-packet.h"

#define MAX_EVENTS 128
/* What libslirp answers, in ms, when no timer of its runs; those that run are shorter. */
#define NOTHING_DUE 1000u
/* malloc's own, before it is raised by what is freed; and less than that to spare at its end. */
#define MMAP_THRESHOLD (128 << 10)
#define TOP_PAD (64 << 10)

/* What the epoll instance holds of a descriptor; indexed by its number. */
typedef struct {
  guint32 wanted; /* EPOLL*; 0: not in the instance */
  guint32 ready;
  guint32 walk; /* the last walk that wanted it */
} Slot;

typedef struct {
  GSource source;
  BtStack *stack;
} StackSource;

struct _BtStack {
  Slirp *slirp;
  GSource *source;
  gpointer tag;
  int epoll_fd;
  GArray *slots; /* Slot */
  guint32 walk;
  gint64 expires; /* when libslirp wants to look at the time; G_MAXINT64: never */
  gboolean dirty;
  BtStackOutputFunc output;
  gpointer data;
};

static Slot *
slot_at(BtStack *self, int fd)
{
  if (fd >= (int)self->slots->len)
    g_array_set_size(self->slots, fd + 1);
  return &g_array_index(self->slots, Slot, fd);
}

/* ---- the mirror ---- */

static guint32
to_epoll(int events)
{
  return (events & SLIRP_POLL_IN ? EPOLLIN : 0) | (events & SLIRP_POLL_OUT ? EPOLLOUT : 0) |
         (events & SLIRP_POLL_PRI ? EPOLLPRI : 0);
}

static int
from_epoll(guint32 events)
{
  return (events & EPOLLIN ? SLIRP_POLL_IN : 0) | (events & EPOLLOUT ? SLIRP_POLL_OUT : 0) |
         (events & EPOLLPRI ? SLIRP_POLL_PRI : 0) | (events & EPOLLERR ? SLIRP_POLL_ERR : 0) |
         (events & EPOLLHUP ? SLIRP_POLL_HUP : 0);
}

static void
forget(BtStack *self, int fd)
{
  if (fd < 0)
    return;
  Slot *slot = slot_at(self, fd);
  if (slot->wanted != 0)
    epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
  *slot = (Slot){ 0 };
}

static int
add_poll(int fd, int events, gpointer data)
{
  BtStack *self = data;
  Slot *slot = slot_at(self, fd);
  /* EPOLLERR is always reported; it also makes an interest in nothing else not 0. */
  guint32 wanted = to_epoll(events) | EPOLLERR;

  slot->walk = self->walk;
  if (slot->wanted != wanted) {
    struct epoll_event event = { .events = wanted, .data.fd = fd };
    int first = slot->wanted == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(self->epoll_fd, first, fd, &event) != 0)
      epoll_ctl(self->epoll_fd, first == EPOLL_CTL_ADD ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd,
                &event);
    slot->wanted = wanted;
  }
  return fd;
}

static int
get_revents(int fd, gpointer data)
{
  return from_epoll(slot_at(data, fd)->ready);
}

/* Lets libslirp say what it waits for, and until when. */
static void
walk(BtStack *self, gint64 now)
{
  guint32 wait = G_MAXUINT32;

  self->dirty = FALSE;
  self->walk++;
  slirp_pollfds_fill(self->slirp, &wait, add_poll, self);
  self->expires = wait >= NOTHING_DUE ? G_MAXINT64 : now + (gint64)wait * 1000;
}

/* Not g_source_set_ready_time(): it wakes the loop each time by three system calls. */
static gboolean
stack_prepare(GSource *source, int *timeout_out)
{
  BtStack *self = ((StackSource *)source)->stack;
  gint64 now = g_source_get_time(source);

  if (self->dirty)
    walk(self, now);
  *timeout_out = -1;
  if (self->expires != G_MAXINT64)
    *timeout_out = (int)CLAMP((self->expires - now + 999) / 1000, 0, G_MAXINT);
  return *timeout_out == 0;
}

static gboolean
stack_check(GSource *source)
{
  BtStack *self = ((StackSource *)source)->stack;
  return g_source_query_unix_fd(source, self->tag) != 0 ||
         g_source_get_time(source) >= self->expires;
}

static gboolean
stack_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
  BtStack *self = ((StackSource *)source)->stack;
  struct epoll_event events[MAX_EVENTS];
  int n = epoll_wait(self->epoll_fd, events, MAX_EVENTS, 0);

  for (int i = 0; i < n; i++) {
    Slot *slot = slot_at(self, events[i].data.fd);
    if (slot->walk == self->walk)
      slot->ready = events[i].events;
    else
      forget(self, events[i].data.fd);
  }
  slirp_pollfds_poll(self->slirp, 0, get_revents, self);
  for (int i = 0; i < n; i++)
    slot_at(self, events[i].data.fd)->ready = 0;
  self->dirty = TRUE;
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs stack_funcs = {
  .prepare = stack_prepare,
  .check = stack_check,
  .dispatch = stack_dispatch,
};

/* ---- libslirp's callbacks ---- */

static ssize_t
on_send_packet(const void *frame, size_t size, void *data)
{
  BtStack *self = data;
  self->output(self->data, frame, size);
  return (ssize_t)size;
}

static void
on_guest_error(const char *message, void *data)
{
}

static int64_t
on_clock(void *data)
{
  return g_get_monotonic_time() * 1000;
}

/*
 * libslirp's only timer sends router advertisements: the gate would drop them,
 * so it never runs. What it is called by is not looked at.
 */
static void *
on_timer_new(SlirpTimerId id, void *timer_data, void *data)
{
  return data;
}

static void
on_timer_free(void *timer, void *data)
{
}

static void
on_timer_mod(void *timer, int64_t expires_ms, void *data)
{
}

static void
on_poll_fd(int fd, void *data)
{
  forget(data, fd);
}

/* Whatever libslirp was kicked for, the next walk sees it. */
static void
on_notify(void *data)
{
  ((BtStack *)data)->dirty = TRUE;
}

static const SlirpCb callbacks = {
  .send_packet = on_send_packet,
  .guest_error = on_guest_error,
  .clock_get_ns = on_clock,
  .timer_new_opaque = on_timer_new,
  .timer_free = on_timer_free,
  .timer_mod = on_timer_mod,
  .register_poll_fd = on_poll_fd,
  .unregister_poll_fd = on_poll_fd,
  .notify = on_notify,
};

/* ---- life ---- */

static gboolean
has_ipv6(const BtNetMsgConfig *config)
{
  static const BtAddr none;
  return !bt_addr_equal(&config->worker_address6, &none);
}

/* The worker's addresses, told once: no ARP or neighbour discovery needs to pass the gate. */
static void
introduce_worker(BtStack *self, const BtNetMsgConfig *config)
{
  guint8 frame[BT_PACKET_REPLY_SIZE];
  gsize size = bt_packet_write_arp_reply(config->worker_mac, config->worker_address,
                                         config->gateway_mac, config->gateway, frame);
  slirp_input(self->slirp, frame, (int)size);
  if (!has_ipv6(config))
    return;
  size = bt_packet_write_advertisement(config->worker_mac, &config->worker_address6,
                                       config->gateway_mac, &config->gateway6, frame);
  slirp_input(self->slirp, frame, (int)size);
}

static struct in6_addr
to_in6(const BtAddr *addr)
{
  struct in6_addr in6;
  memcpy(&in6, addr->bytes, sizeof in6);
  return in6;
}

/* An address of libslirp's network, with another end. */
static struct in6_addr
in_network6(const BtNetMsgConfig *config, guint8 last)
{
  BtAddr addr = config->gateway6;
  memset(addr.bytes + BT_NET_PREFIX_LENGTH6 / 8, 0, 16 - BT_NET_PREFIX_LENGTH6 / 8);
  addr.bytes[15] = last;
  return to_in6(&addr);
}

static Slirp *
start_slirp(BtStack *self, const BtNetMsgConfig *config)
{
  guint32 mask = htonl(config->prefix_length == 0 ? 0 : G_MAXUINT32 << (32 - config->prefix_length));
  SlirpConfig slirp = {
    .version = 4,
    .in_enabled = true,
    .vnetwork.s_addr = config->gateway & mask,
    .vnetmask.s_addr = mask,
    .vhost.s_addr = config->gateway,
    /* libslirp insists on a resolver of its own network, and must then not serve it. */
    .vnameserver.s_addr = config->gateway ^ htonl(1),
    .in6_enabled = has_ipv6(config),
    .vprefix_addr6 = in_network6(config, 0),
    .vprefix_len = BT_NET_PREFIX_LENGTH6,
    .vhost6 = to_in6(&config->gateway6),
    .vnameserver6 = in_network6(config, config->gateway6.bytes[15] ^ 1),
    .if_mtu = config->mtu,
    .if_mru = config->mtu,
    .disable_host_loopback = true,
    .disable_dns = true,
    .disable_dhcp = true,
  };
  return slirp_new(&slirp, &callbacks, self);
}

/*
 * libslirp makes two buffers of 128 KiB a connection, and enlarges both once it
 * knows the segment size. On the heap realloc() then copies what nobody has
 * written yet: 160 page faults before the first SYN is answered. As mappings of
 * their own they are moved by the page table, and touched only as they fill.
 */
static void
keep_buffers_apart(void)
{
  mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
  mallopt(M_TOP_PAD, TOP_PAD);
}

BtStack *
bt_stack_new(const BtNetMsgConfig *config, BtStackOutputFunc output, gpointer data)
{
  BtStack *self = g_new0(BtStack, 1);

  keep_buffers_apart();
  self->output = output;
  self->data = data;
  self->slots = g_array_new(FALSE, TRUE, sizeof(Slot));
  self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  self->slirp = self->epoll_fd >= 0 ? start_slirp(self, config) : NULL;
  if (self->slirp == NULL) {
    bt_stack_free(self);
    return NULL;
  }
  introduce_worker(self, config);
  /*
   * Only for its clock, which this sets: what was sent before the first poll
   * would be taken for as old as the machine, and forgotten after it.
   */
  slirp_pollfds_poll(self->slirp, 1, get_revents, self);
  self->source = g_source_new(&stack_funcs, sizeof(StackSource));
  ((StackSource *)self->source)->stack = self;
  self->tag = g_source_add_unix_fd(self->source, self->epoll_fd, G_IO_IN);
  g_source_set_can_recurse(self->source, TRUE); /* as bt_watch_fd() */
  g_source_attach(self->source, NULL);
  self->expires = G_MAXINT64;
  self->dirty = TRUE;
  return self;
}

void
bt_stack_free(BtStack *self)
{
  if (self->slirp != NULL)
    slirp_cleanup(self->slirp);
  if (self->source != NULL) {
    g_source_destroy(self->source);
    g_source_unref(self->source);
  }
  if (self->epoll_fd >= 0)
    close(self->epoll_fd);
  g_array_unref(self->slots);
  g_free(self);
}

void
bt_stack_abort(BtStack *self)
{
  static const struct linger at_once = { .l_onoff = 1 };

  for (guint fd = 0; fd < self->slots->len; fd++)
    if (slot_at(self, fd)->wanted != 0)
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  bt_stack_free(self);
}

void
bt_stack_input(BtStack *self, const guint8 *frame, gsize size)
{
  slirp_input(self->slirp, frame, (int)size);
  self->dirty = TRUE;
}
