/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/bt-lines.h"

#include <errno.h>
#include <glib-unix.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (64u << 10)
/* Of one dispatch. */
#define TURN_USEC 5000
#define WRITES 32
#define FINISH_USEC (5 * G_USEC_PER_SEC)

/* Descriptors that go with a byte of the output. */
typedef struct {
  gsize position; /* counted as `written` is */
  int fds[BT_LINES_MAX_FDS];
  guint count;
} Passed;

struct _BtLines {
  GSource *source;
  int fd_in, fd_out;
  gboolean socket_in, socket_out;
  gpointer in_tag;  /* NULL: nothing is read now */
  gpointer out_tag; /* NULL: it broke, and only tells so */
  GIOCondition out_events;
  GByteArray *in;
  gsize scanned;     /* of it: no newline is there */
  gboolean skipping; /* to the end of a line that is too long */
  gboolean eof;
  GString *out;
  gsize sent;     /* of `out` */
  gsize written;  /* of all there ever was */
  GQueue passed;  /* Passed */
  gboolean full, told_full, broken;
  gboolean told_end, finishing, dispatching, freed;
  gint64 deadline; /* of finishing */
  BtLinesFuncs funcs;
  gpointer data;
};

typedef struct {
  GSource source;
  BtLines *lines;
} Source;

static void
passed_free(Passed *self)
{
  for (guint i = 0; i < self->count; i++)
    close(self->fds[i]);
  g_free(self);
}

static gsize
waiting(const BtLines *self)
{
  return self->out->len - self->sent;
}

/* ---- out ---- */

/* At most to the next byte that descriptors go with, and those if it is the first. */
static gssize
send_some(BtLines *self, const char *bytes, gsize size)
{
  Passed *passed = g_queue_peek_head(&self->passed);
  struct iovec vector = { (gpointer)bytes, MIN(size, CHUNK * 4) };
  struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
  union {
    char bytes[CMSG_SPACE(sizeof(int) * BT_LINES_MAX_FDS)];
    struct cmsghdr align;
  } control = { { 0 } };

  if (passed != NULL && passed->position > self->written) {
    vector.iov_len = MIN(vector.iov_len, passed->position - self->written);
  } else if (passed != NULL) {
    vector.iov_len = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * passed->count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * passed->count);
    memcpy(CMSG_DATA(header), passed->fds, sizeof(int) * passed->count);
  }
  gssize sent = sendmsg(self->fd_out, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0 && message.msg_control != NULL)
    passed_free(g_queue_pop_head(&self->passed));
  return sent;
}

static gssize
write_some(BtLines *self, const char *bytes, gsize size)
{
  struct pollfd ready = { .fd = self->fd_out, .events = POLLOUT };

  if (self->socket_out)
    return send_some(self, bytes, size);
  if (poll(&ready, 1, 0) <= 0) {
    errno = EAGAIN;
    return -1;
  }
  return write(self->fd_out, bytes, MIN(size, PIPE_BUF));
}

static void
drop_output(BtLines *self)
{
  self->broken = TRUE;
  self->sent = 0;
  g_string_truncate(self->out, 0);
  g_queue_clear_full(&self->passed, (GDestroyNotify)passed_free);
}

static void
write_out(BtLines *self)
{
  for (guint i = 0; i < WRITES && waiting(self) > 0; i++) {
    gssize sent = write_some(self, self->out->str + self->sent, waiting(self));
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
      break;
    if (sent <= 0) {
      drop_output(self);
      return;
    }
    self->sent += (gsize)sent;
    self->written += (gsize)sent;
  }
  /* Moved only if that is less than what was written meanwhile. */
  if (self->sent > 0 && self->sent >= waiting(self)) {
    g_string_erase(self->out, 0, (gssize)self->sent);
    self->sent = 0;
  }
}

void
bt_lines_put(BtLines *self, GString *line)
{
  if (!self->broken) {
    g_string_append_len(self->out, line->str, (gssize)line->len);
    g_string_append_c(self->out, '\n');
    self->full = self->full || waiting(self) > BT_LINES_HIGH;
  }
  g_string_free(line, TRUE);
}

