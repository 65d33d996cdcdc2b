/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Memory for libslirp's connections.
 *
 * Each connection has two buffers of 128 KiB, which libslirp enlarges to nearly
 * 192 KiB once it knows the segment size, before anything is in them. malloc()
 * makes that dear: on the heap realloc() copies what nobody has written yet, and
 * as mappings of their own they are made, moved and unmapped by six system
 * calls a connection, with as many flushes of the page table.
 *
 * So they have places of one size in one reserved range. A place is found by a
 * list, grows without moving, and keeps its pages for the next connection,
 * unless many are kept already.
 *
 * libslirp has them from g_realloc() and gives them to g_free(), and the linker
 * prefers this program's definitions to GLib's. They do what GLib's do, but for
 * these places. GLib itself never sees one: libslirp gives it no buffer.
 *
 * One thread only, as all of buntime-net.
 */

#include <glib.h>

G_BEGIN_DECLS

/* Without it, or where the system does not give the range, all memory is malloc()'s. */
void bt_buffers_reserve(void);

G_END_DECLS
