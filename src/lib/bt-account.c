/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-account.h"

#include <string.h>

/* By its path: nothing of the environment has a say in who the user is. */
#define GETENT "/usr/bin/getent"

enum { NAME, PASSWORD, UID, GID, GECOS, HOME, SHELL, N_FIELDS };

void
bt_account_clear(BtAccount *account)
{
  g_free(account->name);
  g_free(account->home);
  *account = BT_ACCOUNT_INIT;
}

static gboolean
parse_id(const char *text, guint32 *id_out)
{
  guint64 id;
  /* The last is no id: it is how calls say "leave it". */
  if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32 - 1, &id, NULL))
    return FALSE;
  *id_out = (guint32)id;
  return TRUE;
}

gboolean
bt_account_parse(const char *line, uid_t uid, BtAccount *account_out)
{
  g_autofree char *text = g_strndup(line, strcspn(line, "\n"));
  g_auto(GStrv) fields = g_strsplit(text, ":", -1);
  guint32 found, gid;

  if (g_strv_length(fields) != N_FIELDS || fields[NAME][0] == '\0' ||
      !parse_id(fields[UID], &found) || found != uid || !parse_id(fields[GID], &gid) ||
      fields[HOME][0] != '/' || !g_utf8_validate(text, -1, NULL))
    return FALSE;
  *account_out = (BtAccount){
    .name = g_strdup(fields[NAME]),
    .home = g_strdup(fields[HOME]),
    .gid = gid,
  };
  return TRUE;
}

gboolean
bt_account_look_up(uid_t uid, BtAccount *account_out)
{
  g_autofree char *number = g_strdup_printf("%u", uid);
  char *argv[] = { (char *)GETENT, (char *)"passwd", number, NULL };
  char *environment[] = { NULL };
  g_autofree char *output = NULL;
  int status;

  return g_spawn_sync("/", argv, environment, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output, NULL,
                      &status, NULL) &&
         g_spawn_check_wait_status(status, NULL) && bt_account_parse(output, uid, account_out);
}
