/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime-net: the sandbox's network.
 *
 *   worker ── frame fd ── gate ── libslirp ── the host's sockets
 *   worker ── DNS sockets ── lookups ── control socket ── supervisor
 *   worker ── sockets on its loopback ── relays ── the host's loopback
 *   worker ── its own listening sockets ── relays ── ports published on the host
 *
 * Started with the control socket as descriptor 3 and nothing else of use.
 * The order is the security property:
 *
 *   1. its life is bound to the supervisor's
 *   2. CONFIG is received, from the supervisor, who is trusted so far
 *   3. libslirp is set up (it opens /dev/urandom)
 *   4. confinement: from here on no file, no exec, no other kind of socket
 *   5. only now the first frame or query is read
 *   6. READY
 *
 * Without a frame fd steps 3 and the packet part of 5 are left out: then it
 * only answers DNS, so that a denied name can be explained.  Where the sandbox has no network of
 * its own (lib/bt-notify-flat.c) it does no more either, by streams that the supervisor hands over.
 */
#include <glib.h>
#include <signal.h>

#include "net/bt-buffers.h"
#include "net/bt-confine.h"
#include "net/bt-control.h"
#include "net/bt-dns-tcp.h"
#include "net/bt-dns-udp.h"
#include "net/bt-frames.h"
#include "net/bt-gate.h"
#include "net/bt-localhost.h"
#include "net/bt-lookups.h"
#include "net/bt-publish.h"
#include "net/bt-stack.h"
#include "net/bt-ticker.h"

typedef struct {
  BtSetup setup;
  BtTicker ticker;
  BtPins *pins;
  BtFlows *flows;
  BtDenials *denials;
  BtGate gate;
  BtLookups *lookups;
  BtDnsUdp *udp; /* NULL: streams are handed over */
  BtDnsTcp *tcp;
  BtLocalhost *localhost; /* NULL: nothing of it is granted */
  BtPublish *publish;     /* NULL: nothing is published */
  gboolean finishing;     /* the worker is gone */
  BtStack *stack;   /* NULL without a frame fd, and once the bytes are used up */
  BtFrames *frames; /* NULL without a frame fd */
  BtCapture *capture; /* NULL: frames are not recorded */
  GMainLoop *loop;
} Net;

#ifdef BT_SANITIZED
/* Leaks are looked for by a tracer, which the filter refuses. The environment is empty. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *
__asan_default_options(void)
{
  return "detect_leaks=0";
}
#endif

/* ---- packets ---- */

/* Flows ended in one dispatch: the worker's interface takes so many frames at once. */
#define CUT_BATCH 64
/* Dispatches after the end that bring what was not yet seen. */
#define LAST_ROUNDS 16

static gboolean
cut_off(gpointer data)
{
  Net *net = data;
  guint8 reply[BT_PACKET_REPLY_SIZE];
  gsize size;

  g_clear_pointer(&net->stack, bt_stack_abort);
  if (net->localhost != NULL)
    bt_localhost_cut(net->localhost);
  for (int i = 0; i < CUT_BATCH; i++) {
    if (!bt_gate_cut(&net->gate, g_get_monotonic_time(), reply, &size))
      return G_SOURCE_REMOVE;
    if (size > 0)
      bt_frames_write(net->frames, reply, size);
  }
  return G_SOURCE_CONTINUE;
}

/* Later, since libslirp or a relay is in the middle of what it does. */
static void
on_spent(gpointer data)
{
  g_idle_add_full(G_PRIORITY_DEFAULT, cut_off, data, NULL);
}

/* By a frame of the worker's, so libslirp is in the middle of nothing. */
static void
on_reclaimed(gpointer data, const BtFlow *flow)
{
  Net *net = data;
  guint8 reset[BT_PACKET_REPLY_SIZE];

  gsize size = bt_gate_write_reset(&net->gate, flow, TRUE, reset);
  if (size > 0)
    bt_frames_write(net->frames, reset, size);
  size = bt_gate_write_reset(&net->gate, flow, FALSE, reset);
  if (size > 0 && net->stack != NULL)
    bt_stack_input(net->stack, reset, size);
}

