/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a program file says of itself in its first bytes. Nothing is run.
 */

#include <glib.h>
#include <sys/stat.h>

G_BEGIN_DECLS

typedef struct {
  struct stat info;
  gboolean is_elf;
  char *loader;      /* an ELF program's PT_INTERP; NULL: static or no ELF */
  char *interpreter; /* a script's #! program; NULL: none */
  char *argument;    /* and the rest of that line; NULL: nothing */
} BtProgram;

#define BT_PROGRAM_INIT { .loader = NULL }

/* FALSE with errno set if path cannot be read or is no regular file. */
gboolean bt_program_read(const char *path, BtProgram *program_out);
gboolean bt_program_parse(const guint8 *bytes, gsize size, BtProgram *program_out);
/* By its name: python, python3, python3.11. */
gboolean bt_program_is_python(const char *path);
void bt_program_clear(BtProgram *program);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BtProgram, bt_program_clear)

G_END_DECLS
