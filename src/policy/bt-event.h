/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An event: one decision about one operation, as people and programs read it.
 */

#include "bt-json-writer.h"
#include "bt-policy.h"

G_BEGIN_DECLS

/* What an event is about: the kinds of rules, by their numbers, and what no rule speaks of. */
typedef enum {
  BT_EVENT_NET = BT_KIND_NET,
  BT_EVENT_READ = BT_KIND_READ,
  BT_EVENT_WRITE = BT_KIND_WRITE,
  BT_EVENT_RUN = BT_KIND_RUN,
  BT_EVENT_ENV = BT_KIND_ENV,
  BT_EVENT_UNIX = BT_KIND_UNIX,
  BT_EVENT_FFI = BT_KIND_FFI,
  BT_EVENT_SYS = BT_KIND_SYS,
  BT_EVENT_DNS = BT_N_KINDS, /* a name was asked for */
  BT_EVENT_LIMIT,            /* object: the limit's key, "wallTime"; reason: what became of it */
  BT_EVENT_STATE,            /* state: what happened to the run itself */
  BT_N_EVENTS,
} BtEventKind;

/* Of a flow, in milliseconds; -1: it did not come to that, or is not known. */
typedef struct {
  gint64 connect;    /* from its first packet to the answer that made the connection */
  gint64 sent;       /* from its first packet to the first bytes that the program sent */
  gint64 tls;        /* from these to the end of TLS's handshake (wire/bt-tls-records.h) */
  gint64 first_byte; /* from the program's own first bytes to the first that came then */
} BtEventTimes;

typedef struct {
  gint64 time;       /* µs since 1970 */
  BtEventKind kind;
  BtAction action;
  const char *state; /* STATE: "started", "exited", "failed", "dropped"; NET: what became of a
                        flow, "opened", "closed"; a constant */
  gboolean observed; /* the call went on whatever this says: it may have been evaded */
  char *object;      /* "api.example.com:443 (tcp)", "/etc/shadow", already safe to print or not */
  char *host;        /* NET, DNS: the name, or the address, by itself */
  char *reason;      /* what else decided (bt-reason.h); NULL: the rule did */
  char *program;     /* comm of the process, NULL if not known */
  pid_t pid;         /* inside the sandbox; 0 if not known */
  BtOrigin rule;     /* what decided; its text is NULL where no rule did */
  char *suggestion;  /* "--allow-net=api.example.com:443"; NULL: no flag permits it */
  gboolean wider;    /* the suggestion permits more than what was denied */
  guint count;       /* how many operations it stands for; at least 1 */
  gint64 duration;   /* NET "closed", DNS if it was looked up: milliseconds; else -1 */
  guint64 flow;      /* NET "opened", "closed": its number in this run; else 0 */
  BtEventTimes times; /* NET "closed" */
  char **addresses;  /* DNS: what was answered; NULL: nothing was, yet */
  guint64 bytes_out, bytes_in; /* NET "closed"; STATE "exited" if counted, of all flows */
  int exit_status;   /* STATE "exited": as a shell reports it; else -1 */
  gboolean counted;  /* STATE "exited": there was a network, and this is what became of it */
  guint64 flows, dropped, queries; /* connections, packets refused, names asked for */
} BtEvent;

BtEvent *bt_event_new(BtEventKind kind, BtAction action);
BtEvent *bt_event_new_state(const char *state);
/* A limit that the policy has was reached: its rule, and the flag for a larger one. */
BtEvent *bt_event_new_limit(BtPolicy *policy, BtLimit limit, const char *reason);
BtEvent *bt_event_copy(const BtEvent *event);
void bt_event_free(BtEvent *event);
/* origin may be NULL: no rule decided. */
void bt_event_set_rule(BtEvent *event, const BtOrigin *origin);
/* "net", ..., as rules, flags and the stream of events have it. */
const char *bt_event_kind_word(BtEventKind kind);
/*
 * Appends one line of JSON, its newline included (data/schema/event.schema.json).
 * worker tells this run's events from another's. (bt-event-json.c)
 */
void bt_event_append_json(const BtEvent *event, const char *worker, GString *text);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtEvent, bt_event_free)

/* The key "rule" of the object in hand: {source, line, text}, or null. (bt-event-json.c) */
void bt_origin_put_json(const BtOrigin *origin, BtJsonWriter *json);
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
/* The same without namespaces: /tmp is the host's, and not granted as a whole. */
char *bt_suggest_flat_path(BtKind kind, const char *path);
char *bt_suggest_net(const char *host_or_addr, guint proto, guint16 port);

G_END_DECLS
