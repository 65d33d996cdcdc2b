/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Names of hosts as they come from the wire: DNS, TLS, HTTP.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BT_HOST_NAME_SIZE 256 /* a name's text, lower-cased, without the last dot, NUL */

/* Letters, digits, hyphens and underscores: it is shown to people and given to resolvers. */
bool bt_host_name_is_valid(const char name[BT_HOST_NAME_SIZE]);
/* Lower-cases and takes the last dot away; false: it is no valid name. */
bool bt_host_name_read(const uint8_t *bytes, size_t size, char name_out[BT_HOST_NAME_SIZE]);
/* Is name what a rule's host means? below: the names below host, not itself. */
bool bt_host_name_matches(const char *name, const char *host, bool below);
