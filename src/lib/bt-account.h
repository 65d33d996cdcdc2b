/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A user's record. The C library reads it through NSS modules, which a static
 * program cannot load, and which may ask a network: so getent(1) is asked, and
 * only where the environment does not say it.
 */

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct {
  char *name;
  char *home; /* absolute */
  gid_t gid;
} BtAccount;

#define BT_ACCOUNT_INIT ((BtAccount){ 0 })
void bt_account_clear(BtAccount *account);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BtAccount, bt_account_clear)

/* FALSE: there is no such user, or nobody to ask. */
gboolean bt_account_look_up(uid_t uid, BtAccount *account_out);
/* A line of passwd(5), with its newline or without; FALSE if it is not one of uid. */
gboolean bt_account_parse(const char *line, uid_t uid, BtAccount *account_out);

G_END_DECLS
