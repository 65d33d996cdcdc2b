/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A passive plan under construction: what was appended, encoded at the end.
 * It knows the format, and nothing of policies, paths or hosts.
 */

#include <glib.h>

#include "plan/bt-seccomp.h"
#include "wire/bt-plan.h"

G_BEGIN_DECLS

typedef struct _BtPlanBuilder BtPlanBuilder;

BtPlanBuilder *bt_plan_builder_new(void);
void bt_plan_builder_free(BtPlanBuilder *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtPlanBuilder, bt_plan_builder_free)

/* An offset for any string field of a record; equal texts share one. 0 for NULL. */
guint32 bt_plan_builder_string(BtPlanBuilder *self, const char *text);

/* The header's plain fields are the caller's to set; tables and size are not. */
BtPlanHeader *bt_plan_builder_header(BtPlanBuilder *self);

void bt_plan_builder_dir(BtPlanBuilder *self, const char *target, guint mode);
void bt_plan_builder_symlink(BtPlanBuilder *self, const char *text, const char *target);
void bt_plan_builder_file(BtPlanBuilder *self, const char *target, guint mode, const void *data,
                          gsize size);
/* Over a file that is there already; never an empty one. */
void bt_plan_builder_cover(BtPlanBuilder *self, const char *target, guint mode, const char *text);
/* source is a file of the plan's, made before. */
void bt_plan_builder_program(BtPlanBuilder *self, const char *source, const char *target);
/* ino 0: what is at source is not compared. */
void bt_plan_builder_bind(BtPlanBuilder *self, const char *source, const char *target, guint attr,
                          guint64 dev, guint64 ino);
/* As for bind; target is where the one file may be made that the directory is lent for. */
void bt_plan_builder_lend(BtPlanBuilder *self, const char *source, const char *target, guint64 dev,
                          guint64 ino);
void bt_plan_builder_tmpfs(BtPlanBuilder *self, const char *target, guint attr, guint mode,
                           guint64 size);
/* PROC, DEVPTS, HIDE: a target and attributes are all they have. */
void bt_plan_builder_mount(BtPlanBuilder *self, BtPlanOpKind kind, const char *target, guint attr);
void bt_plan_builder_device(BtPlanBuilder *self, const char *path);
void bt_plan_builder_console(BtPlanBuilder *self, const char *target, int descriptor);

/* Rights of one path are united in one rule. */
void bt_plan_builder_landlock(BtPlanBuilder *self, const char *path, guint64 access);
/* What the rules so far give at path. */
guint64 bt_plan_builder_rights(const BtPlanBuilder *self, const char *path);
typedef void (*BtPlanRightFunc)(gpointer data, const char *path, guint64 access);
/* Each of them; not after finish. */
void bt_plan_builder_each_right(const BtPlanBuilder *self, BtPlanRightFunc func, gpointer data);
/* Do they give anything at path, or at something below it? */
gboolean bt_plan_builder_touches(const BtPlanBuilder *self, const char *path);
void bt_plan_builder_limit(BtPlanBuilder *self, guint resource, guint64 soft, guint64 hard);
void bt_plan_builder_limit_or_less(BtPlanBuilder *self, guint resource, guint64 value);
void bt_plan_builder_arg(BtPlanBuilder *self, const char *arg);
/* A later value of a name replaces an earlier one. */
void bt_plan_builder_env(BtPlanBuilder *self, const char *name, const char *value);
/* What it is by now, NULL if nothing; until the next change. */
const char *bt_plan_builder_get_env(BtPlanBuilder *self, const char *name);
/* Borrows their instructions until the end. */
void bt_plan_builder_filters(BtPlanBuilder *self, BtFilter worker, BtFilter init);
/* Likewise; without it there is no opener. */
void bt_plan_builder_opener(BtPlanBuilder *self, BtFilter opener);
void bt_plan_builder_relay(BtPlanBuilder *self, guint16 port, guint families);

/* The bytes (transfer full), or NULL if they would exceed BT_PLAN_MAX_SIZE. */
GBytes *bt_plan_builder_finish(BtPlanBuilder *self);

G_END_DECLS
