/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "wire/bt-plan.h"

/* The worker's interface as a veth pair; the AF_PACKET socket behind its peer. bt-veth.c */
int bt_veth_open(const char *name, uint32_t mtu);

/* Two sockets on the address, port 53: UDP, and TCP that listens. bt-dns-sockets.c */
void bt_dns_sockets_open(uint32_t address, int fds_out[2]);

/* Opens, reports and closes the plan's listening sockets for relays. bt-relay-sockets.c */
void bt_relay_sockets_open(const BtPlanView *plan);
/* The same for its stock of sockets for published ports. */
void bt_dialers_open(const BtPlanView *plan);
