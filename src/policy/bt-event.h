/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An event: one decision about one operation, as people and programs read it.
 */

#include "bt-policy.h"

G_BEGIN_DECLS

typedef struct {
  BtKind kind;
  BtAction action;
  char *object;     /* "api.example.com:443 (tcp)", "/etc/shadow", already safe to print or not */
  char *reason;     /* what else decided, e.g. "fragmented packet"; NULL: the rule did */
  char *program;    /* comm of the process, NULL if not known */
  pid_t pid;        /* inside the sandbox; 0 if not known */
  char *rule;       /* bt_origin_format() */
  char *suggestion; /* "--allow-net=api.example.com:443"; NULL: no flag permits it */
  guint count;      /* how many operations it stands for; at least 1 */
} BtEvent;

BtEvent *bt_event_new(BtKind kind, BtAction action);
void bt_event_free(BtEvent *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtEvent, bt_event_free)

/* "defaults.net = deny (built-in)" (transfer full) */
char *bt_origin_format(const BtOrigin *origin);
/* Would a further flag permit what this denied? Not if a flag denied it: deny stands over allow. */
gboolean bt_origin_yields_to_flags(const BtOrigin *origin);
/* The text for stderr, its last newline included, every control character neutralised. */
char *bt_event_format(const BtEvent *event);
/* Escapes C0, C1, DEL, invalid UTF-8 and bidi controls as \xNN or \u{…} (transfer full). */
char *bt_text_neutralise(const char *text, gssize length);
/* Characters beyond ASCII that draw nothing, or draw other text elsewhere than it stands. */
gboolean bt_text_is_deceptive(gunichar c);
/* Narrowest flag: "--allow-read=/etc/shadow" with ",," for a comma (transfer full). */
char *bt_suggest_path(BtKind kind, const char *path);
char *bt_suggest_net(const char *host_or_addr, guint proto, guint16 port);

G_END_DECLS
