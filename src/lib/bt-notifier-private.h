/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/seccomp.h>
#include <sys/types.h>

#include "lib/bt-alarm.h"
#include "lib/bt-notifier.h"
#include "lib/bt-notify-make.h"
#include "lib/bt-process.h"
#include "lib/bt-spawn.h"

G_BEGIN_DECLS

/*
 * The refusal of a program before this one. A search along PATH finds the
 * same program in /usr/bin and /bin: that is one attempt, and one event.
 */
typedef struct {
  pid_t tid;
  char *written; /* as the call named it */
  char *path;    /* where it led */
} BtLastExec;

/* Processes that could be there: those counted last, and all that were made since. */
typedef struct {
  guint64 bound;
  gint64 rest_until; /* on the monotonic clock */
} BtForks;

typedef struct _BtOpener BtOpener;
typedef struct _BtInject BtInject;
typedef struct _BtResolverDoor BtResolverDoor;

struct _BtNotifier {
  int fd;
  guint source;
  gsize request_size;
  BtPolicy *policy;
  BtAudit audit;
  const BtPlanView *plan;
  gboolean flat; /* no namespaces: what the worker can name is the host's */
  guint64 network; /* bt_socket_get_network() of the sandbox's sockets; 0: not known */
  gboolean killable; /* calls end by their answer or their caller's death alone */
  BtHelper init;     /* not ours */
  BtNames *names;
  BtNetPeer *peer;
  guint32 last_asked; /* of buntime-net; never 0 once it was asked */
  gboolean datagrams_refused;
  gboolean was_foreground; /* when a terminal was asked for last (bt-notify-terminal.c) */
  guint16 refused_port; /* see bt_notifier_get_refused_port() */
  BtExplainer *explainer;
  GHashTable *waiting; /* set of BtWaitingConnect */
  int ready_fd;        /* an epoll instance of their sockets; -1: none has waited yet */
  guint ready_source;
  GThreadPool *threads; /* for connects that cannot be polled; NULL: none has come yet */
  BtLastExec last_exec;
  gboolean foreseen; /* the next execve is init's, and there is nothing to say to it */
  BtLastThread last_thread;
  BtAlarm alarm; /* set while a socket of the worker is in our hands */
  int alarm_error;
  BtNotifierLostFunc lost;
  gpointer lost_data;
  GHashTable *audited; /* "tid:path" → BtEventHandle of what is known about it */
  BtOpener *opener;    /* NULL: opens are continued */
  BtMaker *maker;      /* NULL: nothing was lent */
  BtInject *inject;    /* NULL: there is no fast path */
  BtResolverDoor *door; /* NULL: not without namespaces, or nobody has asked for a name yet */
  guint signal_source; /* set while calls wait that only death ends (bt_notifier_watch_signals) */
  BtForks forks;
  GArray *own_devices; /* dev_t of the sandbox's own filesystems */
};

/* One call that waits for its answer. */
typedef struct {
  guint64 id;
  pid_t tid;
  int number;
  guint64 args[6];
} BtCall;

/* An open as its caller wrote it, copied once. */
typedef struct {
  int dirfd;
  guint flags, mode;
  char *path; /* owned; NULL: not read yet */
  dev_t seen_device; /* what was there before it was opened to be written; 0: nothing */
  ino_t seen_inode;
} BtOpenCall;

/* Each answers the call; FALSE if the caller is gone, so that nothing happened. */
gboolean bt_call_continue(BtNotifier *self, const BtCall *call);
gboolean bt_call_return(BtNotifier *self, const BtCall *call, int error); /* 0: success */
/*
 * The call returns a copy of *fd, which is closed before, and then -1. 0, or an errno
 * that it was answered with; but EINTR: its thread did not get to run, so ask again later.
 */
int bt_call_give(BtNotifier *self, const BtCall *call, int *fd, gboolean close_on_exec);
/*
 * Puts a copy of fd into the place of the caller's descriptor, which need not be open. The call
 * is still to be answered. 0, or an errno; EINTR: its thread did not get to run, so ask again later.
 */
int bt_call_replace(BtNotifier *self, const BtCall *call, int fd, int number,
                    gboolean close_on_exec);
/* Must be asked after memory was read and before what it held is believed. */
gboolean bt_call_is_valid(BtNotifier *self, const BtCall *call);

/* EACCES and, if that answer reached the caller, one event. Both texts (transfer full). */
void bt_call_deny(BtNotifier *self, const BtCall *call, BtKind kind, const BtVerdict *verdict,
                  char *object, char *suggestion, const char *reason);
/* wider: the suggestion permits more than the call, since nothing narrower can be granted. */
void bt_call_deny_place(BtNotifier *self, const BtCall *call, BtKind kind, const BtVerdict *verdict,
                        char *object, char *suggestion, gboolean wider, const char *reason);
