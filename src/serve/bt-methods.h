/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What clients can ask for, and what they are told: tables.  A request's parameters are
 * checked by them before its function sees them, and buntime-serve(7) is made of them.
 */

#include <glib.h>

G_BEGIN_DECLS

#define BT_SERVE_PROTOCOL 1
#define BT_SERVE_MAX_CLIENTS 64
#define BT_SERVE_MAX_WORKERS 256  /* of a client */
#define BT_SERVE_MAX_REQUESTS 256 /* of a client, that wait for an answer */
#define BT_SERVE_MAX_POOLS 8
#define BT_SERVE_MAX_POOL_SIZE 64
#define BT_SERVE_MAX_ID 64        /* bytes of a request's id, as it is written */

typedef enum {
  BT_PARAM_TEXT,    /* a string without NUL */
  BT_PARAM_BYTES,   /* a string that may have NULs */
  BT_PARAM_BASE64,
  BT_PARAM_INTEGER, /* from least to most */
  BT_PARAM_BOOLEAN,
  BT_PARAM_TEXTS,   /* an array of strings without NUL */
  BT_PARAM_POLICY,  /* a string, an object, or an array of those */
  BT_PARAM_POLICIES, /* an array of what a policy can be */
  BT_PARAM_ID,      /* of a request: a whole number or a string */
} BtParamType;

typedef struct {
  const char *name;
  BtParamType type;
  gboolean needed;
  const char *help;
  gint64 least, most;
} BtParam;

/* Of an answer or a notification, for its description. */
typedef struct {
  const char *name;
  const char *help;
} BtMember;

#define BT_METHOD_MAX_PARAMS 6
#define BT_METHOD_MAX_MEMBERS 6

typedef struct {
  const char *name;
  const char *help;
  BtParam params[BT_METHOD_MAX_PARAMS + 1];    /* ends with a name that is NULL */
  BtMember result[BT_METHOD_MAX_MEMBERS + 1];
} BtMethod;

typedef struct {
  const char *name;
  const char *help;
  BtMember params[BT_METHOD_MAX_MEMBERS + 1];
} BtNotification;

extern const BtMethod bt_methods[];
extern const guint bt_n_methods;
extern const BtNotification bt_notifications[];
extern const guint bt_n_notifications;

G_END_DECLS
