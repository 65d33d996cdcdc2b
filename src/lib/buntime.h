/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * libbuntime's public interface, for host programs. What runs without GObject includes the parts
 * of it that do.
 */

#include "buntime-error.h"
#include "buntime-event.h"
#include "buntime-policy.h"
#include "buntime-pool.h"
#include "buntime-sandbox.h"
#include "buntime-types.h"
#include "buntime-worker.h"