static void
on_frame(gpointer data, guint8 *frame, gsize size)
{
  Net *net = data;
  guint8 reply[BT_PACKET_REPLY_SIZE];
  gsize reply_size = 0;

  bt_ticker_arm(&net->ticker);
  switch (bt_gate_outbound(&net->gate, frame, &size, g_get_monotonic_time(), reply,
                           &reply_size)) {
  case BT_GATE_PASS:
    if (net->stack != NULL)
      bt_stack_input(net->stack, frame, size);
    break;
  case BT_GATE_REPLY:
    bt_frames_write(net->frames, reply, reply_size);
    break;
  case BT_GATE_RESET:
    if (net->stack != NULL)
      bt_stack_input(net->stack, frame, size);
    if (reply_size > 0)
      bt_frames_write(net->frames, reply, reply_size);
    break;
  case BT_GATE_DROP:
    break;
  }
}

static gboolean
on_frames_idle(gpointer data)
{
  Net *net = data;
  return net->stack != NULL && bt_stack_settle(net->stack);
}

static void
on_stack_output(gpointer data, const guint8 *frame, gsize size)
{
  Net *net = data;
  guint8 error[BT_PACKET_REPLY_SIZE];
  gsize error_size;

  if (net->frames == NULL)
    return;
  if (bt_gate_inbound(&net->gate, frame, size, g_get_monotonic_time(), error, &error_size))
    bt_frames_write(net->frames, frame, size);
  else if (error_size > 0)
    bt_frames_write(net->frames, error, error_size);
}

/* ---- to the supervisor ---- */

static gboolean
send_resolve(gpointer data, const BtNetMsgResolve *resolve)
{
  Net *net = data;
  bt_ticker_arm(&net->ticker);
  return bt_control_send(BT_NET_CONTROL_FD, resolve, sizeof *resolve);
}

/* Of no one name. */
static void
on_flood(gpointer data, gint64 now)
{
  const BtNetMsgDenied denied = { .reason = BT_NET_REASON_QUERIES, .rule = BT_NET_RULE_DEFAULT };
  bt_denials_add(((Net *)data)->denials, &denied, now);
  bt_ticker_arm(&((Net *)data)->ticker);
}

static void
on_frame_lost(gpointer data)
{
  const BtNetMsgDenied denied = { .reason = BT_NET_REASON_CAPTURE, .rule = BT_NET_RULE_DEFAULT };
  bt_denials_add(((Net *)data)->denials, &denied, g_get_monotonic_time());
  bt_ticker_arm(&((Net *)data)->ticker);
}

static gboolean
send_unpin(gpointer data, const BtAddr *addr, guint32 rule)
{
  const BtNetMsgUnpin unpin = { .header.kind = BT_NET_MSG_UNPIN, .addr = *addr, .rule = rule };
  return bt_control_send(BT_NET_CONTROL_FD, &unpin, sizeof unpin);
}

static gboolean
send_denied(gpointer data, const BtNetMsgDenied *denied)
{
  return bt_control_send(BT_NET_CONTROL_FD, denied, sizeof *denied);
}

static void
tell_flow(gpointer data, const BtFlow *flow, gboolean opened)
{
  const BtNetMsgFlow message = bt_flows_describe(flow, opened);
  bt_control_send(BT_NET_CONTROL_FD, &message, sizeof message);
}

/* ---- from the supervisor ---- */

static void
on_answer(gpointer data, const BtNetMsgAnswer *answer)
{
  Net *net = data;
  bt_ticker_arm(&net->ticker);
  bt_lookups_answer(net->lookups, answer, g_get_monotonic_time());
}

static void
on_host_addrs(gpointer data, const BtNetMsgHostAddrs *host_addrs)
{
  Net *net = data;
  bt_pins_set_host_addrs(net->pins, host_addrs->addrs, host_addrs->n_addrs);
}

