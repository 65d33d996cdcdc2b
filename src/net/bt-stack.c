/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-stack.h"

#include <arpa/inet.h>
#include <slirp/libslirp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/bt-packet.h"

#define MAX_EVENTS 128
#define N_PARTS 64u /* bits of a guint64 */
/* What libslirp answers, in ms, when no timer of its runs; those that run are shorter. */
#define NOTHING_DUE 1000u
/* Longer waits end together: each part has its own, and nobody is to be woken by each. */
#define ROUNDED_MS 100
/* An acknowledgement has little else, and is what opens a window. */
#define SMALL_FRAME 128u

/* What the epoll instance holds of a descriptor; indexed by its number. */
typedef struct {
  guint32 wanted; /* EPOLL*; 0: not in the instance */
  guint32 ready;
  guint32 walk; /* the last walk of its part that wanted it */
  guint32 part;
  guint32 place; /* among that part's */
  gboolean open; /* a socket of libslirp's, whether it is wanted or not */
} Slot;

typedef struct {
  BtStack *stack;
  Slirp *slirp; /* NULL: nothing has come here yet */
  guint32 walk;
  guint32 n_wanted; /* in this walk */
  GArray *fds;      /* int: what the epoll instance holds for it */
  gint64 expires; /* when libslirp wants to look at the time; G_MAXINT64: never */
} Part;

typedef struct {
  GSource source;
  BtStack *stack;
} StackSource;

struct _BtStack {
  BtNetMsgConfig config;
  Part parts[N_PARTS];
  guint64 dirty;  /* parts that want other things than the mirror has */
  gint64 expires; /* the earliest of the parts */
  GSource *source;
  gpointer tag;
  int epoll_fd;
  GArray *slots; /* Slot */
  BtStackOutputFunc output;
  gpointer data;
};

static guint
index_of(const Part *part)
{
  return (guint)(part - part->stack->parts);
}

static guint64
bit_of(const Part *part)
{
  return (guint64)1 << index_of(part);
}

/* Takes one of the parts out of a set of them; NULL: it is empty. */
static Part *
take_part(BtStack *self, guint64 *set)
{
  if (*set == 0)
    return NULL;
  Part *part = &self->parts[__builtin_ctzll(*set)];
  *set &= *set - 1;
  return part;
}

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
  if (slot->wanted != 0) {
    GArray *fds = self->parts[slot->part].fds;
    int last = g_array_index(fds, int, fds->len - 1);
    g_array_index(fds, int, slot->place) = last;
    slot_at(self, last)->place = slot->place;
    g_array_set_size(fds, fds->len - 1);
    epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
  }
  *slot = (Slot){ .open = slot->open };
}

static int
add_poll(int fd, int events, gpointer data)
{
  Part *part = data;
  BtStack *self = part->stack;
  Slot *slot = slot_at(self, fd);
  /* EPOLLERR is always reported; it also makes an interest in nothing else not 0. */
  guint32 wanted = to_epoll(events) | EPOLLERR;

  if (slot->wanted != 0 && slot->part != index_of(part))
    forget(self, fd);
  slot->walk = part->walk;
  part->n_wanted++;
  if (slot->wanted == 0) {
    slot->part = index_of(part);
    slot->place = part->fds->len;
    g_array_append_val(part->fds, fd);
  }
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
  return from_epoll(slot_at(((Part *)data)->stack, fd)->ready);
}

static gint64
expiry(guint32 wait, gint64 now)
{
  const gint64 rounded = ROUNDED_MS * G_TIME_SPAN_MILLISECOND;

  if (wait >= NOTHING_DUE)
    return G_MAXINT64;
  gint64 expires = now + (gint64)wait * G_TIME_SPAN_MILLISECOND;
  return wait < ROUNDED_MS ? expires : (expires + rounded - 1) / rounded * rounded;
}

/* One that stayed would be ready, more often than not, and wake us for nothing. */
static void
forget_unwanted(Part *part)
{
  for (guint i = part->fds->len; i-- > 0;) {
    int fd = g_array_index(part->fds, int, i);
    if (slot_at(part->stack, fd)->walk != part->walk)
      forget(part->stack, fd);
  }
}

