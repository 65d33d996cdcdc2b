/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/bt-policy.h"

G_BEGIN_DECLS

/*
 * Opens the file of --pcap and writes its header, so that it can be read
 * whatever follows. The policy must be resolved: a file that the program could
 * write to is refused. -1 with error set.
 */
int bt_capture_file_open(const char *path, BtPolicy *policy, GError **error);

G_END_DECLS
