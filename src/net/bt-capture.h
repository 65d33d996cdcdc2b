/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * --pcap: frames as the worker sends and receives them, refused ones too.
 *
 *   frame → record in a bounded buffer → the descriptor, when it takes it
 *
 * The main loop is never held up: what finds no room in the buffer is left out,
 * as a whole. A worker decides how many frames there are, so the file is
 * bounded: it ends at BT_CAPTURE_MAX. Both are told.
 */

#include <glib.h>

G_BEGIN_DECLS

#define BT_CAPTURE_MAX ((guint64)1 << 30)

typedef struct _BtCapture BtCapture;

/* A frame was not recorded. */
typedef void (*BtCaptureLostFunc)(gpointer data);

/* Takes the descriptor, behind the header of the file. max is BT_CAPTURE_MAX, or a test's. */
BtCapture *bt_capture_new(int fd, guint64 max, BtCaptureLostFunc lost, gpointer data);
/* Gives a slow reader a last moment, then frees. */
void bt_capture_free(BtCapture *capture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtCapture, bt_capture_free)

/* time: µs since 1970. */
void bt_capture_add(BtCapture *capture, const guint8 *frame, gsize size, gint64 time);

G_END_DECLS
