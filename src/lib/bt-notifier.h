/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Answering the worker's notified system calls. See bt-notifier.c for what is
 * decided where and why nothing opens by an answer.
 */

#include "lib/bt-explain.h"
#include "lib/bt-names.h"
#include "lib/bt-net-peer.h"
#include "lib/bt-notify-make.h"
#include "lib/bt-spawn.h"
#include "wire/bt-plan.h"

G_BEGIN_DECLS

typedef struct _BtNotifier BtNotifier;

/*
 * The devices of the root, /tmp, /dev/shm and whatever else the plan made fresh,
 * as pid 1 sees them (transfer full, element-type dev_t).  To be called before
 * the worker's program runs: later it could have put a link where one of them is
 * expected, to a place of the host's.  *tmp_out and *shm_out are O_PATH descriptors
 * of these two (transfer full), or are left alone.
 */
GArray *bt_notifier_find_devices(pid_t pid, const BtPlanView *plan, int *tmp_out, int *shm_out);

/*
 * Takes the opener's socket, which is -1 where opens are continued, what was lent,
 * which may be NULL, and the devices; borrows the others, which must outlive it.
 */
BtNotifier *bt_notifier_new(int opener, BtMaker *maker, GArray *own_devices, BtPolicy *policy,
                            const BtPlanView *plan, BtNames *names, BtNetPeer *peer,
                            BtExplainer *explainer);
/* errno: without its timer an answer might wait for who it is for; 0: it is there. */
int bt_notifier_get_alarm_error(const BtNotifier *notifier);
/* The kernel takes no answer any more, or tells of no calls: those who call would wait for good. */
typedef void (*BtNotifierLostFunc)(gpointer data, int error);
void bt_notifier_set_lost_func(BtNotifier *notifier, BtNotifierLostFunc func, gpointer data);
/*
 * The worker may be given sockets by others (--allow-unix, a standard stream that is a socket): those
 * of another network than this are not connected.
 */
void bt_notifier_set_network(BtNotifier *notifier, guint64 network);
/*
 * Answers from now on; takes the listener. To be called once, before init's worker
 * executes its program. init is not taken: it is kept until the pause.
 */
void bt_notifier_listen(BtNotifier *notifier, int listener, const BtHelper *init);
gboolean bt_notifier_is_listening(const BtNotifier *notifier);
/* Answers nobody any more: those who wait are about to be killed. */
void bt_notifier_pause(BtNotifier *notifier);
void bt_notifier_free(BtNotifier *notifier);
/* A port of the worker's own loopback that it was refused at and never served since; 0: none. */
guint16 bt_notifier_get_refused_port(BtNotifier *notifier);
/* Without namespaces: did it ask for UDP? */
gboolean bt_notifier_has_refused_datagrams(BtNotifier *notifier);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtNotifier, bt_notifier_free)

G_END_DECLS
