/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The opener: carries out opens for the worker where a rule warns of files.
 *
 * Each open of the worker waits, notified, for the supervisor, which copies what
 * it says and hands it on to here.  What comes back is the open file; the
 * supervisor looks at that, gives it to the worker and tells what it was.  So
 * whatever is changed under a path, the event and the worker have the same.
 *
 * The opener is a process of the sandbox: same user, same root, same mounts, and
 * the Landlock domain that the worker's is below.  What the worker may not open
 * the kernel refuses to it, too, and nothing of that is checked again by code of
 * ours.  The worker cannot look into it, since it is not dumpable, nor (Landlock
 * scopes, from 6.12) signal it; before that it can be killed, and no open
 * succeeds any more.
 *
 * It never waits for another program.  A pipe is opened by a child, as long as it
 * takes.  All else is opened with O_NONBLOCK, which is taken away after, and where
 * that made a difference (leased files, or a pipe that has just come there) a
 * child opens it again without:
 *
 *   OPEN ── look ──┬─ no pipe: open .... FILE, DONE
 *                  └─ WAITS, a child ─── FILE, DONE, or by CANCEL: killed, DONE
 *
 * DONE says that the file is closed here.  Until then the worker must not go on:
 * a program that it writes, closes and starts would still be open to be written
 * (ETXTBSY).
 *
 * All memory is static, and each message is handled whole before the next.
 */
#include "init/bt-opener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "init/bt-confine.h"
#include "init/bt-open-as.h"
#include "init/bt-report.h"
#include "init/bt-system.h"
#include "wire/bt-open-msg.h"

#define MAX_CHILDREN 64
/* A killed child ends at once, unless a file server keeps it. */
#define MAX_DEATH_MS 50

typedef struct {
  uint32_t serial;
  int pidfd; /* -1: free */
} Child;

typedef struct {
  int socket;
  Child children[MAX_CHILDREN];
  unsigned n_children;
} Opener;

/* fd: of FILE. */
static void
reply(const Opener *self, BtOpenReplyKind kind, uint32_t serial, int error, int fd)
{
  BtOpenReply message = { .kind = kind, .serial = serial, .error = error };
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = { .space = { 0 } };
  struct iovec iovec = { .iov_base = &message, .iov_len = sizeof message };
  struct msghdr header = { .msg_iov = &iovec, .msg_iovlen = 1 };

  if (fd >= 0) {
    header.msg_control = &control;
    header.msg_controllen = CMSG_SPACE(sizeof(int));
    struct cmsghdr *part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(part), &fd, sizeof fd);
  }
  /* Without its reader nobody waits for anything. */
  if (sendmsg(self->socket, &header, MSG_NOSIGNAL) < 0)
    _exit(0);
}

/* Takes what was opened, or -errno. */
static void
reply_done(const Opener *self, uint32_t serial, int result)
{
  if (result >= 0) {
    reply(self, BT_OPEN_FILE, serial, 0, result);
    close(result);
  }
  reply(self, BT_OPEN_DONE, serial, result < 0 ? -result : 0, -1);
}

static int
open_for(const BtOpenRequest *request, int start, unsigned more_flags, bool look)
{
  const BtOpenAs as = {
    .start = start,
    .path = request->path,
    .flags = request->flags | more_flags,
    .mode = request->mode,
    .process = request->process,
    .thread = request->thread,
    .look = look,
  };
  /* Not a mask of the mode: an access list of the directory takes its place. */
  umask(request->umask);
  return request->path[0] != '\0' ? bt_open_as(&as) : -ENOENT;
}

/* ---- opens that wait ---- */

static bool
is_pipe(int fd)
{
  struct stat info;
  return fd >= 0 && fstat(fd, &info) == 0 && S_ISFIFO(info.st_mode);
}

/* One that is opened both ways has its own peer. */
static bool
is_patient(const BtOpenRequest *request)
{
  return (request->flags & O_NONBLOCK) == 0 && (request->flags & O_ACCMODE) != O_RDWR;
}

/*
 * Before it is opened: a writer that waits would find a reader in us, write and be
 * gone before our child comes.
 */
static bool
leads_to_pipe(const BtOpenRequest *request, int start)
{
  if (!is_patient(request) || (request->flags & (O_EXCL | O_DIRECTORY)) != 0)
    return false;
  BT_AUTO_FD fd = open_for(request, start, 0, true);
  return is_pipe(fd);
}

static bool
would_wait(const BtOpenRequest *request, int result)
{
  if (result == -EAGAIN)
    return (request->flags & O_NONBLOCK) == 0;
  return is_patient(request) && (result == -ENXIO || is_pipe(result));
}

static void
forget_ended(Opener *self)
{
  for (unsigned i = 0; i < MAX_CHILDREN; i++) {
    struct pollfd end = { .fd = self->children[i].pidfd, .events = POLLIN };
    if (end.fd < 0 || poll(&end, 1, 0) != 1)
      continue;
    close(end.fd);
    self->children[i].pidfd = -1;
    self->n_children--;
  }
}

