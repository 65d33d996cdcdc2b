/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Events as lines of JSON for programs: bounded in rate and memory, and never
 * blocking the supervisor, whoever reads. See bt-event-stream.c.
 */

#include "policy/bt-event.h"

G_BEGIN_DECLS

typedef struct _BtEventStream BtEventStream;

/*
 * Opens FILE, a descriptor's number or "-" for stdout, whose place stderr then
 * takes. The policy must be resolved: a file that the program could write to
 * is refused. -1 with error set.
 */
int bt_event_place_open(const char *where, BtPolicy *policy, GError **error);

/*
 * The same for another file, which flag ("--pcap=FILE") names; flags: O_APPEND or none. It is
 * made if it is not there, and not emptied.
 */
int bt_place_open_file(const char *flag, const char *where, int flags, BtPolicy *policy,
                       GError **error);

/* Takes the descriptor. worker: which run it is, in each line. */
BtEventStream *bt_event_stream_new(int fd, const char *worker);
void bt_event_stream_add(BtEventStream *stream, const BtEvent *event);
/* Gives a slow reader a last moment, then frees. */
void bt_event_stream_free(BtEventStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtEventStream, bt_event_stream_free)

G_END_DECLS
