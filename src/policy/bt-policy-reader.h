/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files that read a policy file's tree share.
 */

#include "policy/bt-json.h"
#include "policy/bt-policy.h"

G_BEGIN_DECLS

#define BT_READER_MAX_ERRORS 20

typedef struct {
  BtPolicy *policy;
  BtLayer layer;
  const char *file;
  const char *home;
  const char *folder; /* of the file, absolute */
  GString *path;      /* "net.rules[3]": where the reader is */
  GString *errors;    /* one a line */
  guint n_errors;
  GPtrArray *fs_rules, *run_rules; /* BtPathRule; the policy's once all is read */
  GPtrArray *net_items;            /* BtNetItem */
  BtPolicy *found;                 /* everything else: the policy's once all is read */
  GPtrArray *extends;              /* BtPolicyExtends */
  gboolean may_extend;
  struct {
    BtAction action; /* BT_ACTION_NONE: absent */
    guint line;
  } defaults[BT_N_KINDS];
} BtPolicyReader;

/* ---- errors: "file:line:column: path: reason; cure" ---- */

/* Without the reason (transfer full); safe to print. */
char *bt_reader_where(BtPolicyReader *self, const BtJsonPosition *position);
/* One whole line, "file:line:column: reason; cure", with nothing left to neutralise. */
void bt_reader_take_fault(BtPolicyReader *self, const char *text);
void bt_reader_complain_at(BtPolicyReader *self, const BtJsonPosition *position, const char *reason,
                           const char *cure);
void bt_reader_complain(BtPolicyReader *self, const BtJsonNode *node, const char *reason,
                        const char *cure);
/* Takes cause: "reason\ncure". */
void bt_reader_complain_because(BtPolicyReader *self, const BtJsonNode *node, GError *cause);
/* With the choice (of a NULL-terminated list) that word is spelt most like, or else all of them. */
void bt_reader_complain_choice(BtPolicyReader *self, const BtJsonPosition *position,
                               const char *word, const char *const *choices, const char *format,
                               ...) G_GNUC_PRINTF(5, 6);
/* What is there is not of the type that cure says. */
void bt_reader_complain_kind(BtPolicyReader *self, const BtJsonNode *node, const char *cure);

/* ---- where the reader is; what enter returns is for leave ---- */

gsize bt_reader_enter_key(BtPolicyReader *self, const char *key);
gsize bt_reader_enter_index(BtPolicyReader *self, guint index);
void bt_reader_leave(BtPolicyReader *self, gsize length);

/* ---- values ---- */

typedef void (*BtReaderFunc)(BtPolicyReader *self, const BtJsonNode *node);

typedef struct {
  const char *name;
  BtJsonKind kind;   /* BT_JSON_NULL: any */
  BtReaderFunc read; /* NULL: the type is all there is to check */
} BtReaderKey;

gboolean bt_reader_has_kind(BtPolicyReader *self, const BtJsonNode *node, BtJsonKind kind);
/* Checks every member against the table and reads it. FALSE: node is no object. */
gboolean bt_reader_read_object(BtPolicyReader *self, const BtJsonNode *node,
                               const BtReaderKey *keys, gsize n_keys);
/* A member of that kind, or NULL. */
const BtJsonNode *bt_reader_get(const BtJsonNode *node, const char *name, BtJsonKind kind);
gboolean bt_reader_has(const BtJsonNode *node, const char *name);
const char *bt_reader_get_string(const BtJsonNode *node, const char *name);
/* allow, deny and, if warn, warn. FALSE: told. */
gboolean bt_reader_read_action_word(BtPolicyReader *self, const BtJsonNode *node, gboolean warn,
                                    BtAction *action_out);

/* ---- rules (bt-policy-json-rules.c) ---- */

void bt_reader_read_fs_rule(BtPolicyReader *self, const BtJsonNode *node);
void bt_reader_read_exec_rule(BtPolicyReader *self, const BtJsonNode *node);
void bt_reader_read_net_rule(BtPolicyReader *self, const BtJsonNode *node);
void bt_reader_read_ffi_rule(BtPolicyReader *self, const BtJsonNode *node);
void bt_reader_read_unix_rule(BtPolicyReader *self, const BtJsonNode *node);

/* ---- settings (bt-policy-json-settings.c) ---- */

void bt_reader_read_plugins(BtPolicyReader *self, const BtJsonNode *node);
void bt_reader_read_anti_escape(BtPolicyReader *self, const BtJsonNode *node);
void bt_reader_read_audit(BtPolicyReader *self, const BtJsonNode *node);
void bt_reader_read_env(BtPolicyReader *self, const BtJsonNode *node);
void bt_reader_read_sys(BtPolicyReader *self, const BtJsonNode *node);
void bt_reader_read_limits(BtPolicyReader *self, const BtJsonNode *node);

/* Calls read for each element of an array. */
void bt_reader_read_list(BtPolicyReader *self, const BtJsonNode *node, BtReaderFunc read);

G_END_DECLS
