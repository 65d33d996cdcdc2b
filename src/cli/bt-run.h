/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/bt-options.h"
#include "lib/buntime-sandbox.h"

G_BEGIN_DECLS

/* The subcommands: each the exit status, or -1 with error set. */
int bt_run(const BtCommandLine *line, GError **error);
int bt_init_policy(const BtCommandLine *line, GError **error);
int bt_check(const BtCommandLine *line, GError **error);
int bt_policy(const BtCommandLine *line, GError **error);
int bt_serve(const BtCommandLine *line, GError **error);
int bt_ui(const BtCommandLine *line, GError **error);
int bt_doctor(const BtCommandLine *line, GError **error);

/*
 * Where the command line names no program, the environment may (BUNTIME_ENTRY), which is announced.
 * Returns FALSE with error set. (run.c)
 */
gboolean bt_run_find_entry(BtCommandLine *line, GError **error);

/* Any of them, by the host's buntime (--host). */
int bt_host(const BtCommandLine *line, GError **error);

/*
 * For a program that takes the same, without --host: the flags as words, or all words from the
 * command's on (transfer full). (run.c)
 */
GPtrArray *bt_list_flags(const BtCommandLine *line);
GPtrArray *bt_list_words(const BtCommandLine *line);

/* To standard output: 0, or -1 with error set. (main.c) */
int bt_print(const char *text, GError **error);

/*
 * What the flags say, for every command that has flags of run's. sandbox: NULL if
 * nothing is run, and no such flag can be given. (bt-apply.c)
 */
gboolean bt_apply_all(BuntimePolicy *policy, BuntimeSandbox *sandbox, const BtCommandLine *line,
                      GError **error);

G_END_DECLS
