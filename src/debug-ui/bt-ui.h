/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What all pages share: the runs, the token, and what a page is told first.
 */

#include "debug-ui/bt-folder.h"
#include "debug-ui/bt-page.h"
#include "debug-ui/bt-run.h"

G_BEGIN_DECLS

#define BT_UI_PROTOCOL 1
/* Bytes of a message of a known page. */
#define BT_UI_MAX_MESSAGE (8u << 20)
/* Runs, those that have ended included: the oldest of these makes room. */
#define BT_UI_MAX_RUNS 16

typedef struct {
  /* Denies to a policy what no worker may reach: the page's own address. */
  gboolean (*deny)(gpointer data, BuntimePolicy *policy, GError **error);
  /* Ends the connection from there at once, whatever waits to be sent. */
  void (*hang_up)(gpointer data, GSocketAddress *remote);
  /* Does it give up its place to nobody? */
  void (*hold)(gpointer data, GSocketAddress *remote, gboolean held);
  /* So many bytes are read from there until it is said again. */
  void (*allow)(gpointer data, GSocketAddress *remote, gsize bytes);
} BtUiFuncs;

/* start: JSON of what `run --debug-ui` was given, or NULL. */
BtUi *bt_ui_new(const char *start, const BtUiFuncs *funcs, gpointer data, GError **error);
/* Ends all workers, and waits for that a while. */
void bt_ui_free(BtUi *ui);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtUi, bt_ui_free)

const char *bt_ui_get_token(const BtUi *ui);
/* In a time that tells nothing of where they differ. */
gboolean bt_ui_is_token(const BtUi *ui, const char *text);

void bt_ui_add_page(BtUi *ui, SoupWebsocketConnection *socket, GSocketAddress *remote);
void bt_ui_hang_up(BtUi *ui, GSocketAddress *remote);
void bt_ui_hold(BtUi *ui, GSocketAddress *remote, gboolean held);
void bt_ui_allow(BtUi *ui, GSocketAddress *remote, gsize bytes);
void bt_ui_remove_page(BtUi *ui, BtPage *page);
/* One has said its hello. */
void bt_ui_page_came(BtUi *ui);
/* The message for that (transfer full). */
GString *bt_ui_hello(BtUi *ui);
/* To all pages: they have changed. */
void bt_ui_tell_presets(BtUi *ui);

/* BtRun, oldest first. */
GPtrArray *bt_ui_get_runs(BtUi *ui);
/* Takes what the sandbox is for. NULL with error set: there is no room, or no file. */
BtRun *bt_ui_run(BtUi *ui, const BtRunRequest *request, BuntimePolicy *policy,
                 BuntimeSandbox *sandbox, GError **error);
/* Of a message's member `worker`. */
BtRun *bt_ui_get_run(BtUi *ui, const BtNode *message, GError **error);
void bt_ui_forget(BtUi *ui, BtRun *run);
/* A file of the user's alone that leads a browser there; its path (transfer full). */
char *bt_ui_write_link(BtUi *ui, const char *url, GError **error);
gboolean bt_ui_deny(BtUi *ui, BuntimePolicy *policy, GError **error);

G_END_DECLS
