/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Lines from and to a client, over one descriptor or two.
 *
 * A client is not trusted to read, to write whole lines, or to be there tomorrow:
 *
 *   - A line has at most BT_LINES_MAX_LINE bytes; of a longer one nothing is kept.
 *   - While more than BT_LINES_HIGH bytes wait to be read by the client, none of its lines are
 *     taken, and `full` asks for less to be made. What still comes is kept.
 *   - One dispatch takes lines for a few milliseconds: then others have their turn.
 *   - Nothing here waits, though descriptors that are handed to a program are seldom
 *     O_NONBLOCK, and must not be made so, because others have them, too: a socket has
 *     MSG_DONTWAIT, and what poll(2) finds writable takes PIPE_BUF bytes.
 */

#include <glib.h>

G_BEGIN_DECLS

#define BT_LINES_MAX_LINE (16u << 20)
#define BT_LINES_HIGH (4u << 20)
#define BT_LINES_LOW (1u << 20)
#define BT_LINES_MAX_FDS 3

typedef struct _BtLines BtLines;

/* None is called from within another function of BtLines. */
typedef struct {
  /* text is NULL for a line that is too long. It ends at a NUL, and is gone afterwards. */
  void (*line)(gpointer data, const char *text, gsize length);
  /* Too much waits; not any more. */
  void (*full)(gpointer data, gboolean full);
  /* There will be no more lines. Once, and only before bt_lines_finish(). */
  void (*ended)(gpointer data);
  /* After bt_lines_finish(): all is written that could be. Once; frees the lines. */
  void (*closed)(gpointer data);
} BtLinesFuncs;

/* Takes the descriptors, which may be the same. */
BtLines *bt_lines_new(int fd_in, int fd_out, const BtLinesFuncs *funcs, gpointer data);
/* Adds a line without its newline, and descriptors that go with it: takes both. */
void bt_lines_put(BtLines *lines, GString *line);
void bt_lines_put_with_fds(BtLines *lines, GString *line, int *fds, guint n_fds);
gboolean bt_lines_is_full(const BtLines *lines);
/* Can descriptors be sent? */
gboolean bt_lines_is_socket(const BtLines *lines);
/* Takes no more lines, and waits a few seconds at most for what is to be written. */
void bt_lines_finish(BtLines *lines);
void bt_lines_free(BtLines *lines);

G_END_DECLS
