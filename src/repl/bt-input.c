/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "repl/bt-input.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "repl/bt-edit.h"

#define PART 65536

struct _BtInput {
  BtInputFunc func;
  gpointer data;
  GString *read; /* from `taken` on not told yet */
  gsize taken;
  gsize scanned;     /* of what is not told: no newline is there */
  gboolean over;     /* nothing more comes */
  gboolean terminal;
  gboolean edited;   /* lines are: nothing is ever in `read` */
  gboolean editing;
  guint source;      /* 0: no line is wanted */
};

BtInput *
bt_input_new(BtInputFunc func, gpointer data)
{
  BtInput *self = g_new0(BtInput, 1);

  self->func = func;
  self->data = data;
  self->read = g_string_new(NULL);
  self->terminal = isatty(STDIN_FILENO);
  self->edited = bt_edit_is_possible();
  return self;
}

static void
stop(BtInput *self)
{
  if (self->editing)
    bt_edit_cancel();
  self->editing = FALSE;
  if (self->source != 0)
    g_source_remove(self->source);
  self->source = 0;
}

void
bt_input_free(BtInput *self)
{
  stop(self);
  g_string_free(self->read, TRUE);
  g_free(self);
}

gboolean
bt_input_is_terminal(const BtInput *self)
{
  return self->terminal;
}

/* The next line (transfer full); NULL: it has not come yet, or there is none. */
static char *
take_line(BtInput *self)
{
  const char *start = self->read->str + self->taken;
  gsize left = self->read->len - self->taken;
  const char *end = memchr(start + self->scanned, '\n', left - self->scanned);

  if (end == NULL && !(self->over && left > 0)) {
    self->scanned = left;
    return NULL;
  }
  self->scanned = 0;
  gsize length = end != NULL ? (gsize)(end - start) : left;
  char *line = g_utf8_make_valid(start, (gssize)length);
  self->taken += length + (end != NULL ? 1 : 0);
  if (self->taken == self->read->len) {
    g_string_truncate(self->read, 0);
    self->taken = 0;
  }
  return line;
}

/* TRUE: a line was told, or that there are no more. */
static gboolean
tell(BtInput *self)
{
  g_autofree char *line = take_line(self);

  if (line == NULL && !self->over)
    return FALSE;
  self->source = 0;
  self->func(self->data, line);
  return TRUE;
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
  BtInput *self = data;
  char bytes[PART];
  gssize got = read(fd, bytes, sizeof bytes);

  if (got < 0 && (errno == EINTR || errno == EAGAIN))
    return G_SOURCE_CONTINUE;
  /* What is told already would else be kept as long as lines come in parts. */
  g_string_erase(self->read, 0, (gssize)self->taken);
  self->taken = 0;
  if (got > 0)
    g_string_append_len(self->read, bytes, got);
  self->over = got <= 0;
  return tell(self) ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static gboolean
on_typed(int fd, GIOCondition condition, gpointer data)
{
  BtInput *self = data;
  g_autofree char *line = NULL;

  /* The terminal is gone: the editor would never say so, and we would never sleep again. */
  self->over = (condition & (G_IO_HUP | G_IO_ERR)) != 0;
  if (self->over)
    bt_edit_cancel();
  else if (!bt_edit_read(&line))
    return G_SOURCE_CONTINUE;
  self->editing = FALSE;
  self->source = 0;
  g_autofree char *valid = line != NULL ? g_utf8_make_valid(line, -1) : NULL;
  self->func(self->data, valid);
  return G_SOURCE_REMOVE;
}

static gboolean
on_idle(gpointer data)
{
  BtInput *self = data;

  if (!tell(self))
    self->source = g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, self);
  return G_SOURCE_REMOVE;
}

void
bt_input_want(BtInput *self, const char *prompt)
{
  stop(self);
  if (self->edited && !self->over) {
    self->editing = TRUE;
    bt_edit_begin(prompt);
    self->source = g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, on_typed, self);
    return;
  }
  if (self->terminal)
    (void)!write(isatty(STDOUT_FILENO) ? STDOUT_FILENO : STDERR_FILENO, prompt, strlen(prompt));
  self->source = g_idle_add(on_idle, self);
}

void
bt_input_discard(BtInput *self)
{
  stop(self);
  g_string_truncate(self->read, 0);
  self->taken = self->scanned = 0;
  if (self->terminal)
    tcflush(STDIN_FILENO, TCIFLUSH);
}
