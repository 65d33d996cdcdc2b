/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-expected.h"

void
bt_expected_add(BtExpected *self, guint32 address, in_port_t port, gint64 now)
{
  self->peers[self->next] = (BtExpectedPeer){ address, port, now + BT_EXPECTED_AGE };
  self->next = (self->next + 1) % BT_EXPECTED_MAX;
}

gboolean
bt_expected_take(BtExpected *self, guint32 address, in_port_t port, gint64 now)
{
  for (guint i = 0; port != 0 && i < BT_EXPECTED_MAX; i++) {
    BtExpectedPeer *peer = &self->peers[i];
    if (peer->port != port || peer->address != address || now >= peer->until)
      continue;
    *peer = (BtExpectedPeer){ .port = 0 };
    return TRUE;
  }
  return FALSE;
}
