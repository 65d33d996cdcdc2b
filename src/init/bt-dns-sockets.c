/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The resolver's sockets, in the sandbox's network namespace but read outside
 * of it: a query needs no frame, so it is answered without a network too.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "init/bt-net-parts.h"
#include "init/bt-report.h"

#define DNS_PORT 53
#define DNS_BACKLOG 32

static int
open_bound(int type, uint32_t address, const char *object)
{
  struct sockaddr_in name = {
    .sin_family = AF_INET,
    .sin_port = htons(DNS_PORT),
    .sin_addr.s_addr = address,
  };
  int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (fd < 0 || bind(fd, (const struct sockaddr *)&name, sizeof name) != 0)
    bt_fail_at(object);
  return fd;
}

void
bt_dns_sockets_open(uint32_t address, int fds_out[2])
{
  fds_out[0] = open_bound(SOCK_DGRAM, address, "DNS socket (udp)");
  fds_out[1] = open_bound(SOCK_STREAM, address, "DNS socket (tcp)");
  if (listen(fds_out[1], DNS_BACKLOG) != 0)
    bt_fail_at("DNS socket (tcp)");
}
