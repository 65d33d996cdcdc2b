/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy files: what is taken must compile; what is not must say where and add nothing. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/bt-json.h"
#include "policy/bt-policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GBytes) bytes = g_bytes_new(data, size);
  g_autoptr(GError) error = NULL;

  bt_policy_set_json_reader(bt_json_to_variant);
  gboolean ok = bt_policy_add_json(policy, BT_LAYER_FILES, bytes, "/p.json", "/home/u", NULL, &error);
  if (ok != (error == NULL))
    abort();
  if (!ok && (strncmp(error->message, "/p.json:", 8) != 0 ||
              bt_policy_get_fs_rules(policy)->len + bt_policy_get_net_items(policy)->len +
                  bt_policy_get_run_rules(policy)->len >
                0))
    abort();
  g_autoptr(GBytes) compiled = bt_policy_compile_net(policy);
  if (compiled == NULL)
    abort();
  return 0;
}