/* The narrowest flag (transfer full); NULL: none. */
char *bt_call_suggest(const BtNotifier *self, BtKind kind, const char *path);
/*
 * An event for an operation that goes on, if the verdict is a warning or audit
 * wants it. observed: the kernel goes on with it by itself. Frees the text.
 */
void bt_call_tell(BtNotifier *self, const BtCall *call, BtKind kind, const BtVerdict *verdict,
                  char *object, gboolean observed);

/* The event of bt_call_tell(), or NULL if it is not wanted: to be made before the answer. */
BtEvent *bt_call_event(BtNotifier *self, const BtCall *call, BtKind kind, const BtVerdict *verdict,
                       char *object, gboolean observed);

/* Of a file that tells a fact which the policy hides; NULL: it does not (bt-notify-sysinfo.c). */
BtEvent *bt_notify_event_of_fact(BtNotifier *self, const char *path);
void bt_notify_open(BtNotifier *self, const BtCall *call);    /* bt-notify-file.c */
void bt_notify_read(BtNotifier *self, const BtCall *call, int dirfd,
                    const char *path);                        /* bt-notify-audit.c */
/* What audit says of a read before or without its success; NULL: the caller is gone. */
BtEvent *bt_notify_unread(BtNotifier *self, const BtCall *call, int dirfd, const char *path);
/* Of reading what is open now, path being its own. */
BtVerdict bt_notify_verdict_of_read(BtNotifier *self, int fd, const char *path);
/* Looks at what init will execute in pid's root, before it asks. */
void bt_notify_exec_foresee(BtNotifier *self, pid_t pid);
void bt_notify_exec(BtNotifier *self, const BtCall *call);    /* bt-notify-exec.c */
void bt_notify_map(BtNotifier *self, const BtCall *call);     /* bt-notify-map.c */
void bt_notify_change(BtNotifier *self, const BtCall *call);  /* bt-notify-change.c */
gboolean bt_notify_is_change(int number);                     /* bt-notify-change.c */
void bt_notify_fork(BtNotifier *self, const BtCall *call);    /* bt-notify-limits.c */
/* A file is about to be opened: can it? */
void bt_notify_count_files(BtNotifier *self, const BtCall *call); /* bt-notify-limits.c */
void bt_notify_signal(BtNotifier *self, const BtCall *call);  /* bt-notify-signal.c */
void bt_notify_sysinfo(BtNotifier *self, const BtCall *call); /* bt-notify-sysinfo.c */
void bt_notify_group(BtNotifier *self, const BtCall *call);   /* bt-notify-group.c */
void bt_notify_terminal(BtNotifier *self, const BtCall *call); /* bt-notify-terminal.c */
void bt_notify_socket(BtNotifier *self, const BtCall *call);  /* bt-notify-flat.c */
void bt_notify_connect(BtNotifier *self, const BtCall *call); /* bt-notify-connect.c */
void bt_notify_shutdown(BtNotifier *self, const BtCall *call); /* bt-notify-connect.c */
void bt_notify_linger(BtNotifier *self, const BtCall *call);  /* bt-notify-linger.c */
void bt_notify_connect_start(BtNotifier *self);
void bt_notify_connect_shutdown(BtNotifier *self);
/* Answers those that a signal waits for with EINTR; how many still wait. */
guint bt_notify_connect_interrupt(BtNotifier *self);
guint bt_opener_interrupt(BtOpener *self);
/* A call has begun to wait. */
void bt_notifier_watch_signals(BtNotifier *self);

/* ---- opens that are carried out: bt-notify-opener.c asks, bt-notify-file.c decides ---- */

/* Takes the socket. */
BtOpener *bt_opener_new(BtNotifier *notifier, int fd);
void bt_opener_free(BtOpener *self);
/* The call will be answered. */
void bt_opener_ask(BtOpener *self, const BtCall *call);

/* FALSE with errno: EFAULT, ENAMETOOLONG. Ask bt_call_is_valid() before it is believed. */
gboolean bt_open_call_read(const BtCall *call, BtOpenCall *open_out);
/*
 * The worker writes to a path, in a directory: if this is a file that is made for it, the call is
 * answered, and TRUE (bt-notify-make.c).
 */
gboolean bt_notify_make(BtNotifier *self, const BtCall *call, const BtOpenCall *open,
                        const char *path, const char *folder, BtFsPerms perms);
/* TRUE: what it would write is refused, or made for it, and the call answered. */
gboolean bt_notify_refuse_open(BtNotifier *self, const BtCall *call, BtOpenCall *open);
/* *fd is what the call opened: gives and tells, as bt_call_give(). FALSE: try again later. */
gboolean bt_notify_opened(BtNotifier *self, const BtCall *call, const BtOpenCall *open, int *fd);
void bt_notify_not_opened(BtNotifier *self, const BtCall *call, const BtOpenCall *open, int error);

/* Is the object on a filesystem that belongs to the sandbox alone? */
gboolean bt_notifier_owns_device(BtNotifier *self, dev_t device);

G_END_DECLS
