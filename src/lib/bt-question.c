/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-question.h"

#include <string.h>

/* Each is answered by the thread in which every worker's calls are decided. */
#define PER_SECOND 200
#define MAX_SIZE 4096

/* What its value is called in rules. */
static gboolean
kind_of(BtFrameType type, BtKind *kind_out)
{
  switch (type) {
  case BT_FRAME_FS_READ:
  case BT_FRAME_LISTDIR:
    *kind_out = BT_KIND_READ;
    return TRUE;
  case BT_FRAME_FS_WRITE:
    *kind_out = BT_KIND_WRITE;
    return TRUE;
  case BT_FRAME_NET_CONNECT:
    *kind_out = BT_KIND_NET;
    return TRUE;
  case BT_FRAME_EXEC:
    *kind_out = BT_KIND_RUN;
    return TRUE;
  case BT_FRAME_ENV:
    *kind_out = BT_KIND_ENV;
    return TRUE;
  case BT_FRAME_FFI:
    *kind_out = BT_KIND_FFI;
    return TRUE;
  case BT_FRAME_SYS:
    *kind_out = BT_KIND_SYS;
    return TRUE;
  default:
    return FALSE;
  }
}

static gboolean
is_too_often(BtQuestionRate *rate)
{
  gint64 second = g_get_monotonic_time() / G_USEC_PER_SEC;

  if (second != rate->second)
    *rate = (BtQuestionRate){ second, 0 };
  return ++rate->count > PER_SECOND;
}

BtQuestion *
bt_question_new(BtFrameType type, GBytes *bytes, BtQuestionRate *rate)
{
  gsize size;
  const char *data = g_bytes_get_data(bytes, &size);
  BtKind kind;

  if (!kind_of(type, &kind) || size == 0 || size > MAX_SIZE || is_too_often(rate) ||
      !g_utf8_validate_len(data, size, NULL))
    return NULL;
  BtQuestion *self = g_new0(BtQuestion, 1);
  self->kind = kind;
  self->folder = type == BT_FRAME_LISTDIR || data[size - 1] == '/';
  self->value = g_strndup(data, size);
  return self;
}

void
bt_question_free(BtQuestion *self)
{
  g_free(self->value);
  g_free(self);
}
