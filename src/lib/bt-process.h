/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Looking at a process of the sandbox while it waits in a notified call.
 * Everything read here is the worker's word, copied once and bounded; it may
 * change right after, so nothing is opened by it (DESIGN 2, promise 2).
 */

#include <dirent.h>
#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* Copies at most size bytes of memory; the number copied, or -1. */
gssize bt_process_read(pid_t tid, guint64 address, void *buffer_out, gsize size);
/* A NUL-terminated string shorter than PATH_MAX (transfer full), or NULL: EFAULT, ENAMETOOLONG. */
char *bt_process_read_path(pid_t tid, guint64 address);
/* comm and the pid inside the sandbox, for events. */
void bt_process_identify(pid_t tid, char **program_out, pid_t *pid_out);

/* Of a thread that opens something. The numbers are those inside the sandbox. */
typedef struct {
  mode_t umask;
  pid_t process, thread;
} BtOpenFacts;

/* FALSE if the thread is gone. */
gboolean bt_process_open_facts(pid_t tid, BtOpenFacts *facts_out);
/* What the call's first argument names, or with AT_FDCWD the working directory; -1 with errno. */
int bt_process_open_directory(pid_t tid, int dirfd);
/* Has it a handler for a signal that waits to be delivered? */
gboolean bt_process_is_signalled(pid_t tid);
/* Has its session a terminal, which /dev/tty would be? */
gboolean bt_process_has_terminal(pid_t tid);
/*
 * The path of what a descriptor of ours is open on (transfer full); NULL if it has
 * none (a pipe, a socket), with errno 0, or if that cannot be told. A file that has
 * no name any more is known by its last, and what lies over a denied one by that.
 */
char *bt_process_path_of(int fd);

/* By numbers of the /proc here; FALSE if the process is gone. */
gboolean bt_process_kin(pid_t pid, pid_t *parent_out, pid_t *group_out);
/* Has a thread's process no other thread and no child? own_out is its number inside the sandbox. */
gboolean bt_process_is_alone(pid_t tid, pid_t *own_out, gboolean *alone_out);
/* The process that a descriptor of this one is a pidfd of, in our namespace; 0 if that is gone. */
pid_t bt_process_pid_behind(pid_t tid, int pidfd);

/* Is the process behind a pidfd stopped by a signal, as a shell's job is? */
gboolean bt_process_is_stopped(int pidfd);

/* Where a path of the worker leads, as the kernel resolves it in the worker's root. */
typedef struct {
  int fd;         /* O_PATH of the object, -1 if it does not exist */
  char *path;     /* its path inside the sandbox */
  char *parent;   /* where nothing exists: the directory it would be made in, else NULL */
  gboolean read_only; /* the mount it is on, or would be made on, takes no writes */
  gboolean no_exec;   /* ... and runs no programs */
  dev_t device;   /* of that mount */
} BtResolved;

#define BT_RESOLVED_INIT ((BtResolved){ .fd = -1 })
void bt_resolved_clear(BtResolved *resolved);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BtResolved, bt_resolved_clear)

/*
 * dirfd is the call's first argument or AT_FDCWD; an empty path means dirfd
 * itself. FALSE with errno set if path leads nowhere that can be seen from
 * here, not even to a directory that it could be made in.
 */
gboolean bt_process_resolve(pid_t tid, int dirfd, const char *path, gboolean follow,
                            BtResolved *resolved_out);

/* The path as text, from the worker's root on; NULL if the process is gone (transfer full). */
char *bt_process_absolute(pid_t tid, int dirfd, const char *path);

/* The /proc that its sandbox has, where there are no others; NULL if there is none. */
DIR *bt_process_open_proc(pid_t tid);
/* A descriptor of the process's root, O_PATH; -1 if it is gone. */
int bt_process_open_root(pid_t tid);
/* The same of what a path in there leads to, if it is no link; -1: nothing. */
int bt_process_open_at(int root, const char *path);

/*
 * Is what a descriptor of the process is open on kept from being mapped by its mount?
 * FALSE where that cannot be told.
 */
gboolean bt_process_is_no_exec(pid_t tid, int fd);
/* What is behind a descriptor of the process, which need not have a path any more. */
gboolean bt_process_resolve_fd(pid_t tid, int fd, BtResolved *resolved_out);

/* The open file's flags, and O_CLOEXEC if the descriptor has it; -1 if there is none. */
int bt_process_fd_flags(pid_t tid, int fd);

/*
 * The thread that something was taken of last, kept open: who calls once calls again, and to
 * open it costs more than to take.
 */
typedef struct {
  pid_t tid;
  int pidfd; /* of this very thread; -1: none is kept */
} BtLastThread;

#define BT_LAST_THREAD_INIT ((BtLastThread){ .pidfd = -1 })

void bt_last_thread_clear(BtLastThread *last);
/* Takes a copy of a descriptor of the thread; -1 with errno set. last may be NULL. */
int bt_process_take_fd(BtLastThread *last, pid_t tid, int fd);

G_END_DECLS
