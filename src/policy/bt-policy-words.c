/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of rules in a policy file's words. */
#include "policy/bt-policy-format.h"

#include <string.h>

#include "policy/bt-policy-private.h"

/* For reading and writing; wider words first, so that they are used where they fit. */
static const struct {
  const char *word;
  BtFsPerms perms;
} perm_words[] = {
  { "read_file", BT_FS_READ_FILE },     { "read_dir", BT_FS_READ_DIR },
  { "write_dir", BT_FS_WRITE_DIR },     { "write_file", BT_FS_WRITE_FILE | BT_FS_TRUNCATE },
  { "execute", BT_FS_EXECUTE },         { "remove_dir", BT_FS_REMOVE_DIR },
  { "remove_file", BT_FS_REMOVE_FILE }, { "make_char", BT_FS_MAKE_CHAR },
  { "make_dir", BT_FS_MAKE_DIR },       { "make_reg", BT_FS_MAKE_REG },
  { "make_sock", BT_FS_MAKE_SOCK },     { "make_fifo", BT_FS_MAKE_FIFO },
  { "make_block", BT_FS_MAKE_BLOCK },   { "make_sym", BT_FS_MAKE_SYM },
  { "truncate", BT_FS_TRUNCATE },       { "refer", BT_FS_REFER },
};

BtFsPerms
bt_fs_perms_parse(const char *word)
{
  for (gsize i = 0; i < G_N_ELEMENTS(perm_words); i++)
    if (strcmp(perm_words[i].word, word) == 0)
      return perm_words[i].perms;
  return 0;
}

const char **
bt_fs_perms_list(void)
{
  const char **words = g_new0(const char *, G_N_ELEMENTS(perm_words) + 1);

  for (gsize i = 0; i < G_N_ELEMENTS(perm_words); i++)
    words[i] = perm_words[i].word;
  return words;
}

GPtrArray *
bt_fs_perms_words(BtFsPerms perms)
{
  GPtrArray *words = g_ptr_array_new();

  for (gsize i = 0; i < G_N_ELEMENTS(perm_words); i++) {
    if ((perms & perm_words[i].perms) != perm_words[i].perms)
      continue;
    g_ptr_array_add(words, (gpointer)perm_words[i].word);
    perms &= ~perm_words[i].perms;
  }
  return words;
}

char *
bt_net_item_format_cidr(const BtNetItem *item)
{
  char text[BT_ADDR_TEXT_SIZE];
  gboolean ipv4 = bt_addr_is_ipv4(&item->addr) && item->prefix >= 96;

  bt_addr_format(&item->addr, text);
  return g_strdup_printf("%s/%u", text, ipv4 ? item->prefix - 96 : item->prefix);
}

char *
bt_net_item_format_ports(const BtNetItem *item)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < item->ports->len; i++) {
    const BtPortRange *range = &g_array_index(item->ports, BtPortRange, i);
    g_string_append_printf(text, "%s%u", i > 0 ? "," : "", range->first);
    if (range->last != range->first)
      g_string_append_printf(text, "-%u", range->last);
  }
  return g_string_free(text, item->ports->len == 0);
}

const char *
bt_net_item_proto_word(const BtNetItem *item)
{
  if (item->proto == BT_PROTO_TCP)
    return "tcp";
  return item->proto == BT_PROTO_UDP ? "udp" : "any";
}

const char *
bt_action_word(BtAction action)
{
  return action == BT_ACTION_ALLOW ? "allow" : action == BT_ACTION_WARN ? "warn" : "deny";
}