void
bt_lines_put_with_fds(BtLines *self, GString *line, int *fds, guint n_fds)
{
  Passed *passed = g_new0(Passed, 1);

  g_assert(n_fds <= BT_LINES_MAX_FDS && self->socket_out);
  passed->position = self->written + waiting(self);
  passed->count = n_fds;
  for (guint i = 0; i < n_fds; i++)
    passed->fds[i] = g_steal_fd(&fds[i]);
  if (self->broken)
    passed_free(passed);
  else
    g_queue_push_tail(&self->passed, passed);
  bt_lines_put(self, line);
}

gboolean
bt_lines_is_full(const BtLines *self)
{
  return self->full;
}

gboolean
bt_lines_is_socket(const BtLines *self)
{
  return self->socket_out;
}

/* ---- in ---- */

static void
read_in(BtLines *self)
{
  guint length = self->in->len;

  g_byte_array_set_size(self->in, length + CHUNK);
  gssize got = self->socket_in ? recv(self->fd_in, self->in->data + length, CHUNK, MSG_DONTWAIT)
                               : read(self->fd_in, self->in->data + length, CHUNK);
  g_byte_array_set_size(self->in, length + (guint)MAX(got, 0));
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
    self->eof = TRUE;
}

/* The size of the first line with its newline; 0: it is not whole. */
static gsize
find_line(BtLines *self)
{
  const guint8 *from = self->in->data + self->scanned;
  const guint8 *end = self->in->len > self->scanned
                        ? memchr(from, '\n', self->in->len - self->scanned)
                        : NULL;

  if (end != NULL)
    return (gsize)(end - self->in->data) + 1;
  self->scanned = self->in->len;
  /* What is behind the last newline is a line, too. */
  return self->eof ? self->in->len : 0;
}

/* FALSE: no line is whole. */
static gboolean
take_line(BtLines *self)
{
  gsize size = find_line(self);

  if (size == 0) {
    if (self->in->len > BT_LINES_MAX_LINE || self->skipping) {
      self->skipping = TRUE;
      self->scanned = 0;
      g_byte_array_set_size(self->in, 0);
    }
    return FALSE;
  }
  gsize length = self->in->data[size - 1] == '\n' ? size - 1 : size;
  gboolean good = !self->skipping && length <= BT_LINES_MAX_LINE;
  g_autofree char *text = good ? g_malloc(length + 1) : NULL;
  if (good) {
    memcpy(text, self->in->data, length);
    text[length] = '\0';
  }
  self->skipping = FALSE;
  self->scanned = 0;
  g_byte_array_remove_range(self->in, 0, (guint)size);
  self->funcs.line(self->data, text, length);
  return TRUE;
}

static gboolean
has_line(BtLines *self)
{
  return find_line(self) > 0;
}

/* ---- the source ---- */

/*
 * What is to be watched, before the loop sleeps.  Each change wakes the loop once more, so that
 * what is as it was must not be set again.
 */
static void
watch(BtLines *self)
{
  GIOCondition out_events = waiting(self) > 0 ? G_IO_OUT : 0;
  gboolean reading = !self->eof && !self->finishing && !self->full && !self->broken &&
                     !has_line(self);

  if (reading && self->in_tag == NULL)
    self->in_tag = g_source_add_unix_fd(self->source, self->fd_in, G_IO_IN | G_IO_HUP);
  else if (!reading && self->in_tag != NULL)
    g_source_remove_unix_fd(self->source, g_steal_pointer(&self->in_tag));
  /* Its breaking is told whatever is watched for, once. */
  if (self->broken && self->out_tag != NULL)
    g_source_remove_unix_fd(self->source, g_steal_pointer(&self->out_tag));
  else if (self->out_tag != NULL && out_events != self->out_events)
    g_source_modify_unix_fd(self->source, self->out_tag, out_events);
  self->out_events = out_events;
  g_source_set_ready_time(self->source, self->finishing ? self->deadline : -1);
}