static void
on_open(gpointer data, const BtNetMsgOpen *open)
{
  Net *net = data;
  gboolean refused =
    net->localhost != NULL && bt_localhost_open(net->localhost, &open->addr, (guint16)open->port,
                                                g_get_monotonic_time());
  const BtNetMsgOpened opened = {
    .header = { .kind = BT_NET_MSG_OPENED, .id = open->header.id },
    .refused = refused,
  };
  bt_control_send(BT_NET_CONTROL_FD, &opened, sizeof opened);
}

static void
on_ended(gpointer data)
{
  g_main_loop_quit(((Net *)data)->loop);
}

/* ---- time ---- */

static void
end_if_finished(Net *net)
{
  if (net->finishing && (net->localhost == NULL || bt_localhost_is_idle(net->localhost)) &&
      (net->publish == NULL || bt_publish_is_idle(net->publish)))
    g_main_loop_quit(net->loop);
}

static void
on_change(gpointer data)
{
  Net *net = data;

  bt_ticker_arm(&net->ticker);
  end_if_finished(net);
}

static void
on_finish(gpointer data)
{
  Net *net = data;

  if (net->localhost != NULL)
    bt_localhost_finish(net->localhost);
  if (net->publish != NULL)
    bt_publish_finish(net->publish);
  net->finishing = TRUE;
  end_if_finished(net);
}

static gboolean
on_tick(gpointer data, gint64 now)
{
  Net *net = data;
  gboolean more = bt_flows_sweep(net->flows, now); /* before the pins that they hold */

  more |= bt_pins_sweep(net->pins, now);
  more |= bt_denials_sweep(net->denials, now);
  more |= bt_lookups_sweep(net->lookups, now);
  more |= bt_dns_tcp_sweep(net->tcp, now);
  if (net->localhost != NULL)
    more |= bt_localhost_sweep(net->localhost, now);
  if (net->publish != NULL)
    more |= bt_publish_sweep(net->publish, now);
  return more;
}

/* ---- start ---- */

static void
prepare(Net *net)
{
  const BtNetMsgConfig *config = &net->setup.config;

  bt_ticker_init(&net->ticker, on_tick, net);
  net->loop = g_main_loop_new(NULL, FALSE);
  net->pins = bt_pins_new((gint64)config->pin_seconds * G_USEC_PER_SEC, send_unpin, net);
  net->flows = bt_flows_new(net->pins);
  bt_flows_set_reclaimed_func(net->flows, on_reclaimed, net);
  if (config->tell_flows)
    bt_flows_set_told_func(net->flows, tell_flow, net);
  net->denials = bt_denials_new(send_denied, net);
  net->lookups = bt_lookups_new(net->pins, send_resolve, on_flood, net);
  net->gate = (BtGate){
    .config = *config,
    .policy = net->setup.policy,
    .pins = net->pins,
    .flows = net->flows,
    .denials = net->denials,
    .spent = on_spent,
    .data = net,
  };
  bt_quota_init(&net->gate.quota, config->flow_rate, config->byte_limit, g_get_monotonic_time());
}

static void
on_published(gpointer data, const BtAddr *addr, guint16 port, guint listener)
{
  const BtNetMsgAccepted accepted = {
    .header.kind = BT_NET_MSG_ACCEPTED,
    .addr = *addr,
    .port = port,
    .listener = listener,
  };
  bt_control_send(BT_NET_CONTROL_FD, &accepted, sizeof accepted);
}

