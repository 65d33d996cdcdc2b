/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ports of the host's loopback that were granted, as listening sockets on
 * the sandbox's own: buntime-net takes what comes in and connects outside.
 *
 * They are bound before anything of the worker's runs, and without
 * SO_REUSEADDR or SO_REUSEPORT, so that no other socket can ever share their
 * ports (EADDRINUSE).  The descriptors go to the supervisor and are closed
 * here: the worker inherits none.
 *
 * For published ports it is the other way round: buntime-net connects into the
 * sandbox, where it cannot make a socket.  A socket stays in the network
 * namespace that it was made in, so a stock of them is made here, unconnected.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init/bt-net-parts.h"
#include "init/bt-report.h"

#define BACKLOG 128

typedef union {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
} Address;

/* -1, with errno, if there is no socket at this address. */
static int
open_listener(const Address *address, socklen_t length)
{
  int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (fd >= 0 && (bind(fd, &address->any, length) != 0 || listen(fd, BACKLOG) != 0)) {
    int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

/* Where the kernel was started without IPv6 there is no ::1, for nobody. */
static bool
lacks_ipv6(void)
{
  return errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL;
}

static unsigned
open_relay(const BtPlanRelay *relay, int *fds_out)
{
  const Address ipv4 = { .in = { .sin_family = AF_INET,
                                 .sin_port = htons(relay->port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
  const Address ipv6 = { .in6 = { .sin6_family = AF_INET6,
                                  .sin6_port = htons(relay->port),
                                  .sin6_addr = IN6ADDR_LOOPBACK_INIT } };
  char object[32];
  unsigned count = 0;

  if ((relay->families & BT_PLAN_RELAY_IPV4) != 0) {
    snprintf(object, sizeof object, "127.0.0.1:%u", relay->port);
    fds_out[count] = open_listener(&ipv4, sizeof ipv4.in);
    if (fds_out[count++] < 0)
      bt_fail_at(object);
  }
  if ((relay->families & BT_PLAN_RELAY_IPV6) != 0) {
    snprintf(object, sizeof object, "[::1]:%u", relay->port);
    fds_out[count] = open_listener(&ipv6, sizeof ipv6.in6);
    if (fds_out[count] >= 0)
      count++;
    else if (count == 0 || !lacks_ipv6())
      bt_fail_at(object);
  }
  return count;
}

void
bt_relay_sockets_open(const BtPlanView *plan)
{
  int fds[BT_STATUS_MAX_FDS];
  unsigned count = 0;

  for (uint32_t i = 0; i < plan->header->relays.count; i++)
    count += open_relay(&plan->relays[i], fds + count);
  if (count == 0)
    return;
  bt_report_fds(BT_STATUS_RELAYS, 0, fds, count);
  for (unsigned i = 0; i < count; i++)
    close(fds[i]);
}

void
bt_dialers_open(const BtPlanView *plan)
{
  static const int families[] = { AF_INET, AF_INET6 };
  int fds[BT_STATUS_MAX_FDS];
  unsigned count = 0;

  for (unsigned family = 0; family < 2; family++)
    for (uint32_t i = 0; i < plan->header->dialers; i++) {
      fds[count] = socket(families[family], SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      if (fds[count] >= 0)
        count++;
      else if (family == 0 || errno != EAFNOSUPPORT)
        bt_fail_at("sockets for published ports");
    }
  if (count == 0)
    return;
  bt_report_fds(BT_STATUS_DIALERS, 0, fds, count);
  for (unsigned i = 0; i < count; i++)
    close(fds[i]);
}