static gboolean
prepare(GSource *source, int *timeout)
{
  BtLines *self = ((Source *)source)->lines;

  *timeout = -1;
  watch(self);
  if (self->finishing)
    return self->broken || waiting(self) == 0;
  return self->broken || self->full != self->told_full || (!self->full && has_line(self)) ||
         (self->eof && !self->told_end);
}

static gboolean
is_ready(GSource *source, gpointer tag)
{
  return tag != NULL && g_source_query_unix_fd(source, tag) != 0;
}

static gboolean
check(GSource *source)
{
  BtLines *self = ((Source *)source)->lines;
  return is_ready(source, self->in_tag) || is_ready(source, self->out_tag);
}

static void
take_lines(BtLines *self)
{
  gint64 end = g_get_monotonic_time() + TURN_USEC;

  while (!self->freed && !self->finishing && !self->full && take_line(self) &&
         g_get_monotonic_time() < end)
    ;
}

static void
tell(BtLines *self)
{
  if (!self->freed && !self->finishing && self->full != self->told_full) {
    self->told_full = self->full;
    self->funcs.full(self->data, self->full);
  }
  gboolean end = self->broken || (self->eof && !self->full && !has_line(self));
  if (!self->freed && !self->finishing && !self->told_end && end) {
    self->told_end = TRUE;
    self->funcs.ended(self->data);
  }
  gboolean over = self->broken || waiting(self) == 0 ||
                  g_get_monotonic_time() >= self->deadline;
  if (!self->freed && self->finishing && over) {
    self->freed = TRUE;
    self->funcs.closed(self->data);
  }
}

static gboolean
dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
  BtLines *self = ((Source *)source)->lines;

  self->dispatching = TRUE;
  if (is_ready(source, self->in_tag))
    read_in(self);
  take_lines(self);
  if (!self->freed)
    write_out(self);
  /* Both ways are closed: nobody is there. */
  if (!self->freed && self->out_tag != NULL &&
      (g_source_query_unix_fd(source, self->out_tag) & (G_IO_ERR | G_IO_HUP)) != 0)
    drop_output(self);
  self->full = self->full && waiting(self) > BT_LINES_LOW;
  tell(self);
  self->dispatching = FALSE;
  if (self->freed)
    bt_lines_free(self);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .prepare = prepare, .check = check, .dispatch = dispatch };

/* ---- */

static gboolean
is_socket(int fd)
{
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

BtLines *
bt_lines_new(int fd_in, int fd_out, const BtLinesFuncs *funcs, gpointer data)
{
  BtLines *self = g_new0(BtLines, 1);

  self->fd_in = fd_in;
  self->fd_out = fd_out;
  self->socket_in = is_socket(fd_in);
  self->socket_out = is_socket(fd_out);
  self->funcs = *funcs;
  self->data = data;
  self->in = g_byte_array_new();
  self->out = g_string_new(NULL);
  g_queue_init(&self->passed);
  self->source = g_source_new(&source_funcs, sizeof(Source));
  ((Source *)self->source)->lines = self;
  g_source_set_static_name(self->source, "lines");
  self->out_tag = g_source_add_unix_fd(self->source, fd_out, 0);
  g_source_attach(self->source, NULL);
  return self;
}

void
bt_lines_finish(BtLines *self)
{
  if (self->finishing)
    return;
  self->finishing = TRUE;
  self->deadline = g_get_monotonic_time() + FINISH_USEC;
}

void
bt_lines_free(BtLines *self)
{
  self->freed = TRUE;
  if (self->dispatching)
    return;
  g_source_destroy(self->source);
  g_source_unref(self->source);
  g_byte_array_unref(self->in);
  g_string_free(self->out, TRUE);
  g_queue_clear_full(&self->passed, (GDestroyNotify)passed_free);
  if (self->fd_out != self->fd_in)
    close(self->fd_out);
  close(self->fd_in);
  g_free(self);
}
