/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Finding the interpreter that the user would get, without running it.
 */

#include <glib.h>

#include "plan/bt-plan-compile.h"

G_BEGIN_DECLS

typedef struct {
  char *found; /* its path as found: argv[0], from which Python finds its environment */
  char *venv;  /* the virtual environment it belongs to; NULL: none */
  char *base;  /* pyvenv.cfg's home: the directory of the interpreter behind; NULL: none */
} BtInterpreter;

void bt_interpreter_free(BtInterpreter *interpreter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtInterpreter, bt_interpreter_free)

/* $VIRTUAL_ENV, then PATH, through pyenv's shims. NULL: there is none. */
BtInterpreter *bt_interpreter_find_python(const BtPlanRequest *request);
/* PATH, then ~/.bun/bin. */
BtInterpreter *bt_interpreter_find_bun(const BtPlanRequest *request);
/* The Python at a path, with its virtual environment. */
BtInterpreter *bt_interpreter_at(const char *path);
/* The first readable program of that name on PATH (transfer full); NULL: none. */
char *bt_interpreter_search(const BtPlanRequest *request, const char *name);

G_END_DECLS
