/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens that are carried out for the worker (src/init/bt-opener.c).
 *
 * A call goes through these places, and is answered or dropped in each:
 *
 *   asked ── copied, sent ──> sent ──┬─ error ............ answered
 *                              │     └─ file ── looked at, given (or: late, again)
 *                              └─ WAITS: as long as another program lets it
 *
 * Nothing is read of the caller before its call is sent, so that what waits here
 * costs no descriptor and little memory.  The socket's queue is short (the kernel's
 * max_dgram_qlen), hence so is the number of calls sent at once; opens that wait
 * for a pipe's other end are not among them.
 *
 * The opener is a process of the sandbox, and may have been made to say anything:
 * what it sends is checked for form, and a file is believed for what it is.
 */
#include "lib/bt-notifier-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bt-process.h"
#include "lib/bt-watch.h"
#include "wire/bt-open-msg.h"

#define MAX_SENT 8
/* As many children as the opener has. */
#define MAX_WAITING 64
/* More callers than that wait only where the sandbox may have as many threads. */
#define MAX_ASKED 16384
#define BATCH 16
#define RETRY_MS 5
/* Who ends all processes of the sandbox ends the opener, too, and is told about meanwhile. */
#define GONE_MS 200

typedef struct {
  BtCall call;
  BtOpenCall open;
  guint32 serial;
  gboolean waits; /* for another program */
  gboolean cancelled;
  int fd;         /* what was opened; -1 */
} Job;

struct _BtOpener {
  BtNotifier *notifier;
  int fd; /* -1: the opener is gone */
  gboolean told; /* ... and that was said */
  guint source, retry;
  guint gone;     /* set while it is not yet known whether it has ended alone */
  guint32 serial; /* the last one used */
  GQueue asked;
  GHashTable *sent; /* serial → Job */
  guint n_waiting;  /* of sent */
  GQueue late;      /* opened, but the caller did not get to take it */
};

static void
job_free(gpointer data)
{
  Job *job = data;
  if (job->fd >= 0)
    close(job->fd);
  g_free(job->open.path);
  g_free(job);
}

/* ---- to the opener ---- */

static gboolean
send_request(BtOpener *self, const BtOpenRequest *request, int start)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = { .space = { 0 } };
  struct iovec iovec = {
    .iov_base = (void *)request,
    .iov_len = bt_open_request_size(request),
  };
  struct msghdr message = { .msg_iov = &iovec, .msg_iovlen = 1 };

  if (start >= 0) {
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(sizeof(int));
    struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(part), &start, sizeof start);
  }
  return sendmsg(self->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* Opens that wait while their caller was killed, or is to: nobody else would end them. */
static void
cancel_ended(BtOpener *self, gboolean signalled_too)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init(&iter, self->sent);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    Job *job = value;
    const BtOpenRequest cancel = { .kind = BT_OPEN_CANCEL, .serial = job->serial };
    if (!job->waits || job->cancelled ||
        (bt_call_is_valid(self->notifier, &job->call) &&
         !(signalled_too && bt_process_is_signalled(job->call.tid))))
      continue;
    job->cancelled = send_request(self, &cancel, -1);
  }
}

guint
bt_opener_interrupt(BtOpener *self)
{
  cancel_ended(self, TRUE);
  return self->n_waiting;
}

/*
 * Where a relative path starts; -1 with errno. Only directories: the last close
 * of a socket may wait.
 */
static int
open_start(const BtOpener *self, const Job *job)
{
  struct stat info;
  int fd = bt_process_open_directory(job->call.tid, job->open.dirfd);

  if (fd < 0 || (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)))
    return fd;
  bt_alarm_set(&self->notifier->alarm);
  close(fd);
  bt_alarm_unset(&self->notifier->alarm);
  errno = ENOTDIR;
  return -1;
}

static void
use_next_serial(BtOpener *self, Job *job)
{
  do
    self->serial++;
  while (g_hash_table_contains(self->sent, GUINT_TO_POINTER(self->serial)));
  job->serial = self->serial;
}

