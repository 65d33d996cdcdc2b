/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The frame fd: a tap device, or a packet socket on one end of a veth pair.
 * Either gives one frame a read and takes one a write.
 */

#include "net/bt-capture.h"

G_BEGIN_DECLS

typedef struct _BtFrames BtFrames;

/* frame is the reader's to change until it returns. */
typedef void (*BtFramesInputFunc)(gpointer data, guint8 *frame, gsize size);

/* No more are there for now. TRUE: some may have come by what was done about the last. */
typedef gboolean (*BtFramesIdleFunc)(gpointer data);

/* Takes fd. */
BtFrames *bt_frames_new(int fd, BtFramesInputFunc input, BtFramesIdleFunc idle, gpointer data);
/* What comes and goes is recorded (borrowed). */
void bt_frames_set_capture(BtFrames *frames, BtCapture *capture);
void bt_frames_free(BtFrames *frames);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtFrames, bt_frames_free)

/* Writes, queues, or drops when the worker does not take its frames: TCP recovers. */
void bt_frames_write(BtFrames *frames, const guint8 *frame, gsize size);

G_END_DECLS