/* Nothing of the worker's was read before this. */
static void
serve(Net *net)
{
  static const BtControlFuncs control = {
    .answer = on_answer,
    .host_addrs = on_host_addrs,
    .open = on_open,
    .finish = on_finish,
    .ended = on_ended,
  };
  static const BtPublishFuncs publish = { .changed = on_change, .accepted = on_published };
  const BtNetMsgHeader ready = { .kind = BT_NET_MSG_READY };

  bt_control_watch(BT_NET_CONTROL_FD, &control, net);
  if (net->setup.udp_fd >= 0)
    net->udp = bt_dns_udp_new(net->setup.udp_fd, net->lookups);
  net->tcp = net->setup.streams_fd >= 0
               ? bt_dns_tcp_new_handed(net->setup.streams_fd, net->lookups, on_change, net)
               : bt_dns_tcp_new(net->setup.tcp_fd, net->lookups, on_change, net);
  if (net->setup.n_relays > 0)
    net->localhost = bt_localhost_new(net->setup.relay_fds, net->setup.n_relays, &net->gate,
                                      on_change, net);
  if (net->setup.publish.n_listeners > 0)
    net->publish = bt_publish_new(&net->setup.publish, net->setup.publish_fds, &net->gate,
                                  &publish, net);
  if (net->stack != NULL)
    net->frames = bt_frames_new(net->setup.frame_fd, on_frame, on_frames_idle, net);
  if (net->frames != NULL && net->setup.capture_fd >= 0) {
    net->capture = bt_capture_new(net->setup.capture_fd, BT_CAPTURE_MAX, on_frame_lost, net);
    bt_frames_set_capture(net->frames, net->capture);
  }
  bt_control_send(BT_NET_CONTROL_FD, &ready, sizeof ready);
  g_main_loop_run(net->loop);
}

/* When all flows have ended. */
static void
tell_counts(Net *net)
{
  BtFlowsTotal total = bt_flows_get_total(net->flows);
  const BtNetMsgCounts counts = {
    .header.kind = BT_NET_MSG_COUNTS,
    .flows = total.flows,
    .bytes_out = total.bytes_out,
    .bytes_in = total.bytes_in,
    .dropped = net->gate.refused,
    .queries = bt_lookups_count(net->lookups),
  };
  bt_control_send(BT_NET_CONTROL_FD, &counts, sizeof counts);
}

/* The loop has ended, and somebody waits for the last that is seen. */
static void
finish(Net *net)
{
  BtFlow *flow;

  /* The worker's last frames may still be on their way. */
  for (int i = 0; i < LAST_ROUNDS && g_main_context_iteration(NULL, FALSE); i++)
    ;
  while ((flow = bt_flows_peek(net->flows)) != NULL)
    bt_flows_remove(net->flows, flow, g_get_monotonic_time());
  g_clear_pointer(&net->localhost, bt_localhost_free);
  g_clear_pointer(&net->publish, bt_publish_free);
  if (net->setup.config.tell_counts)
    tell_counts(net);
  if (net->capture != NULL) {
    bt_frames_set_capture(net->frames, NULL);
    bt_capture_free(net->capture);
  }
}

/* What libslirp and the gate take for granted of a network. */
static gboolean
can_be(const BtNetMsgConfig *config)
{
  BtAddr worker = bt_addr_from_ipv4(config->worker_address);
  BtAddr gateway = bt_addr_from_ipv4(config->gateway);

  return config->prefix_length >= 8 && config->prefix_length <= 30 &&
         config->worker_address != 0 && config->worker_address != config->gateway &&
         bt_addr_in(&worker, &gateway, 96 + config->prefix_length); /* of IPv6: bt-net-msg.c */
}

/* The process ends with the loop, and the kernel frees the rest. */
int
main(void)
{
  static Net net;

  if (!bt_confine_bind_life())
    return BT_NET_EXIT_PRIVILEGES;
  if (!bt_control_receive_setup(BT_NET_CONTROL_FD, &net.setup))
    return BT_NET_EXIT_SETUP;
  prepare(&net);
  if (net.setup.frame_fd >= 0) {
    if (!can_be(&net.setup.config))
      return BT_NET_EXIT_SETUP;
    bt_buffers_reserve();
    net.stack = bt_stack_new(&net.setup.config, on_stack_output, &net);
    if (net.stack == NULL)
      return BT_NET_EXIT_STACK;
  }
  /* The far side of a connection may go while it is written to, as may whoever reads the capture. */
  signal(SIGPIPE, SIG_IGN);
  int status = bt_confine(net.setup.streams_fd >= 0);
  if (status != BT_NET_EXIT_OK)
    return status;
  serve(&net);
  if (net.capture != NULL || net.setup.config.tell_flows || net.setup.config.tell_counts)
    finish(&net);
  return BT_NET_EXIT_OK;
}