/* 0, or the errno that the call fails with; ESRCH: it needs no answer any more; EAGAIN: later. */
static int
send_job(BtOpener *self, Job *job)
{
  BtOpenRequest request = { .kind = BT_OPEN_OPEN };
  BtOpenFacts facts;
  int start = -1;

  if (job->open.path == NULL && !bt_open_call_read(&job->call, &job->open))
    return errno;
  if (!bt_call_is_valid(self->notifier, &job->call) ||
      bt_notify_refuse_open(self->notifier, &job->call, &job->open))
    return ESRCH;
  if (!bt_process_open_facts(job->call.tid, &facts))
    return ESRCH;
  if (job->open.path == NULL || job->open.path[0] == '\0')
    return ENOENT;
  if (job->open.path[0] != '/') {
    start = open_start(self, job);
    if (start < 0)
      return errno == EBADF || errno == ENOTDIR ? errno : EACCES;
  }
  use_next_serial(self, job);
  request.serial = job->serial;
  request.flags = job->open.flags;
  request.mode = job->open.mode;
  request.umask = facts.umask;
  request.process = facts.process;
  request.thread = facts.thread;
  g_strlcpy(request.path, job->open.path, sizeof request.path);
  int error = 0;
  if (!bt_call_is_valid(self->notifier, &job->call))
    error = ESRCH;
  else if (!send_request(self, &request, start))
    error = EAGAIN; /* also if the opener is gone, of which we hear by itself */
  if (start >= 0)
    close(start);
  return error;
}

static void ask_later(BtOpener *self);

static guint
n_busy(const BtOpener *self)
{
  return g_hash_table_size(self->sent) - self->n_waiting + self->late.length;
}

/* The worker may have killed it (before Linux 6.12), or memory ran out. */
static void
answer_without(BtOpener *self, const BtCall *call)
{
  if (!bt_call_return(self->notifier, call, EIO) || self->told)
    return;
  self->told = TRUE;
  bt_explainer_note(self->notifier->explainer,
                    _("the process that opens files for the program has ended: no file that a "
                      "warning may speak of can be opened any more"));
}

static void
ask_next(BtOpener *self)
{
  while (self->gone == 0 && self->asked.length > 0 && n_busy(self) < MAX_SENT) {
    Job *job = g_queue_pop_head(&self->asked);
    if (self->fd < 0) {
      answer_without(self, &job->call);
      job_free(job);
      continue;
    }
    int error = send_job(self, job);
    if (error == 0) {
      g_hash_table_insert(self->sent, GUINT_TO_POINTER(job->serial), job);
    } else if (error == EAGAIN) {
      g_queue_push_head(&self->asked, job);
      ask_later(self);
      return;
    } else {
      bt_call_return(self->notifier, &job->call, error);
      job_free(job);
    }
  }
}

/* ---- answers ---- */

/* Takes the job. */
static void
give(BtOpener *self, Job *job)
{
  if (bt_notify_opened(self->notifier, &job->call, &job->open, &job->fd)) {
    job_free(job);
    return;
  }
  g_queue_push_tail(&self->late, job);
  ask_later(self);
}

static gboolean
on_retry(gpointer data)
{
  BtOpener *self = data;

  self->retry = 0;
  for (guint n = self->late.length; n > 0; n--)
    give(self, g_queue_pop_head(&self->late));
  ask_next(self);
  return G_SOURCE_REMOVE;
}

static void
ask_later(BtOpener *self)
{
  if (self->retry == 0)
    self->retry = bt_watch_timeout(RETRY_MS, on_retry, self);
}

static void
on_waits(BtOpener *self, Job *job)
{
  if (job->waits)
    return;
  job->waits = TRUE;
  self->n_waiting++;
  bt_notifier_watch_signals(self->notifier);
}

static void
on_done(BtOpener *self, Job *job, int error)
{
  g_hash_table_steal(self->sent, GUINT_TO_POINTER(job->serial));
  self->n_waiting -= job->waits ? 1 : 0;
  if (error == 0 && job->fd >= 0) {
    give(self, job);
    return;
  }
  bt_notify_not_opened(self->notifier, &job->call, &job->open, error != 0 ? error : EIO);
  job_free(job);
}

