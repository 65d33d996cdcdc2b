/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is wrong, as the page is told: object, reason and cure, and where it stands.
 */

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  char *object, *reason;
  char *cure;          /* NULL: none is known */
  int part;            /* of a set's policies; -1: of none */
  guint64 line, column; /* 0: it stands in no text of the page's */
} BtProblem;

void bt_problem_free(BtProblem *problem);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtProblem, bt_problem_free)

/*
 * Adds what an error says, which of policies is a line for each mistake. source: the name of the
 * part that was read, by which its lines begin; NULL: none was.
 */
void bt_problems_add(GPtrArray *problems, const GError *error, int part, const char *source);
/* A new array for them. */
GPtrArray *bt_problems_new(void);

/* As JSON. */
void bt_problem_put(GString *text, const char *name, const BtProblem *problem);
void bt_problems_put(GString *text, const char *name, const GPtrArray *problems);
/* The first one of an error. */
void bt_problem_put_error(GString *text, const char *name, const GError *error);

G_END_DECLS
