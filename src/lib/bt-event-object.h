/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "lib/buntime-event.h"
#include "policy/bt-event.h"

G_BEGIN_DECLS

/* Takes the event. worker: what its JSON calls the run. */
BuntimeEvent *bt_event_object_new(BtEvent *event, const char *worker);

G_END_DECLS
