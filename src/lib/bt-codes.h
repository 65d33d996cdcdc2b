/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The codes that a worker was given: which one runs, which are to be interrupted, and which
 * are kept back.
 *
 * An interrupt is a message that names the code, and a signal that names nothing.  What the
 * worker has ended by the time the signal comes would have the next code interrupted.  So
 * from the moment that one is interrupted no other is sent, until
 *
 *   interrupted ──▶ answered ──▶ (settling: all signals have been sent) ──▶ others are sent
 *
 * What was sent before is behind it in the worker, which looks at the messages.
 */

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint32 running;   /* id, by the worker's word; 0: none */
  GHashTable *early; /* ids of those to be interrupted once they run */
  GHashTable *cut;   /* ids of those sent and interrupted that have no answer yet */
  GQueue kept;       /* Kept, the oldest first */
  gsize kept_size;
  gboolean settling;
} BtCodes;

typedef enum {
  BT_CODE_SEND,
  BT_CODE_KEPT, /* until bt_codes_next() gives it */
  BT_CODE_FULL,
} BtCodeResult;

typedef enum {
  BT_CUT_DONE, /* before */
  BT_CUT_TELL, /* the message is to be sent */
  BT_CUT_NOW,  /* the signal, too */
} BtCut;

void bt_codes_init(BtCodes *codes);
void bt_codes_clear(BtCodes *codes);
BtCodeResult bt_codes_begin(BtCodes *codes, guint32 id, GBytes *bytes);
BtCut bt_codes_interrupt(BtCodes *codes, guint32 id);
/* TRUE: the signal is to be sent now. */
gboolean bt_codes_started(BtCodes *codes, guint32 id);
/* TRUE: bt_codes_settled() is to be called once all signals have been sent. */
gboolean bt_codes_answered(BtCodes *codes, guint32 id);
void bt_codes_settled(BtCodes *codes);
/* The next that may be sent by now (transfer full); FALSE: there is none. */
gboolean bt_codes_next(BtCodes *codes, guint32 *id_out, GBytes **bytes_out);
/* It could not be sent: no answer is waited for. */
void bt_codes_unsent(BtCodes *codes, guint32 id);
/* TRUE: it was kept back, and the worker never hears of it. */
gboolean bt_codes_forget(BtCodes *codes, guint32 id);
/* Nobody is there any more who could be given code. */
void bt_codes_forget_all(BtCodes *codes);

G_END_DECLS