/* Lets libslirp say what it waits for, and until when. */
static void
walk(Part *part, gint64 now)
{
  guint32 wait = G_MAXUINT32;

  part->walk++;
  part->n_wanted = 0;
  slirp_pollfds_fill(part->slirp, &wait, add_poll, part);
  if (part->n_wanted != part->fds->len)
    forget_unwanted(part);
  part->expires = expiry(wait, now);
}

static void
walk_dirty(BtStack *self, gint64 now)
{
  Part *part;

  if (self->dirty == 0)
    return;
  while ((part = take_part(self, &self->dirty)) != NULL)
    walk(part, now);
  self->expires = G_MAXINT64;
  for (guint i = 0; i < N_PARTS; i++)
    self->expires = MIN(self->expires, self->parts[i].expires);
}

/* Not g_source_set_ready_time(): it wakes the loop each time by three system calls. */
static gboolean
stack_prepare(GSource *source, int *timeout_out)
{
  BtStack *self = ((StackSource *)source)->stack;
  gint64 now = g_source_get_time(source);

  walk_dirty(self, now);
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

/* Notes what is ready; the parts that are concerned. */
static guint64
look_at(BtStack *self, const struct epoll_event *events, int n)
{
  guint64 due = 0;

  for (int i = 0; i < n; i++) {
    Slot *slot = slot_at(self, events[i].data.fd);
    const Part *part = &self->parts[slot->part];
    if (slot->walk == part->walk) {
      slot->ready = events[i].events;
      due |= bit_of(part);
    } else {
      forget(self, events[i].data.fd);
    }
  }
  return due;
}

static guint64
find_expired(BtStack *self, gint64 now)
{
  guint64 due = 0;

  for (guint i = 0; now >= self->expires && i < N_PARTS; i++)
    if (now >= self->parts[i].expires)
      due |= bit_of(&self->parts[i]);
  return due;
}

/* Lets libslirp look at what is ready, and besides at the parts that are due. FALSE: at nothing. */
static gboolean
run_parts(BtStack *self, guint64 due)
{
  struct epoll_event events[MAX_EVENTS];
  int n = epoll_wait(self->epoll_fd, events, MAX_EVENTS, 0);
  Part *part;

  due |= look_at(self, events, n);
  if (due == 0)
    return FALSE;
  self->dirty |= due;
  while ((part = take_part(self, &due)) != NULL)
    slirp_pollfds_poll(part->slirp, 0, get_revents, part);
  for (int i = 0; i < n; i++)
    slot_at(self, events[i].data.fd)->ready = 0;
  return TRUE;
}

static gboolean
stack_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
  BtStack *self = ((StackSource *)source)->stack;

  run_parts(self, find_expired(self, g_source_get_time(source)));
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
  BtStack *self = ((Part *)data)->stack;
  guint8 small[SMALL_FRAME];

  if (size <= sizeof small) {
    memcpy(small, frame, size);
    bt_packet_even_window(small, size);
    frame = small;
  }
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
set_open(BtStack *self, int fd, gboolean open)
{
  forget(self, fd);
  if (fd >= 0)
    slot_at(self, fd)->open = open;
}

static void
on_opened(int fd, void *data)
{
  set_open(((Part *)data)->stack, fd, TRUE);
}

static void
on_closed(int fd, void *data)
{
  set_open(((Part *)data)->stack, fd, FALSE);
}

/* Whatever libslirp was kicked for, the next walk sees it. */
static void
on_notify(void *data)
{
  Part *part = data;
  part->stack->dirty |= bit_of(part);
}

static const SlirpCb callbacks = {
  .send_packet = on_send_packet,
  .guest_error = on_guest_error,
  .clock_get_ns = on_clock,
  .timer_new_opaque = on_timer_new,
  .timer_free = on_timer_free,
  .timer_mod = on_timer_mod,
  .register_poll_fd = on_opened,
  .unregister_poll_fd = on_closed,
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
introduce_worker(Slirp *slirp, const BtNetMsgConfig *config)
{
  guint8 frame[BT_PACKET_REPLY_SIZE];
  gsize size = bt_packet_write_arp_reply(config->worker_mac, config->worker_address,
                                         config->gateway_mac, config->gateway, frame);
  slirp_input(slirp, frame, (int)size);
  if (!has_ipv6(config))
    return;
  size = bt_packet_write_advertisement(config->worker_mac, &config->worker_address6,
                                       config->gateway_mac, &config->gateway6, frame);
  slirp_input(slirp, frame, (int)size);
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
start_slirp(Part *part, const BtNetMsgConfig *config)
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
  return slirp_new(&slirp, &callbacks, part);
}

/* All but the first one's start is behind the confinement, and needs nothing that it takes. */
static gboolean
start_part(Part *part)
{
  const BtNetMsgConfig *config = &part->stack->config;

  part->fds = g_array_new(FALSE, FALSE, sizeof(int));
  part->slirp = start_slirp(part, config);
  if (part->slirp == NULL)
    return FALSE;
  introduce_worker(part->slirp, config);
  /*
   * Only for its clock, which this sets: what was sent before the first poll
   * would be taken for as old as the machine, and forgotten after it.
   */
  slirp_pollfds_poll(part->slirp, 1, get_revents, part);
  part->stack->dirty |= bit_of(part);
  return TRUE;
}

BtStack *
bt_stack_new(const BtNetMsgConfig *config, BtStackOutputFunc output, gpointer data)
{
  BtStack *self = g_new0(BtStack, 1);

  self->config = *config;
  self->output = output;
  self->data = data;
  for (guint i = 0; i < N_PARTS; i++)
    self->parts[i] = (Part){ .stack = self, .expires = G_MAXINT64 };
  self->expires = G_MAXINT64;
  self->slots = g_array_new(FALSE, TRUE, sizeof(Slot));
  self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (self->epoll_fd < 0 || !start_part(&self->parts[0])) {
    bt_stack_free(self);
    return NULL;
  }
  self->source = g_source_new(&stack_funcs, sizeof(StackSource));
  ((StackSource *)self->source)->stack = self;
  self->tag = g_source_add_unix_fd(self->source, self->epoll_fd, G_IO_IN);
  g_source_set_can_recurse(self->source, TRUE); /* as bt_watch_fd() */
  g_source_attach(self->source, NULL);
  return self;
}

void
bt_stack_free(BtStack *self)
{
  for (guint i = 0; i < N_PARTS; i++) {
    if (self->parts[i].slirp != NULL)
      slirp_cleanup(self->parts[i].slirp);
    g_clear_pointer(&self->parts[i].fds, g_array_unref);
  }
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
    if (slot_at(self, fd)->open)
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  bt_stack_free(self);
}

/*
 * By the worker's port alone, since libslirp has one socket for all that a UDP port
 * sends; what has no ports is in one part by whatever is in their place.
 */
static Part *
part_of(BtStack *self, const guint8 *frame, gsize size)
{
  gboolean ipv6 = size > BT_ETHERNET_SIZE && frame[BT_ETHERNET_SIZE] >> 4 == 6;
  gsize ports = BT_ETHERNET_SIZE + (ipv6 ? 40 : 20); /* the gate passes no options */

  if (size < ports + 2)
    return &self->parts[0];
  guint port = (guint)frame[ports] << 8 | frame[ports + 1];
  /* A kernel chooses even ones for connect(), by and large. */
  return &self->parts[(port >> 1 ^ port >> 7) % N_PARTS];
}

void
bt_stack_input(BtStack *self, const guint8 *frame, gsize size)
{
  Part *part = part_of(self, frame, size);

  if (part->slirp == NULL && !start_part(part))
    return;
  slirp_input(part->slirp, frame, (int)size);
  self->dirty |= bit_of(part);
}

gboolean
bt_stack_settle(BtStack *self)
{
  walk_dirty(self, g_source_get_time(self->source));
  return run_parts(self, 0);
}
