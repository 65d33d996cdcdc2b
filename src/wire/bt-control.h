/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a worker says over its control socket: one flat JSON object a message.
 *
 *   {"type":"hello","version":1,"client":"python"}
 *   {"type":"ready"}
 *   {"type":"state","state":"exec_start","id":3}
 *   {"type":"state","state":"exec_end","id":3,"exitCode":0}
 *   {"type":"state","state":"exception","id":3,"name":"ValueError","text":"…"}
 *   {"type":"state","state":"interrupted","id":3}
 *
 * The writer is hostile.  Only this is read: an object without further objects or
 * arrays in it, strings, whole numbers, true, false and null; keys that are not
 * known are skipped, one that is known comes once.  The object ends the message.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
  BT_CONTROL_HELLO,
  BT_CONTROL_READY,
  BT_CONTROL_STATE,
} BtControlType;

typedef enum {
  BT_CONTROL_EXEC_START,
  BT_CONTROL_EXEC_END,
  BT_CONTROL_EXCEPTION,
  BT_CONTROL_INTERRUPTED,
} BtControlState;

#define BT_CONTROL_MAX_SIZE (16u << 10) /* bytes of a message */
#define BT_CONTROL_MAX_TEXT 256

typedef struct {
  BtControlType type;
  BtControlState state; /* STATE */
  uint32_t version;     /* HELLO */
  uint32_t id;          /* STATE: of what is executed */
  int32_t exit_code;    /* EXEC_END */
  char name[BT_CONTROL_MAX_TEXT]; /* EXCEPTION's class, HELLO's client; UTF-8, cut */
  char text[BT_CONTROL_MAX_TEXT]; /* EXCEPTION's message */
} BtControl;

extern const char *const bt_control_states[]; /* by BtControlState */

/* FALSE: it is not such a message. */
bool bt_control_parse(const void *bytes, size_t size, BtControl *message_out);