static Child *
free_place(Opener *self)
{
  if (self->n_children == MAX_CHILDREN)
    forget_ended(self);
  for (unsigned i = 0; i < MAX_CHILDREN; i++)
    if (self->children[i].pidfd < 0)
      return &self->children[i];
  return NULL;
}

static void
wait_in_child(Opener *self, const BtOpenRequest *request, int start)
{
  Child *place = free_place(self);
  int pidfd = -1;

  if (place == NULL) {
    reply_done(self, request->serial, -EAGAIN);
    return;
  }
  reply(self, BT_OPEN_WAITS, request->serial, 0, -1);
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, NULL);
  if (pid == 0) {
    reply_done(self, request->serial, open_for(request, start, 0, false));
    _exit(0);
  }
  if (pid < 0) {
    reply_done(self, request->serial, -errno);
    return;
  }
  *place = (Child){ .serial = request->serial, .pidfd = pidfd };
  self->n_children++;
}

/* A reader that is still there would let a writer in. */
static void
cancel(Opener *self, uint32_t serial)
{
  for (unsigned i = 0; i < MAX_CHILDREN; i++) {
    struct pollfd end = { .fd = self->children[i].pidfd, .events = POLLIN };
    if (end.fd < 0 || self->children[i].serial != serial)
      continue;
    syscall(SYS_pidfd_send_signal, end.fd, SIGKILL, NULL, 0);
    poll(&end, 1, MAX_DEATH_MS);
  }
  /* If it was done just before, that has been said, and this is not listened to. */
  reply_done(self, serial, -EINTR);
}

/* ---- requests ---- */

static void
carry_out(Opener *self, const BtOpenRequest *request, int start)
{
  if (leads_to_pipe(request, start)) {
    wait_in_child(self, request, start);
    return;
  }
  int result = open_for(request, start, O_NONBLOCK, false);
  if (would_wait(request, result)) {
    bt_close_fd(&result);
    wait_in_child(self, request, start);
    return;
  }
  if (result >= 0 && (request->flags & O_NONBLOCK) == 0)
    fcntl(result, F_SETFL, fcntl(result, F_GETFL) & ~O_NONBLOCK);
  reply_done(self, request->serial, result);
}

/* The one descriptor of a message, or -1. */
static int
descriptor_of(struct msghdr *header)
{
  struct cmsghdr *part = CMSG_FIRSTHDR(header);
  int fd = -1;

  if (part != NULL && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS &&
      part->cmsg_len == CMSG_LEN(sizeof fd))
    memcpy(&fd, CMSG_DATA(part), sizeof fd);
  return fd;
}

static void
serve(Opener *self)
{
  static BtOpenRequest request;
  static char bytes[sizeof request + 1];
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec iovec = { .iov_base = bytes, .iov_len = sizeof bytes };
  struct msghdr header = {
    .msg_iov = &iovec,
    .msg_iovlen = 1,
    .msg_control = &control,
    .msg_controllen = CMSG_LEN(sizeof(int)),
  };

  ssize_t got = recvmsg(self->socket, &header, MSG_CMSG_CLOEXEC);
  if (got < 0 && errno == EINTR)
    return;
  if (got <= 0)
    _exit(0);
  int start = descriptor_of(&header);
  if (!bt_open_request_parse(bytes, (size_t)got, &request))
    _exit(125);
  if (request.kind == BT_OPEN_CANCEL)
    cancel(self, request.serial);
  else
    carry_out(self, &request, start);
  bt_close_fd(&start);
}

/* ---- start ---- */

/* Of the terminal's signals none is meant for it, and children need no reaping. */
static void
ignore_signals(void)
{
  sigset_t all;

  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  signal(SIGCHLD, SIG_IGN);
}

static void
close_all_but(int socket)
{
  if (close_range(0, BT_INIT_STATUS_FD - 1, 0) != 0 ||
      (socket > BT_INIT_STATUS_FD + 1 &&
       close_range(BT_INIT_STATUS_FD + 1, (unsigned)socket - 1, 0) != 0) ||
      close_range((unsigned)socket + 1, ~0u, 0) != 0)
    bt_fail_at("close_range");
}

void
bt_opener_run(const BtPlanView *plan, int socket)
{
  static Opener self;

  /* Without namespaces the worker's memory, of which ours is a copy, may be looked at. */
  if ((plan->header->flags & BT_PLAN_NO_NAMESPACES) != 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    bt_fail_at("PR_SET_DUMPABLE");
  self.socket = socket;
  for (unsigned i = 0; i < MAX_CHILDREN; i++)
    self.children[i].pidfd = -1;
  ignore_signals();
  /* Without namespaces the worker that it comes from is. */
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    bt_fail_at("PR_SET_DUMPABLE");
  bt_confine_privileges();
  close_all_but(socket);
  bt_confine_seccomp(plan->opener_filter, plan->header->opener_filter.count, 0,
                     "filter of the opener");
  close(BT_INIT_STATUS_FD);
  for (;;)
    serve(&self);
}
