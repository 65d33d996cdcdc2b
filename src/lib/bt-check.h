/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A worker's question, by what was settled when its run started. See buntime-check.c.
 */

#include "plan/bt-plan-compile.h"

G_BEGIN_DECLS

/* Borrowed. */
typedef struct {
  BtPolicy *policy; /* resolved */
  const BtPlanPlaces *places;
  const char *cwd, *home;
} BtCheckFacts;

/*
 * Never waits. A path's links are not followed, and a program's name is not searched for.
 * folder: a directory is there. What is malformed is denied.
 */
BtAction bt_check_question(const BtCheckFacts *facts, BtKind kind, gboolean folder,
                           const char *value);

G_END_DECLS
