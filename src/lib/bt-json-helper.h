/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The JSON reader of policies (BtJsonReadFunc): buntime-json, started for this
 * one text, which bt_json_scan() has passed.
 */
GBytes *bt_json_helper_read(const char *text, gsize length, GError **error);

G_END_DECLS
