/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "lib/buntime-policy.h"
#include "policy/bt-policy.h"

G_BEGIN_DECLS

struct _BuntimeVerdict {
  BtKind kind;
  BtAction action;
  char *object;
  BtOrigin origin;
  char *suggestion; /* NULL: no flag permits it, or none is needed */
  const char *note; /* what holds it, if not all that is asked about; NULL: nothing to say */
};

G_END_DECLS