static void
on_reply(BtOpener *self, const BtOpenReply *reply, int *fd)
{
  Job *job = g_hash_table_lookup(self->sent, GUINT_TO_POINTER(reply->serial));

  /* Unknown: it was done, and then cancelled. */
  if (job == NULL)
    return;
  switch ((BtOpenReplyKind)reply->kind) {
  case BT_OPEN_WAITS:
    on_waits(self, job);
    break;
  case BT_OPEN_FILE:
    if (job->fd < 0)
      job->fd = g_steal_fd(fd);
    break;
  case BT_OPEN_DONE:
    on_done(self, job, reply->error);
    break;
  }
}

static gboolean
on_gone_alone(gpointer data)
{
  BtOpener *self = data;

  self->gone = 0;
  ask_next(self);
  return G_SOURCE_REMOVE;
}

static void
on_gone(BtOpener *self)
{
  GHashTableIter iter;
  gpointer value;

  bt_watch_clear(&self->source);
  close(self->fd);
  self->fd = -1;
  g_hash_table_iter_init(&iter, self->sent);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    g_hash_table_iter_steal(&iter);
    g_queue_push_head(&self->asked, value);
  }
  self->n_waiting = 0;
  self->gone = bt_watch_timeout(GONE_MS, on_gone_alone, self);
}

/* One datagram; FALSE if there is none, with errno EAGAIN if more may come. */
static gboolean
receive(BtOpener *self)
{
  char bytes[sizeof(BtOpenReply) + 1];
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec iovec = { .iov_base = bytes, .iov_len = sizeof bytes };
  struct msghdr message = {
    .msg_iov = &iovec,
    .msg_iovlen = 1,
    .msg_control = &control,
    .msg_controllen = CMSG_LEN(sizeof(int)),
  };
  BtOpenReply reply;
  int fd = -1;

  ssize_t got = recvmsg(self->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0)
    return FALSE;
  struct cmsghdr *part = CMSG_FIRSTHDR(&message);
  if (part != NULL && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS &&
      part->cmsg_len == CMSG_LEN(sizeof fd))
    memcpy(&fd, CMSG_DATA(part), sizeof fd);
  gboolean valid = bt_open_reply_parse(bytes, got, &reply);
  if (valid)
    on_reply(self, &reply, &fd);
  if (fd >= 0)
    close(fd);
  errno = ECONNRESET; /* its end, or nothing that an opener says */
  return valid;
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
  BtOpener *self = data;
  gboolean more = TRUE;

  for (int i = 0; more && i < BATCH; i++)
    more = receive(self);
  if (!more && errno != EAGAIN && errno != EINTR)
    on_gone(self);
  else
    ask_next(self);
  return G_SOURCE_CONTINUE;
}

/* ---- for the notifier ---- */

void
bt_opener_ask(BtOpener *self, const BtCall *call)
{
  if (self->asked.length >= MAX_ASKED) {
    bt_call_return(self->notifier, call, EAGAIN);
    return;
  }
  Job *job = g_new0(Job, 1);
  job->call = *call;
  job->fd = -1;
  g_queue_push_tail(&self->asked, job);
  if (self->n_waiting >= MAX_WAITING)
    cancel_ended(self, FALSE);
  ask_next(self);
}

BtOpener *
bt_opener_new(BtNotifier *notifier, int fd)
{
  BtOpener *self = g_new0(BtOpener, 1);

  self->notifier = notifier;
  self->fd = fd;
  g_queue_init(&self->asked);
  g_queue_init(&self->late);
  self->sent = g_hash_table_new_full(NULL, NULL, NULL, job_free);
  self->source = bt_watch_fd(fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, self);
  return self;
}

void
bt_opener_free(BtOpener *self)
{
  bt_watch_clear(&self->source);
  bt_watch_clear(&self->retry);
  bt_watch_clear(&self->gone);
  g_queue_clear_full(&self->asked, job_free);
  g_queue_clear_full(&self->late, job_free);
  g_hash_table_unref(self->sent);
  if (self->fd >= 0)
    close(self->fd);
  g_free(self);
}
