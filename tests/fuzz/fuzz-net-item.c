/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Net items: what is taken must make sense and compile. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>

#include "policy/bt-policy-private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(gboolean holds)
{
  if (!holds)
    abort();
}

static void
check_item(const BtNetItem *item)
{
  check((item->host != NULL) == ((item->flags & BT_NET_RULE_NAME) != 0));
  check(item->host == NULL || (item->host[0] != '\0' && g_hostname_is_ip_address(item->host) == 0));
  check(item->prefix <= 128 && item->proto != 0);
  for (guint i = 0; i < item->ports->len; i++) {
    const BtPortRange *range = &g_array_index(item->ports, BtPortRange, i);
    check(range->first > 0 && range->first <= range->last);
  }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  /* The first byte is the action; the rest is what stands behind "--allow-net=". */
  if (size < 1 || size > 4096)
    return 0;
  BtAction action = data[0] % 2 == 0 ? BT_ACTION_ALLOW : BT_ACTION_DENY;
  g_autofree char *list = g_strndup((const char *)data + 1, size - 1);
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GError) error = NULL;

  gboolean ok = bt_policy_add_flag(policy, BT_LAYER_FLAGS, BT_KIND_NET, action, "--net", list, "/",
                                   "/", &error);
  check(ok == (error == NULL));
  GPtrArray *items = bt_policy_get_net_items(policy);
  check(!ok || items->len > 0);
  for (guint i = 0; i < items->len; i++)
    check_item(g_ptr_array_index(items, i));
  g_autoptr(GBytes) compiled = bt_policy_compile_net(policy);
  check(compiled != NULL);
  return 0;
}
